INSERT INTO task_end (workspace_id, task_id, at, decision_id, attempts, state, output, lease_id, agent_id, granted_at, epoch) VALUES
    ('01900000-0000-7000-8000-000000000002', '01900000-0000-7000-8000-000000000046', now(), '01900000-0000-7000-8000-000000000063', 1,
     'done', '{"answer": 43}', '01900000-0000-7000-8000-000000000053', '01900000-0000-7000-8000-000000000020', now(), 1);
