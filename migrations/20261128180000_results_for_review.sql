-- What an agent made of a task that a person looks at before it is done. It stays where it is: of what
-- was accepted it is the result, and what was sent back stays on record.
CREATE TABLE result_for_review (
    workspace_id uuid NOT NULL,
    task_id uuid NOT NULL,
    lease_id uuid NOT NULL,
    at timestamptz NOT NULL,
    output json NOT NULL,
    -- read: the latest result of a task.
    PRIMARY KEY (workspace_id, task_id, lease_id)
);
