-- A demo is taken away also from tables whose rows belong to one of its resources, budgets or
-- decisions and do not name the workspace: whichever they are, now and later.
CREATE OR REPLACE FUNCTION erase_demo(gone uuid) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
DECLARE
    home uuid;
    used uuid[];
    place regclass;
    naming text;
    owner text;
BEGIN
    SELECT p.id INTO home FROM demo d
        JOIN workspace w ON w.id = d.workspace_id JOIN pool p ON p.id = w.pool_id
        WHERE d.workspace_id = gone AND p.closing AND (p.expires_at IS NULL OR p.expires_at <= clock_timestamp())
        FOR UPDATE OF p, d;
    IF home IS NULL THEN
        RETURN false;
    END IF;
    SELECT array_agg(needs_id) INTO used FROM (
        SELECT needs_id FROM task WHERE workspace_id = gone
        UNION SELECT needs_id FROM open_task WHERE workspace_id = gone) AS n;
    FOR place, naming, owner IN
        SELECT c.oid, o.naming, o.owner
        FROM (VALUES ('decision_id', 'decision'), ('resource_id', 'resource'), ('budget_id', 'budget')) AS o (naming, owner)
        JOIN pg_attribute a ON a.attname = o.naming AND NOT a.attisdropped
        JOIN pg_class c ON c.oid = a.attrelid
        WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = current_schema()::regnamespace
            AND NOT EXISTS (SELECT FROM pg_attribute w WHERE w.attrelid = c.oid AND w.attname = 'workspace_id')
    LOOP
        EXECUTE format('DELETE FROM %s WHERE %I IN (SELECT id FROM %I WHERE workspace_id = $1)', place, naming, owner)
            USING gone;
    END LOOP;
    -- Whoever makes a decision's week changes that table's rights too.
    PERFORM pg_advisory_xact_lock(hashtext('decision weeks'));
    GRANT DELETE ON decision TO CURRENT_USER;
    FOR place IN
        SELECT c.oid FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE a.attname = 'workspace_id' AND NOT a.attisdropped AND c.relkind IN ('r', 'p') AND NOT c.relispartition
            AND c.relnamespace = current_schema()::regnamespace AND c.oid <> 'demo'::regclass
    LOOP
        EXECUTE format('DELETE FROM %s WHERE workspace_id = $1', place) USING gone;
    END LOOP;
    REVOKE DELETE ON decision FROM CURRENT_USER;
    DELETE FROM demo WHERE workspace_id = gone;
    DELETE FROM workspace WHERE id = gone;
    DELETE FROM pool p WHERE id = home AND NOT EXISTS (SELECT FROM workspace w WHERE w.pool_id = p.id);
    -- Needs are shared by all that need the same. While the lock is held nobody can come to need one
    -- that is about to go.
    LOCK TABLE needs IN SHARE ROW EXCLUSIVE MODE;
    DELETE FROM needs n WHERE n.id = ANY (used)
        AND NOT EXISTS (SELECT FROM task t WHERE t.needs_id = n.id)
        AND NOT EXISTS (SELECT FROM open_task o WHERE o.needs_id = n.id);
    RETURN true;
END $$;
