INSERT INTO decision (id, workspace_id, task_id, agent_id, at, policy_version, kind, actor, facts) VALUES
    ('01900000-0000-7000-8000-000000000062', '01900000-0000-7000-8000-000000000002', NULL, NULL, now(), 2, 'policy',
     '{"type": "user", "id": "01900000-0000-7000-8000-000000000010", "name": "Ada"}', '{"kind": "policy", "version": 2, "changes": []}');
INSERT INTO decision_repeat (decision_id, times) VALUES ('01900000-0000-7000-8000-000000000062', 4);
INSERT INTO decision_review (decision_id, workspace_id, reviewer, verdict, at) VALUES
    ('01900000-0000-7000-8000-000000000062', '01900000-0000-7000-8000-000000000002', '{"type": "scheduler"}', 'agree', now());
