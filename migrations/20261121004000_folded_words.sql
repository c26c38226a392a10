-- A search tells apart neither case nor accents, in any script and under any locale of the database, and
-- finds by kind, class and agent as it finds by words. What is folded where texts are written and asked
-- for needs the words made anew, which is done behind the start as for new tasks.
DROP TRIGGER task_words_follow ON task;
DROP FUNCTION task_words_follow();
DROP FUNCTION words_of(text, text);
TRUNCATE task_words, task_words_mark;

-- The words of a folded text; kind, class and agent each as one that no text has, as it begins with a space.
CREATE FUNCTION words_of(folded text, kind text, class text, agent text) RETURNS tsvector LANGUAGE sql IMMUTABLE AS $$
    SELECT to_tsvector('simple', folded) || array_to_tsvector(
        array_remove(ARRAY[' kind=' || kind, ' class=' || class, ' agent=' || agent], NULL))
$$;

-- read: open tasks that are due soonest. Most have no due date and cost nothing.
CREATE INDEX open_task_by_due ON open_task (workspace_id, due_at, task_id) WHERE due_at IS NOT NULL;

-- The tasks that have those words, and are of that kind, class and agent or held by it; with some that
-- have no words yet and are known to fit. Planned each time: what is rare depends on what is asked.
CREATE FUNCTION tasks_fitting(workspace uuid, asked text, facets text, agent text, held uuid[], young uuid[])
RETURNS SETOF uuid LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    RETURN QUERY
    SELECT w.task_id FROM task_words w WHERE w.workspace_id = workspace
        AND (asked IS NULL OR w.words @@ to_tsquery('simple', asked)) AND (facets IS NULL OR w.words @@ facets::tsquery)
        AND (agent IS NULL OR w.words @@ agent::tsquery)
    UNION
    SELECT w.task_id FROM task_words w WHERE w.workspace_id = workspace AND w.task_id = ANY(held)
        AND (asked IS NULL OR w.words @@ to_tsquery('simple', asked)) AND (facets IS NULL OR w.words @@ facets::tsquery)
    UNION
    SELECT unnest(young);
END $$;
