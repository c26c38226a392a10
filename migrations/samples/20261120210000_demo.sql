INSERT INTO pool (id, name, closing) VALUES ('01900000-0000-7000-8000-000000000070', 'demo', true);
INSERT INTO workspace (id, pool_id, slug, name, goal, created_at) VALUES
    ('01900000-0000-7000-8000-000000000071', '01900000-0000-7000-8000-000000000070', 'demo', 'Demo', 'Watch it move', now());
INSERT INTO demo (workspace_id, runner, expires_at) VALUES
    ('01900000-0000-7000-8000-000000000071', '01900000-0000-7000-8000-000000000072', now());
INSERT INTO usage_report (workspace_id, at, task_id, lease_id, agent_id, kind, input_tokens, output_tokens, cost_microusd) VALUES
    ('01900000-0000-7000-8000-000000000071', now(), '01900000-0000-7000-8000-000000000073', '01900000-0000-7000-8000-000000000074',
     '01900000-0000-7000-8000-000000000075', 'research', 900, 120, 70);
