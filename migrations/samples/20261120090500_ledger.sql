INSERT INTO usage_report (workspace_id, at, task_id, lease_id, agent_id, kind, model, input_tokens, output_tokens, cost_microusd) VALUES
    ('01900000-0000-7000-8000-000000000002', now(), '01900000-0000-7000-8000-000000000044', '01900000-0000-7000-8000-000000000052',
     '01900000-0000-7000-8000-000000000020', 'general', 'small', 900, 120, 70);
INSERT INTO refusal (workspace_id, resource_id, at, retry_after_ms) VALUES
    ('01900000-0000-7000-8000-000000000002', '01900000-0000-7000-8000-000000000022', now(), 2000);
INSERT INTO idempotency (workspace_id, key, request_hash, answer, created_at) VALUES
    ('01900000-0000-7000-8000-000000000002', 'once', sha256('body'), '{"ok": true}', now());
