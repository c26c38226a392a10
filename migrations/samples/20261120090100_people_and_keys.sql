INSERT INTO account (id, email, password_hash, role, created_at) VALUES
    ('01900000-0000-7000-8000-000000000010', 'ada@example.org', '$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA', 'member', now());
INSERT INTO membership (account_id, workspace_id, role) VALUES
    ('01900000-0000-7000-8000-000000000010', '01900000-0000-7000-8000-000000000002', 'manager');
INSERT INTO session (id_hash, account_id, data, created_at, idle_expires_at, absolute_expires_at) VALUES
    (sha256('session'), '01900000-0000-7000-8000-000000000010', '{}', now(), now() + interval '1 hour', now() + interval '1 day');
INSERT INTO login_attempt (at, email, address, succeeded) VALUES (now(), 'ada@example.org', '10.0.0.9', false);
INSERT INTO api_key (id, workspace_id, name, role, agent_id, prefix, hash, created_at, expires_at) VALUES
    ('01900000-0000-7000-8000-000000000011', '01900000-0000-7000-8000-000000000002', 'scout', 'agent',
     '01900000-0000-7000-8000-000000000020', 'baton_ab12', sha256('key'), now(), now() + interval '90 days');
