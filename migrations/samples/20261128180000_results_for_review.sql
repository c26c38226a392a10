INSERT INTO result_for_review (workspace_id, task_id, lease_id, at, output) VALUES
    ('01900000-0000-7000-8000-000000000002', '01900000-0000-7000-8000-000000000044',
     '01900000-0000-7000-8000-000000000052', now(), '{"answer": 42}');
