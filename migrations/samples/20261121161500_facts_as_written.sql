INSERT INTO decision (id, workspace_id, at, policy_version, kind, facts)
    SELECT '01900000-0000-7000-8000-000000000069', workspace_id, at, policy_version, kind, facts FROM decision LIMIT 1;
