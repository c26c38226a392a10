-- Everything a busy pool writes, in one statement and so in one journey and one commit. Nothing is
-- written and no row returned unless the pool is held under this epoch now.
-- Arrays are taken apart in lists of columns, side by side: row by row, where FROM would first keep
-- each of them whole. What is to go or to change is looked up by its key, one by one, and taken by its
-- place: joined by their keys, Postgres would walk a whole index beside the arrays where it made its
-- plan while the table was small.
WITH fence AS MATERIALIZED (
    SELECT 1 AS held FROM pool
    WHERE id = $1 AND epoch = $2 AND holder = $3 AND expires_at > clock_timestamp()
    FOR SHARE
),
-- Leases that ended, before others may take their tasks and slots.
lease_gone AS (
    DELETE FROM lease l
    USING (SELECT unnest($4::uuid[]) AS task_id, unnest($5::uuid[]) AS id FROM fence) g,
        LATERAL (SELECT f.ctid AS place FROM lease f WHERE f.task_id = g.task_id AND f.id = g.id OFFSET 0) f
    WHERE l.ctid = f.place
    RETURNING 1
),
slot_gone AS (
    DELETE FROM lease_slot s
    USING (SELECT unnest($43::uuid[]) AS resource_id, unnest($44::integer[]) AS slot, unnest($45::uuid[]) AS holder_id
           FROM fence) g,
        LATERAL (SELECT f.ctid AS place FROM lease_slot f
                 WHERE f.resource_id = g.resource_id AND f.slot = g.slot AND f.holder_id = g.holder_id OFFSET 0) f
    WHERE s.ctid = f.place
    RETURNING 1
),
-- A slot that goes from one to the next stays where it is: no index is written.
slot_moved AS (
    UPDATE lease_slot s SET holder_id = m.holder_id
    FROM (SELECT unnest($46::uuid[]) AS resource_id, unnest($47::integer[]) AS slot, unnest($48::uuid[]) AS holder_id,
              unnest($49::uuid[]) AS before FROM fence) m,
        LATERAL (SELECT f.ctid AS place FROM lease_slot f
                 WHERE f.resource_id = m.resource_id AND f.slot = m.slot AND f.holder_id = m.before OFFSET 0) f
    WHERE s.ctid = f.place
    RETURNING 1
),
-- Tasks that ended: their open rows go, unless others wait on them. What ended before and was taken
-- up again loses its earlier end first, and the attempt in it becomes one like others.
open_gone AS (
    DELETE FROM open_task o
    USING (SELECT unnest($6::uuid[]) AS workspace_id, unnest($7::uuid[]) AS task_id FROM fence) e,
        LATERAL (SELECT f.ctid AS place FROM open_task f
                 WHERE f.workspace_id = e.workspace_id AND f.task_id = e.task_id OFFSET 0) f
    WHERE o.ctid = f.place
    RETURNING 1
),
end_gone AS (
    DELETE FROM task_end e
    USING (SELECT unnest($8::uuid[]) AS workspace_id, unnest($9::uuid[]) AS task_id FROM fence) g,
        LATERAL (SELECT f.ctid AS place FROM task_end f
                 WHERE f.workspace_id = g.workspace_id AND f.task_id = g.task_id OFFSET 0) f
    WHERE e.ctid = f.place
    RETURNING e.*
),
end_put AS (
    INSERT INTO task_end (workspace_id, task_id, at, decision_id, attempts, state, output, error, lease_id, agent_id,
                          granted_at, epoch)
    SELECT unnest($10::uuid[]), unnest($11::uuid[]), unnest($12::timestamptz[]), unnest($13::uuid[]),
        unnest($14::integer[]), unnest($15::text[]), unnest($16::text[])::json, unnest($17::text[]),
        unnest($18::uuid[]), unnest($19::uuid[]), unnest($20::timestamptz[]), unnest($21::bigint[])
    FROM fence WHERE (SELECT count(*) FROM end_gone) >= 0
),
attempt_put AS (
    INSERT INTO attempt (workspace_id, task_id, epoch, lease_id, agent_id, decision_id, granted_at, ended_at,
                         outcome, state, error)
    SELECT unnest($22::uuid[]), unnest($23::uuid[]), unnest($24::bigint[]), unnest($25::uuid[]), unnest($26::uuid[]),
        unnest($27::uuid[]), unnest($28::timestamptz[]), unnest($29::timestamptz[]), unnest($30::text[]),
        unnest($31::text[]), unnest($32::text[])
    FROM fence
    UNION ALL
    SELECT workspace_id, task_id, epoch, lease_id, agent_id, decision_id, granted_at, at, 'failed', state, error
    FROM end_gone WHERE lease_id IS NOT NULL
),
lease_put AS (
    INSERT INTO lease (workspace_id, task_id, id, agent_id, decision_id, granted_at, expires_at, epoch, grants,
                       reservations)
    SELECT unnest($33::uuid[]), unnest($34::uuid[]), unnest($35::uuid[]), unnest($36::uuid[]), unnest($37::uuid[]),
        unnest($38::timestamptz[]), unnest($39::timestamptz[]), unnest($40::bigint[]), unnest($41::text[]),
        unnest($42::text[])
    FROM fence WHERE (SELECT count(*) FROM lease_gone) >= 0
),
slot_put AS (
    INSERT INTO lease_slot (resource_id, slot, holder_id)
    SELECT unnest($50::uuid[]), unnest($51::integer[]), unnest($52::uuid[])
    FROM fence
),
decision_put AS (
    INSERT INTO decision (id, workspace_id, task_id, agent_id, resource_id, at, policy_version, kind, actor, facts)
    SELECT unnest($53::uuid[]), unnest($54::uuid[]), unnest($55::uuid[]), unnest($56::uuid[]), unnest($57::uuid[]),
        unnest($58::timestamptz[]), unnest($59::integer[]), unnest($60::text[]), unnest($61::text[])::json,
        unnest($62::text[])
    FROM fence
),
usage_put AS (
    INSERT INTO usage_report (workspace_id, at, task_id, lease_id, agent_id, kind, model, input_tokens, output_tokens,
                              cost_microusd)
    SELECT unnest($63::uuid[]), unnest($64::timestamptz[]), unnest($65::uuid[]), unnest($66::uuid[]),
        unnest($67::uuid[]), unnest($68::text[]), unnest($69::text[]), unnest($70::bigint[]), unnest($71::bigint[]),
        unnest($72::bigint[])
    FROM fence
),
resource_put AS (
    INSERT INTO resource (id, pool_id, workspace_id, name, kind, adaptive, full_at_ns, closed_until, closed_because,
                          believed, refusals)
    SELECT unnest($73::uuid[]), $1, unnest($74::uuid[]), unnest($75::text[]), unnest($76::text[])::json,
        unnest($77::text[])::json, unnest($78::bigint[]), unnest($79::timestamptz[]), unnest($80::text[]),
        unnest($81::double precision[]), unnest($82::bigint[])
    FROM fence
    ON CONFLICT (id) DO UPDATE SET workspace_id = excluded.workspace_id, name = excluded.name, kind = excluded.kind,
        adaptive = excluded.adaptive, full_at_ns = excluded.full_at_ns, closed_until = excluded.closed_until,
        closed_because = excluded.closed_because, believed = excluded.believed, refusals = excluded.refusals
),
budget_put AS (
    INSERT INTO budget (id, workspace_id, name, scope, unit, "limit", "window", soft_at, window_start, settled, warned)
    SELECT unnest($83::uuid[]), unnest($84::uuid[]), unnest($85::text[]), unnest($86::text[])::json, unnest($87::text[]),
        unnest($88::bigint[]), unnest($89::text[]), unnest($90::double precision[]), unnest($91::timestamptz[]),
        unnest($92::bigint[]), unnest($93::boolean[])
    FROM fence
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, scope = excluded.scope, unit = excluded.unit,
        "limit" = excluded."limit", "window" = excluded."window", soft_at = excluded.soft_at,
        window_start = excluded.window_start, settled = excluded.settled, warned = excluded.warned
)
SELECT held FROM fence
WHERE (SELECT assert_rows((SELECT count(*) FROM lease_gone), $94 * (SELECT count(*) FROM fence), 'leases that ended'))
  AND (SELECT assert_rows((SELECT count(*) FROM open_gone), cardinality($7) * (SELECT count(*) FROM fence),
                          'open tasks that ended'))
  AND (SELECT assert_rows((SELECT count(*) FROM slot_gone), $95 * (SELECT count(*) FROM fence), 'slots that were freed'))
  AND (SELECT assert_rows((SELECT count(*) FROM slot_moved), $96 * (SELECT count(*) FROM fence), 'slots that went on'))
