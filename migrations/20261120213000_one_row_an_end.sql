-- A dispatch writes less. The attempt that ended a task is kept in the row of that end, and the
-- dispatches of a task are found by its attempts instead of by an index over all decisions.

-- Set together, when the attempt under the decision of the end is what ended the task; other attempts
-- have rows of their own in `attempt`.
ALTER TABLE task_end
    ADD COLUMN lease_id uuid,
    ADD COLUMN agent_id uuid,
    ADD COLUMN granted_at timestamptz,
    ADD COLUMN epoch bigint,
    ADD CONSTRAINT task_end_has_all_of_an_attempt
        CHECK (num_nulls(lease_id, agent_id, granted_at, epoch) = 4
            OR num_nulls(lease_id, agent_id, granted_at, epoch, decision_id) = 0) NOT VALID;
ALTER TABLE task_end VALIDATE CONSTRAINT task_end_has_all_of_an_attempt;
-- overview: tasks that ended in the last minutes. Rows come in the order of time, so a block range
-- index costs next to nothing.
CREATE INDEX task_end_by_time ON task_end USING brin (at) WITH (pages_per_range = 16, autosummarize = on);

-- read: the attempts at a task that did not end it.
CREATE INDEX attempt_of_task ON attempt (workspace_id, task_id);

-- How the attempt that ended a task ended.
CREATE FUNCTION attempt_outcome(ended text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE ended WHEN 'done' THEN 'completed' ELSE 'failed' END
$$;

-- Every attempt that is over, wherever it is kept.
CREATE VIEW ended_attempt AS
SELECT workspace_id, task_id, epoch, lease_id, agent_id, decision_id, granted_at, ended_at, outcome, state, error
FROM attempt
UNION ALL
SELECT workspace_id, task_id, epoch, lease_id, agent_id, decision_id, granted_at, at,
    attempt_outcome(state), state, error
FROM task_end WHERE lease_id IS NOT NULL;

-- read: what else was decided about a task; its dispatches are those of its attempts and its lease.
DROP INDEX decision_of_task;
CREATE INDEX decision_about_task ON decision (task_id, id) WHERE task_id IS NOT NULL AND kind <> 'dispatch';

-- Who decided: null for Baton itself, by the policy in force, as nearly always.
ALTER TABLE decision ALTER COLUMN actor DROP NOT NULL;
