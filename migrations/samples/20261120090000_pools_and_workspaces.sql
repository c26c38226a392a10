INSERT INTO pool (id, name, epoch, holder, holder_url, expires_at) VALUES
    ('01900000-0000-7000-8000-000000000001', 'second', 3, '01900000-0000-7000-8000-0000000000aa', 'http://10.0.0.1:3000', now());
INSERT INTO server (id, url, seen_at) VALUES ('01900000-0000-7000-8000-0000000000aa', 'http://10.0.0.1:3000', now());
UPDATE installation SET setup_code_hash = sha256('code');
INSERT INTO workspace (id, pool_id, slug, name, goal, created_at)
    SELECT '01900000-0000-7000-8000-000000000002', id, 'acme', 'Acme', 'Ship the launch', now() FROM pool WHERE name = 'main';
INSERT INTO policy (workspace_id, version, at, policy) VALUES
    ('01900000-0000-7000-8000-000000000002', 1, now(), '{}'),
    ('01900000-0000-7000-8000-000000000002', 2, now(), '{"ageing_per_hour": 30.0}');
