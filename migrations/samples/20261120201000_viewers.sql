INSERT INTO account (id, email, password_hash, role, created_at) VALUES
    ('01900000-0000-7000-8000-000000000012', 'eve@example.org', '$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA', 'member', now());
INSERT INTO membership (account_id, workspace_id, role) VALUES
    ('01900000-0000-7000-8000-000000000012', '01900000-0000-7000-8000-000000000002', 'viewer');
