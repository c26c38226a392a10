-- Everything a busy pool writes, in one statement and so in one journey and one commit. Nothing is
-- written and no row returned unless the pool is held under this epoch now.
-- Arrays are taken apart in lists of columns, side by side: row by row, where FROM would first keep
-- each of them whole.
WITH fence AS MATERIALIZED (
    SELECT 1 AS held FROM pool
    WHERE id = $1 AND epoch = $2 AND holder = $3 AND expires_at > clock_timestamp()
    FOR SHARE
),
-- Leases that ended, before others may take their tasks and slots.
lease_gone AS (
    DELETE FROM lease l
    USING (SELECT unnest($4::uuid[]) AS task_id, unnest($5::uuid[]) AS id FROM fence) g
    WHERE l.task_id = g.task_id AND l.id = g.id
    RETURNING l.id, l.holds_slots
),
slot_gone AS (
    DELETE FROM lease_slot s
    USING (SELECT id FROM lease_gone WHERE holds_slots UNION ALL SELECT unnest($6::uuid[]) FROM fence) g (id)
    WHERE s.holder_id = g.id
    RETURNING 1
),
-- Tasks that ended: their open rows go, unless others wait on them. What ended before and was taken
-- up again loses its earlier end first, and the attempt in it becomes one like others.
open_gone AS (
    DELETE FROM open_task o
    USING (SELECT unnest($7::uuid[]) AS workspace_id, unnest($8::uuid[]) AS task_id FROM fence) e
    WHERE o.workspace_id = e.workspace_id AND o.task_id = e.task_id
    RETURNING 1
),
end_gone AS (
    DELETE FROM task_end e
    USING (SELECT unnest($9::uuid[]) AS workspace_id, unnest($10::uuid[]) AS task_id FROM fence) g
    WHERE e.workspace_id = g.workspace_id AND e.task_id = g.task_id
    RETURNING e.*
),
end_put AS (
    INSERT INTO task_end (workspace_id, task_id, at, decision_id, attempts, state, output, error, lease_id, agent_id,
                          granted_at, epoch)
    SELECT unnest($11::uuid[]), unnest($12::uuid[]), unnest($13::timestamptz[]), unnest($14::uuid[]),
        unnest($15::integer[]), unnest($16::text[]), unnest($17::text[])::json, unnest($18::text[]),
        unnest($19::uuid[]), unnest($20::uuid[]), unnest($21::timestamptz[]), unnest($22::bigint[])
    FROM fence WHERE (SELECT count(*) FROM end_gone) >= 0
),
attempt_put AS (
    INSERT INTO attempt (workspace_id, task_id, epoch, lease_id, agent_id, decision_id, granted_at, ended_at,
                         outcome, state, error)
    SELECT unnest($23::uuid[]), unnest($24::uuid[]), unnest($25::bigint[]), unnest($26::uuid[]), unnest($27::uuid[]),
        unnest($28::uuid[]), unnest($29::timestamptz[]), unnest($30::timestamptz[]), unnest($31::text[]),
        unnest($32::text[]), unnest($33::text[])
    FROM fence
    UNION ALL
    SELECT workspace_id, task_id, epoch, lease_id, agent_id, decision_id, granted_at, at, 'failed', state, error
    FROM end_gone WHERE lease_id IS NOT NULL
),
lease_put AS (
    INSERT INTO lease (workspace_id, task_id, id, agent_id, decision_id, granted_at, expires_at, epoch, grants,
                       reservations, holds_slots)
    SELECT unnest($34::uuid[]), unnest($35::uuid[]), unnest($36::uuid[]), unnest($37::uuid[]), unnest($38::uuid[]),
        unnest($39::timestamptz[]), unnest($40::timestamptz[]), unnest($41::bigint[]), unnest($42::text[]),
        unnest($43::text[]), unnest($44::boolean[])
    FROM fence WHERE (SELECT count(*) FROM lease_gone) >= 0
),
slot_put AS (
    INSERT INTO lease_slot (resource_id, slot, holder_id)
    SELECT unnest($45::uuid[]), unnest($46::integer[]), unnest($47::uuid[])
    FROM fence WHERE (SELECT count(*) FROM slot_gone) >= 0
),
decision_put AS (
    INSERT INTO decision (id, workspace_id, task_id, agent_id, resource_id, at, policy_version, kind, actor, facts)
    SELECT unnest($48::uuid[]), unnest($49::uuid[]), unnest($50::uuid[]), unnest($51::uuid[]), unnest($52::uuid[]),
        unnest($53::timestamptz[]), unnest($54::integer[]), unnest($55::text[]), unnest($56::text[])::json,
        unnest($57::text[])::json
    FROM fence
),
usage_put AS (
    INSERT INTO usage_report (workspace_id, at, task_id, lease_id, agent_id, kind, model, input_tokens, output_tokens,
                              cost_microusd)
    SELECT unnest($58::uuid[]), unnest($59::timestamptz[]), unnest($60::uuid[]), unnest($61::uuid[]),
        unnest($62::uuid[]), unnest($63::text[]), unnest($64::text[]), unnest($65::bigint[]), unnest($66::bigint[]),
        unnest($67::bigint[])
    FROM fence
),
resource_put AS (
    INSERT INTO resource (id, pool_id, workspace_id, name, kind, adaptive, full_at_ns, closed_until, closed_because,
                          believed, refusals)
    SELECT unnest($68::uuid[]), $1, unnest($69::uuid[]), unnest($70::text[]), unnest($71::text[])::json,
        unnest($72::text[])::json, unnest($73::bigint[]), unnest($74::timestamptz[]), unnest($75::text[]),
        unnest($76::double precision[]), unnest($77::bigint[])
    FROM fence
    ON CONFLICT (id) DO UPDATE SET workspace_id = excluded.workspace_id, name = excluded.name, kind = excluded.kind,
        adaptive = excluded.adaptive, full_at_ns = excluded.full_at_ns, closed_until = excluded.closed_until,
        closed_because = excluded.closed_because, believed = excluded.believed, refusals = excluded.refusals
),
budget_put AS (
    INSERT INTO budget (id, workspace_id, name, scope, unit, "limit", "window", soft_at, window_start, settled, warned)
    SELECT unnest($78::uuid[]), unnest($79::uuid[]), unnest($80::text[]), unnest($81::text[])::json, unnest($82::text[]),
        unnest($83::bigint[]), unnest($84::text[]), unnest($85::double precision[]), unnest($86::timestamptz[]),
        unnest($87::bigint[]), unnest($88::boolean[])
    FROM fence
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, scope = excluded.scope, unit = excluded.unit,
        "limit" = excluded."limit", "window" = excluded."window", soft_at = excluded.soft_at,
        window_start = excluded.window_start, settled = excluded.settled, warned = excluded.warned
)
SELECT held FROM fence
WHERE (SELECT assert_rows((SELECT count(*) FROM lease_gone), $89 * (SELECT count(*) FROM fence), 'leases that ended'))
  AND (SELECT assert_rows((SELECT count(*) FROM open_gone), cardinality($8) * (SELECT count(*) FROM fence),
                          'open tasks that ended'))
