-- Full text of tasks, beside the table that creation writes: a text is broken into words once, a
-- moment after it was committed, by whichever server gets to it, and the hot path pays nothing.

CREATE TABLE task_words (
    workspace_id uuid NOT NULL,
    task_id uuid NOT NULL,
    words tsvector NOT NULL,
    -- read: common words, newest first; index: what has its words already.
    PRIMARY KEY (workspace_id, task_id)
);
-- read: rare words.
CREATE INDEX task_words_by_word ON task_words USING gin (words);

-- Up to which identifier all tasks of a workspace have their words.
CREATE TABLE task_words_mark (
    workspace_id uuid PRIMARY KEY,
    up_to uuid NOT NULL
);

-- Words as they are written, in any language; of a long description its beginning. Case is that of
-- the database: under the locale C, letters beyond ASCII are told apart by it.
CREATE FUNCTION words_of(title text, description text) RETURNS tsvector LANGUAGE sql IMMUTABLE AS $$
    SELECT to_tsvector('simple', title || ' ' || left(description, 4000))
$$;

-- Edits are rare. Whoever of the two comes second sees the other's row.
CREATE FUNCTION task_words_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO task_words (workspace_id, task_id, words)
    VALUES (NEW.workspace_id, NEW.id, words_of(NEW.title, NEW.description))
    ON CONFLICT (workspace_id, task_id) DO UPDATE SET words = excluded.words;
    RETURN NULL;
END $$;
CREATE TRIGGER task_words_follow AFTER UPDATE OF title, description ON task
    FOR EACH ROW WHEN (OLD.title <> NEW.title OR OLD.description <> NEW.description)
    EXECUTE FUNCTION task_words_follow();
