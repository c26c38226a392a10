-- A demo: a workspace with simulated agents, alone in a pool of its own, that leaves nothing behind.

-- A closing pool is let go by its holder and taken by nobody: what is left in it can be taken away.
ALTER TABLE pool ADD COLUMN closing boolean NOT NULL DEFAULT false;

-- One at a time. Whoever runs it says so again and again; after `expires_at` it is dead.
CREATE TABLE demo (
    one boolean NOT NULL DEFAULT true UNIQUE CHECK (one),
    workspace_id uuid PRIMARY KEY REFERENCES workspace,
    runner uuid NOT NULL,
    expires_at timestamptz NOT NULL
);

-- What people decided by can never become a demo: a demo is one from its first moment, and stays it.
CREATE FUNCTION refuse_late_demo() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' OR EXISTS (SELECT FROM decision WHERE workspace_id = NEW.workspace_id) THEN
        RAISE EXCEPTION 'only a workspace without decisions can become a demo' USING ERRCODE = 'BT003';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER demo_from_the_start BEFORE INSERT OR UPDATE OF workspace_id ON demo
    FOR EACH ROW EXECUTE FUNCTION refuse_late_demo();

-- Append-only as before, but for rows of a demo whose pool is closed for good.
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND TG_LEVEL = 'ROW' THEN
        IF EXISTS (SELECT FROM demo d JOIN workspace w ON w.id = d.workspace_id JOIN pool p ON p.id = w.pool_id
                   WHERE d.workspace_id = OLD.workspace_id AND p.closing) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'BT002';
END $$;

-- The one privileged act of maintenance: takes a demo away, from every table that has a column
-- `workspace_id` and from those its rows are named in. It gives itself the right to delete decisions
-- and takes it back in the same transaction, so that nobody else ever sees it given; the trigger
-- above still lets only the demo's rows go. False when there is no such demo, or its pool is not
-- closed and let go yet.
CREATE FUNCTION erase_demo(gone uuid) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
DECLARE
    home uuid;
    used uuid[];
    place regclass;
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
    DELETE FROM decision_repeat r USING decision d WHERE d.workspace_id = gone AND r.decision_id = d.id;
    DELETE FROM lease_slot s USING resource r WHERE r.workspace_id = gone AND s.resource_id = r.id;
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
REVOKE EXECUTE ON FUNCTION erase_demo(uuid) FROM PUBLIC;
