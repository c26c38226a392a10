INSERT INTO needs (id, needs) VALUES
    ('01900000-0000-7000-8000-000000000030', '{"kind":"general","class":"ordinary","capabilities":["research"],"max_attempts":3,"lease_ms":60000}');
INSERT INTO task (workspace_id, id, created_at, parent_id, needs_id, score, depth, priority, class, kind, agent, title,
                  description, reference, payload, created_by)
    SELECT '01900000-0000-7000-8000-000000000002', ('01900000-0000-7000-8000-00000000004' || n)::uuid, now(),
        CASE WHEN n > 0 THEN '01900000-0000-7000-8000-000000000040'::uuid END, '01900000-0000-7000-8000-000000000030', 500,
        least(n, 1), 'medium', 'ordinary', 'general', NULL, 'Task ' || n, '', NULL, '{"n": 1}', '{"type": "scheduler"}'
    FROM generate_series(0, 5) AS n;
INSERT INTO task_dependency (workspace_id, task_id, depends_on) VALUES
    ('01900000-0000-7000-8000-000000000002', '01900000-0000-7000-8000-000000000041', '01900000-0000-7000-8000-000000000040');
INSERT INTO open_task (workspace_id, task_id, needs_id, created_at, attempts, epoch, backing_off, state, priority, ancestors)
    SELECT workspace_id, id, needs_id, created_at, 0, 0, false,
        (ARRAY['pending', 'pending', 'backlog', 'in_review'])[1 + right(id::text, 1)::integer], priority, '{}'
    FROM task WHERE right(id::text, 1) < '4';
INSERT INTO lease (workspace_id, task_id, id, agent_id, decision_id, granted_at, expires_at, epoch, holds_slots, grants, reservations) VALUES
    ('01900000-0000-7000-8000-000000000002', '01900000-0000-7000-8000-000000000040', '01900000-0000-7000-8000-000000000050',
     '01900000-0000-7000-8000-000000000020', '01900000-0000-7000-8000-000000000060', now(), now() + interval '1 minute', 1, true,
     '[{"resource":"01900000-0000-7000-8000-000000000022","name":"browser","amount":1,"slots":[0]}]', '[]');
INSERT INTO lease_slot (resource_id, slot, holder_id) VALUES
    ('01900000-0000-7000-8000-000000000022', 0, '01900000-0000-7000-8000-000000000050');
INSERT INTO permit (id, workspace_id, agent_id, granted_at, expires_at, grants) VALUES
    ('01900000-0000-7000-8000-000000000051', '01900000-0000-7000-8000-000000000002', '01900000-0000-7000-8000-000000000020',
     now(), now(), '[]');
INSERT INTO task_end (workspace_id, task_id, at, attempts, state, output, error) VALUES
    ('01900000-0000-7000-8000-000000000002', '01900000-0000-7000-8000-000000000044', now(), 1, 'done', '{"answer": 42}', NULL),
    ('01900000-0000-7000-8000-000000000002', '01900000-0000-7000-8000-000000000045', now(), 3, 'failed', NULL, 'no answer');
INSERT INTO attempt (workspace_id, task_id, epoch, lease_id, agent_id, decision_id, granted_at, ended_at, outcome, state) VALUES
    ('01900000-0000-7000-8000-000000000002', '01900000-0000-7000-8000-000000000044', 1, '01900000-0000-7000-8000-000000000052',
     '01900000-0000-7000-8000-000000000020', '01900000-0000-7000-8000-000000000061', now(), now(), 'completed', 'done');
INSERT INTO late_result (lease_id, workspace_id, epoch, at, output) VALUES
    ('01900000-0000-7000-8000-000000000052', '01900000-0000-7000-8000-000000000002', 1, now(), '{"answer": 41}');
