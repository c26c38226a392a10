-- Tasks that come and open tasks that change. Runs before the statement that ends and leases them.
WITH fence AS MATERIALIZED (
    SELECT 1 AS held FROM pool
    WHERE id = $1 AND epoch = $2 AND holder = $3 AND expires_at > clock_timestamp()
    FOR SHARE
),
needs_put AS (
    INSERT INTO needs (id, needs)
    SELECT unnest($4::uuid[]), unnest($5::text[]) FROM fence
    ON CONFLICT (id) DO NOTHING
),
task_put AS (
    INSERT INTO task (workspace_id, id, created_at, due_at, parent_id, needs_id, score, depth, priority, class, kind,
                      agent, title, description, reference, payload, created_by)
    SELECT unnest($6::uuid[]), unnest($7::uuid[]), unnest($8::timestamptz[]), unnest($9::timestamptz[]),
        unnest($10::uuid[]), unnest($11::uuid[]), unnest($12::integer[]), unnest($13::integer[]),
        unnest($14::text[]), unnest($15::text[]), unnest($16::text[]), unnest($17::text[]), unnest($18::text[]),
        unnest($19::text[]), unnest($20::text[]), unnest($21::text[])::json, unnest($22::text[])::json
    FROM fence
),
dependency_put AS (
    INSERT INTO task_dependency (workspace_id, task_id, depends_on)
    SELECT unnest($23::uuid[]), unnest($24::uuid[]), unnest($25::uuid[]) FROM fence
    ON CONFLICT DO NOTHING
)
INSERT INTO open_task (workspace_id, task_id, needs_id, created_at, due_at, not_before, boost_until, boost_delta,
                       attempts, epoch, backing_off, state, priority, ancestors)
SELECT unnest($26::uuid[]), unnest($27::uuid[]), unnest($28::uuid[]), unnest($29::timestamptz[]),
    unnest($30::timestamptz[]), unnest($31::timestamptz[]), unnest($32::timestamptz[]), unnest($33::integer[]),
    unnest($34::integer[]), unnest($35::bigint[]), unnest($36::boolean[]), unnest($37::text[]),
    unnest($38::text[]), unnest($39::text[])::uuid[]
FROM fence
ON CONFLICT (workspace_id, task_id) DO UPDATE SET needs_id = excluded.needs_id, due_at = excluded.due_at,
    not_before = excluded.not_before, boost_until = excluded.boost_until, boost_delta = excluded.boost_delta,
    attempts = excluded.attempts, epoch = excluded.epoch, backing_off = excluded.backing_off, state = excluded.state,
    priority = excluded.priority
