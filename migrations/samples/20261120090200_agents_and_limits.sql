INSERT INTO agent (id, workspace_id, name, capabilities, models, max_concurrency, card, seen_at, status) VALUES
    ('01900000-0000-7000-8000-000000000020', '01900000-0000-7000-8000-000000000002', 'scout', '{research}', '{small}', 4,
     '{"offers": []}', now(), 'busy');
INSERT INTO resource (id, pool_id, workspace_id, name, kind, adaptive, full_at_ns, believed, refusals)
    SELECT '01900000-0000-7000-8000-000000000021', id, NULL, 'search',
        '{"kind": "bucket", "capacity": 100, "refill_per_s": 10.0}', NULL, 0, 1, 0 FROM pool WHERE name = 'main';
INSERT INTO resource (id, pool_id, workspace_id, name, kind, full_at_ns, closed_until, closed_because, believed, refusals)
    SELECT '01900000-0000-7000-8000-000000000022', id, '01900000-0000-7000-8000-000000000002', 'browser',
        '{"kind": "slots", "slots": 2}', 0, now(), 'provider', 0.5, 1 FROM pool WHERE name = 'main';
INSERT INTO budget (id, workspace_id, name, scope, unit, "limit", "window", soft_at, window_start, settled, warned) VALUES
    ('01900000-0000-7000-8000-000000000023', '01900000-0000-7000-8000-000000000002', 'daily', '"workspace"', 'microusd',
     5000000, 'day', 0.8, now(), 120000, false);
