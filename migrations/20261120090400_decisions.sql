-- Decisions: append-only for everyone, the owner of the table included.

-- Partitioned by time, because a UUIDv7 begins with its millisecond; a week each, made ahead.
CREATE TABLE decision (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    task_id uuid,
    agent_id uuid,
    resource_id uuid,
    at timestamptz NOT NULL,
    policy_version integer NOT NULL,
    kind text NOT NULL CHECK (kind IN ('dispatch', 'not_yet', 'reprioritise', 'fuse', 'budget', 'throttle',
        'guardian', 'override', 'approval', 'experiment', 'policy', 'expiry')),
    actor json NOT NULL,
    facts json NOT NULL,
    -- read: one decision, and the list newest first.
    PRIMARY KEY (workspace_id, id)
) PARTITION BY RANGE (id);
-- read: a task's timeline.
CREATE INDEX decision_of_task ON decision (task_id, id) WHERE task_id IS NOT NULL;
-- read: decisions of a kind; nearly all are dispatches, which the primary key finds as fast.
CREATE INDEX decision_by_rare_kind ON decision (workspace_id, kind, id) WHERE kind <> 'dispatch';
-- read: decisions about a resource.
CREATE INDEX decision_of_resource ON decision (resource_id, id) WHERE resource_id IS NOT NULL;
-- What no week was made for; stays empty while the weeks are made ahead.
CREATE TABLE decision_other PARTITION OF decision DEFAULT;

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'BT002';
END $$;

-- Row triggers reach every partition; statement triggers must be set on each.
CREATE TRIGGER decision_is_append_only BEFORE UPDATE OR DELETE ON decision
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER decision_is_not_truncated BEFORE TRUNCATE ON decision
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER decision_is_not_truncated BEFORE TRUNCATE ON decision_other
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
REVOKE UPDATE, DELETE, TRUNCATE ON decision, decision_other FROM PUBLIC, CURRENT_USER;

-- The smallest UUIDv7 of an instant.
CREATE FUNCTION first_id_at(at timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT rpad(lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0'), 32, '0')::uuid
$$;

-- Makes the partition of the week (from Monday, UTC) that `at` is in; true when it is new.
CREATE FUNCTION make_decision_week(at timestamptz) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    week timestamptz := date_trunc('week', at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
    part text := 'decision_' || to_char(week AT TIME ZONE 'UTC', 'YYYYMMDD');
BEGIN
    IF to_regclass(part) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I PARTITION OF decision FOR VALUES FROM (%L) TO (%L)',
        part, first_id_at(week), first_id_at(week + interval '7 days'));
    EXECUTE format('CREATE TRIGGER decision_is_not_truncated BEFORE TRUNCATE ON %I
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', part);
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON %I FROM PUBLIC, CURRENT_USER', part);
    RETURN true;
END $$;

-- How often a lane met the same verdict again: a counter, not a row.
CREATE TABLE decision_repeat (
    decision_id uuid PRIMARY KEY,
    times bigint NOT NULL CHECK (times > 0)
) WITH (fillfactor = 70);

-- What a manager thought of a decision.
CREATE TABLE decision_review (
    decision_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    reviewer json NOT NULL,
    verdict text NOT NULL CHECK (verdict IN ('agree', 'disagree')),
    note text,
    at timestamptz NOT NULL
);
-- read: the reviews of a decision.
CREATE INDEX decision_review_of_decision ON decision_review (workspace_id, decision_id, at);
