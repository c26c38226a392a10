INSERT INTO resource_minute (resource_id, at, level, lowest, "limit", in_use, waiting, given) VALUES
    ('01900000-0000-7000-8000-000000000022', date_trunc('minute', now()), 7, 2, 10, 0, 3, 8);
INSERT INTO budget_point (budget_id, at, settled, reserved) VALUES
    ('01900000-0000-7000-8000-000000000023', date_trunc('hour', now()), 70, 30);
