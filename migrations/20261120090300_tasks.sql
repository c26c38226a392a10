-- Tasks, from acceptance to end. A task's text is written once; its scheduling half is a narrow row
-- in `open_task` while it is not finished; what is in flight is one small row in `lease`; what is
-- over is appended to `task_end` and `attempt`. No wide row is updated on the way, and no hot table
-- refers to another by foreign key: one fenced writer per pool keeps them together.
-- Identifiers are UUIDv7, so keys are also orders of creation, and lists page by them.

-- What tasks need, once for all tasks that need the same: `id` is the first half of the SHA-256 of
-- the text.
CREATE TABLE needs (
    id uuid PRIMARY KEY,
    needs text NOT NULL
);

CREATE TABLE task (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    due_at timestamptz,
    parent_id uuid,
    needs_id uuid NOT NULL,
    version integer NOT NULL DEFAULT 1 CHECK (version > 0),
    score integer NOT NULL,
    depth integer NOT NULL CHECK (depth >= 0),
    priority text NOT NULL CHECK (priority IN ('low', 'medium', 'high', 'urgent')),
    class text NOT NULL CHECK (class IN ('exploratory', 'routine', 'ordinary', 'strategic', 'directive')),
    kind text NOT NULL,
    -- The one agent it is for, by name.
    agent text,
    title text NOT NULL CHECK (title <> '' AND char_length(title) <= 200),
    description text NOT NULL CHECK (octet_length(description) <= 65536),
    reference text,
    payload json,
    created_by json NOT NULL,
    -- read: one task, and the list newest first.
    PRIMARY KEY (workspace_id, id)
);
-- read: a task's children, newest first.
CREATE INDEX task_by_parent ON task (workspace_id, parent_id, id) WHERE parent_id IS NOT NULL;

CREATE TABLE task_dependency (
    workspace_id uuid NOT NULL,
    task_id uuid NOT NULL,
    depends_on uuid NOT NULL CHECK (depends_on <> task_id),
    PRIMARY KEY (workspace_id, task_id, depends_on)
);
-- read: what waits for a task.
CREATE INDEX task_dependency_reverse ON task_dependency (workspace_id, depends_on, task_id);

-- The scheduling half of every task that is not finished, and of failed or cancelled ones that
-- others wait on. A leased task stays here as it was; its lease says that it runs.
CREATE TABLE open_task (
    workspace_id uuid NOT NULL,
    task_id uuid NOT NULL,
    needs_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    due_at timestamptz,
    not_before timestamptz,
    boost_until timestamptz,
    -- Points, or none for a pin; meaningful while there is a `boost_until`.
    boost_delta integer,
    attempts integer NOT NULL CHECK (attempts >= 0),
    epoch bigint NOT NULL CHECK (epoch >= 0),
    backing_off boolean NOT NULL,
    state text NOT NULL CHECK (state IN ('backlog', 'pending', 'in_review', 'failed', 'cancelled')),
    priority text NOT NULL CHECK (priority IN ('low', 'medium', 'high', 'urgent')),
    -- All tasks above it, its parent first. What it waits for and its children are not kept twice: a
    -- load finds them from the edges, the ends and the parents.
    ancestors uuid[] NOT NULL,
    CHECK (boost_delta IS NULL OR boost_until IS NOT NULL),
    -- load: a workspace's open tasks; read: the waiting ones, newest first.
    PRIMARY KEY (workspace_id, task_id)
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05);
-- read: tasks by a state that few are in.
CREATE INDEX open_task_by_rare_state ON open_task (workspace_id, state, task_id) WHERE state <> 'pending';

-- What runs now. The primary key is the second wall behind the conductor: one live lease a task. Few
-- rows at any time, so that readers of one workspace walk them all rather than every dispatch pay for
-- another index.
CREATE TABLE lease (
    workspace_id uuid NOT NULL,
    task_id uuid NOT NULL,
    id uuid NOT NULL,
    agent_id uuid NOT NULL,
    decision_id uuid NOT NULL,
    granted_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    epoch bigint NOT NULL CHECK (epoch > 0),
    -- Whether rows of `lease_slot` are its own, so that an end looks for them only then.
    holds_slots boolean NOT NULL,
    grants text NOT NULL,
    reservations text NOT NULL,
    progress real CHECK (progress >= 0 AND progress <= 1),
    note text,
    PRIMARY KEY (task_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- Grants without a task.
CREATE TABLE permit (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    granted_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    grants text NOT NULL
);
-- load: the permits of a workspace.
CREATE INDEX permit_of_workspace ON permit (workspace_id);

-- Slots are numbered and each is held at most once, whoever believes what: the primary key says so.
CREATE TABLE lease_slot (
    resource_id uuid NOT NULL,
    slot integer NOT NULL CHECK (slot >= 0),
    -- A lease or a permit.
    holder_id uuid NOT NULL,
    PRIMARY KEY (resource_id, slot)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
-- flush: free what a holder held.
CREATE INDEX lease_slot_by_holder ON lease_slot (holder_id);

-- How a task ended. A person's retry of a failed or cancelled task takes its row away again.
CREATE TABLE task_end (
    workspace_id uuid NOT NULL,
    task_id uuid NOT NULL,
    at timestamptz NOT NULL,
    decision_id uuid,
    attempts integer NOT NULL CHECK (attempts >= 0),
    state text NOT NULL CHECK (state IN ('done', 'failed', 'cancelled')),
    output json,
    error text,
    -- read: one task's end, and the done ones newest first.
    PRIMARY KEY (workspace_id, task_id)
);
-- read: tasks that failed or were cancelled, newest first, and how many.
CREATE INDEX task_end_by_rare_state ON task_end (workspace_id, state, task_id) WHERE state <> 'done';

-- Every attempt that is over, by the decision that gave it the task: its key allows each lease one end,
-- says what came of the decision, and grows with time, where a key by task would be written all over.
CREATE TABLE attempt (
    workspace_id uuid NOT NULL,
    task_id uuid NOT NULL,
    epoch bigint NOT NULL,
    lease_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    decision_id uuid NOT NULL,
    granted_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL,
    outcome text NOT NULL
        CHECK (outcome IN ('completed', 'failed', 'throttled', 'released', 'expired', 'revoked')),
    state text NOT NULL,
    error text,
    -- read: what came of a decision, and through its decisions the attempts of a task; load: the latest.
    PRIMARY KEY (decision_id)
);
-- overview: attempts that ended in the last minutes. Rows come in the order of time, so a block range
-- index costs next to nothing.
CREATE INDEX attempt_by_time ON attempt USING brin (ended_at) WITH (pages_per_range = 16, autosummarize = on);

-- Results that came under a lost lease: kept, unattached.
CREATE TABLE late_result (
    lease_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    agent_id uuid,
    epoch bigint NOT NULL,
    at timestamptz NOT NULL,
    output json
);
-- read: what came late for a lease.
CREATE INDEX late_result_of_lease ON late_result (workspace_id, lease_id);

-- The state that readers see: an end, else a lease, else the open row.
CREATE FUNCTION task_state_of(ended text, lease uuid, open text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN ended IS NOT NULL THEN ended WHEN lease IS NOT NULL THEN 'in_progress' ELSE open END
$$;

CREATE VIEW task_state AS
SELECT t.workspace_id, t.id AS task_id, task_state_of(e.state, l.id, o.state) AS state
FROM task t
LEFT JOIN task_end e ON e.workspace_id = t.workspace_id AND e.task_id = t.id
LEFT JOIN lease l ON l.task_id = t.id AND l.workspace_id = t.workspace_id
LEFT JOIN open_task o ON o.workspace_id = t.workspace_id AND o.task_id = t.id;

-- Stops a transaction whose statement touched other than the rows it meant to.
CREATE FUNCTION assert_rows(counted bigint, expected bigint, what text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    IF counted <> expected THEN
        RAISE EXCEPTION 'expected % of %, found %', expected, what, counted USING ERRCODE = 'BT001';
    END IF;
    RETURN true;
END $$;
