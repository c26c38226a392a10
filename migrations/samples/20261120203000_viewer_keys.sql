INSERT INTO api_key (id, workspace_id, name, role, prefix, hash, created_at) VALUES
    ('01900000-0000-7000-8000-000000000013', '01900000-0000-7000-8000-000000000002', 'dashboard', 'viewer', 'baton_cd34', sha256('viewer'), now());
