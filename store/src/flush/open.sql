-- Tasks that come and open tasks that change. Runs before the statement that ends and leases them.
WITH fence AS MATERIALIZED (
    SELECT 1 AS held FROM pool
    WHERE id = $1 AND epoch = $2 AND holder = $3 AND expires_at > clock_timestamp()
    FOR SHARE
),
needs_put AS (
    INSERT INTO needs (id, needs)
    SELECT n.* FROM fence, unnest($4::uuid[], $5::text[]) AS n
    ON CONFLICT (id) DO NOTHING
),
task_put AS (
    INSERT INTO task (workspace_id, id, created_at, due_at, parent_id, needs_id, score, depth, priority, class, kind,
                      agent, title, description, reference, payload, created_by)
    SELECT t.workspace_id, t.id, t.created_at, t.due_at, t.parent_id, t.needs_id, t.score, t.depth, t.priority, t.class,
           t.kind, t.agent, t.title, t.description, t.reference, t.payload::json, t.created_by::json
    FROM fence, unnest($6::uuid[], $7::uuid[], $8::timestamptz[], $9::timestamptz[], $10::uuid[], $11::uuid[],
        $12::integer[], $13::integer[], $14::text[], $15::text[], $16::text[], $17::text[], $18::text[], $19::text[],
        $20::text[], $21::text[], $22::text[])
        AS t (workspace_id, id, created_at, due_at, parent_id, needs_id, score, depth, priority, class, kind, agent,
              title, description, reference, payload, created_by)
),
dependency_put AS (
    INSERT INTO task_dependency (workspace_id, task_id, depends_on)
    SELECT d.* FROM fence, unnest($23::uuid[], $24::uuid[], $25::uuid[]) AS d
    ON CONFLICT DO NOTHING
)
INSERT INTO open_task (workspace_id, task_id, needs_id, created_at, due_at, not_before, boost_until, boost_delta,
                       attempts, epoch, backing_off, state, priority, ancestors)
SELECT o.workspace_id, o.task_id, o.needs_id, o.created_at, o.due_at, o.not_before, o.boost_until, o.boost_delta,
       o.attempts, o.epoch, o.backing_off, o.state, o.priority, o.ancestors::uuid[]
FROM fence, unnest($26::uuid[], $27::uuid[], $28::uuid[], $29::timestamptz[], $30::timestamptz[], $31::timestamptz[],
    $32::timestamptz[], $33::integer[], $34::integer[], $35::bigint[], $36::boolean[], $37::text[], $38::text[],
    $39::text[])
    AS o (workspace_id, task_id, needs_id, created_at, due_at, not_before, boost_until, boost_delta, attempts, epoch,
          backing_off, state, priority, ancestors)
ON CONFLICT (workspace_id, task_id) DO UPDATE SET needs_id = excluded.needs_id, due_at = excluded.due_at,
    not_before = excluded.not_before, boost_until = excluded.boost_until, boost_delta = excluded.boost_delta,
    attempts = excluded.attempts, epoch = excluded.epoch, backing_off = excluded.backing_off, state = excluded.state,
    priority = excluded.priority
