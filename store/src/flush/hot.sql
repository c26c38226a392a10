-- Everything a busy pool writes, in one statement and so in one journey and one commit. Nothing is
-- written and no row returned unless the pool is held under this epoch now.
WITH fence AS MATERIALIZED (
    SELECT 1 AS held FROM pool
    WHERE id = $1 AND epoch = $2 AND holder = $3 AND expires_at > clock_timestamp()
    FOR SHARE
),
-- Leases that ended, before others may take their tasks and slots. What is kept of an attempt is what
-- its lease was, and how it ended.
lease_gone AS (
    DELETE FROM lease l
    USING fence, unnest($4::uuid[], $5::uuid[], $6::timestamptz[], $7::text[], $8::text[], $9::text[])
        AS g (task_id, id, ended_at, outcome, state, error)
    WHERE l.task_id = g.task_id AND l.id = g.id
    RETURNING l.*, g.ended_at, g.outcome, g.state, g.error
),
slot_gone AS (
    DELETE FROM lease_slot s
    USING (SELECT id FROM lease_gone WHERE holds_slots
           UNION ALL SELECT p.id FROM fence, unnest($10::uuid[]) AS p (id)) g
    WHERE s.holder_id = g.id
    RETURNING 1
),
attempt_put AS (
    INSERT INTO attempt (workspace_id, task_id, epoch, lease_id, agent_id, decision_id, granted_at, ended_at,
                         outcome, state, error)
    SELECT workspace_id, task_id, epoch, id, agent_id, decision_id, granted_at, ended_at, outcome, state, error
    FROM lease_gone
),
-- Tasks that ended: their open rows go, unless others wait on them. What ended before and was taken
-- up again loses its earlier end first.
ended AS MATERIALIZED (
    SELECT e.* FROM fence, unnest($11::uuid[], $12::uuid[], $13::timestamptz[], $14::uuid[], $15::integer[],
        $16::text[], $17::text[], $18::text[], $19::boolean[])
        AS e (workspace_id, task_id, at, decision_id, attempts, state, output, error, gone)
),
open_gone AS (
    DELETE FROM open_task o USING ended e
    WHERE e.gone AND o.workspace_id = e.workspace_id AND o.task_id = e.task_id
    RETURNING 1
),
end_gone AS (
    DELETE FROM task_end e USING fence, unnest($20::uuid[], $21::uuid[]) AS g (workspace_id, task_id)
    WHERE e.workspace_id = g.workspace_id AND e.task_id = g.task_id
    RETURNING 1
),
end_put AS (
    INSERT INTO task_end (workspace_id, task_id, at, decision_id, attempts, state, output, error)
    SELECT workspace_id, task_id, at, decision_id, attempts, state, output::json, error FROM ended
    WHERE (SELECT count(*) FROM end_gone) >= 0
),
leased AS MATERIALIZED (
    SELECT l.* FROM fence, unnest($22::uuid[], $23::uuid[], $24::uuid[], $25::uuid[], $26::uuid[], $27::timestamptz[],
        $28::timestamptz[], $29::bigint[], $30::text[], $31::text[])
        AS l (workspace_id, task_id, id, agent_id, decision_id, granted_at, expires_at, epoch, grants, reservations)
),
lease_put AS (
    INSERT INTO lease (workspace_id, task_id, id, agent_id, decision_id, granted_at, expires_at, epoch, grants,
                       reservations, holds_slots)
    SELECT l.*, l.id = ANY ($34) FROM leased l
    WHERE (SELECT count(*) FROM lease_gone) >= 0
),
slot_put AS (
    INSERT INTO lease_slot (resource_id, slot, holder_id)
    SELECT s.* FROM fence, unnest($32::uuid[], $33::integer[], $34::uuid[]) AS s
    WHERE (SELECT count(*) FROM slot_gone) >= 0
),
decision_put AS (
    INSERT INTO decision (id, workspace_id, task_id, agent_id, resource_id, at, policy_version, kind, actor, facts)
    SELECT d.id, d.workspace_id, d.task_id, d.agent_id, d.resource_id, d.at, d.policy_version, d.kind,
           d.actor::json, d.facts::json
    FROM fence, unnest($35::uuid[], $36::uuid[], $37::uuid[], $38::uuid[], $39::uuid[], $40::timestamptz[],
        $41::integer[], $42::text[], $43::text[], $44::text[])
        AS d (id, workspace_id, task_id, agent_id, resource_id, at, policy_version, kind, actor, facts)
),
usage_put AS (
    INSERT INTO usage_report (workspace_id, at, task_id, lease_id, agent_id, kind, model, input_tokens, output_tokens,
                              cost_microusd)
    SELECT u.* FROM fence, unnest($45::uuid[], $46::timestamptz[], $47::uuid[], $48::uuid[], $49::uuid[], $50::text[],
        $51::text[], $52::bigint[], $53::bigint[], $54::bigint[]) AS u
),
resource_put AS (
    INSERT INTO resource (id, pool_id, workspace_id, name, kind, adaptive, full_at_ns, closed_until, closed_because,
                          believed, refusals)
    SELECT r.id, $1, r.workspace_id, r.name, r.kind::json, r.adaptive::json, r.full_at_ns, r.closed_until,
           r.closed_because, r.believed, r.refusals
    FROM fence, unnest($55::uuid[], $56::uuid[], $57::text[], $58::text[], $59::text[], $60::bigint[],
        $61::timestamptz[], $62::text[], $63::double precision[], $64::bigint[])
        AS r (id, workspace_id, name, kind, adaptive, full_at_ns, closed_until, closed_because, believed, refusals)
    ON CONFLICT (id) DO UPDATE SET workspace_id = excluded.workspace_id, name = excluded.name, kind = excluded.kind,
        adaptive = excluded.adaptive, full_at_ns = excluded.full_at_ns, closed_until = excluded.closed_until,
        closed_because = excluded.closed_because, believed = excluded.believed, refusals = excluded.refusals
),
budget_put AS (
    INSERT INTO budget (id, workspace_id, name, scope, unit, "limit", "window", soft_at, window_start, settled, warned)
    SELECT b.id, b.workspace_id, b.name, b.scope::json, b.unit, b."limit", b."window", b.soft_at, b.window_start,
           b.settled, b.warned
    FROM fence, unnest($65::uuid[], $66::uuid[], $67::text[], $68::text[], $69::text[], $70::bigint[], $71::text[],
        $72::double precision[], $73::timestamptz[], $74::bigint[], $75::boolean[])
        AS b (id, workspace_id, name, scope, unit, "limit", "window", soft_at, window_start, settled, warned)
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, scope = excluded.scope, unit = excluded.unit,
        "limit" = excluded."limit", "window" = excluded."window", soft_at = excluded.soft_at,
        window_start = excluded.window_start, settled = excluded.settled, warned = excluded.warned
)
SELECT t.workspace_id AS "workspace_id?", t.id AS "id?", t.title AS "title?", t.description AS "description?",
       t.payload AS "payload?", t.reference, t.version AS "version?", t.priority AS "priority?", t.due_at, t.parent_id,
       t.depth AS "depth?", t.created_at AS "created_at?", t.created_by AS "created_by?: Json<Actor>", n.needs AS "needs?"
FROM fence
LEFT JOIN leased l ON true
LEFT JOIN task t ON t.workspace_id = l.workspace_id AND t.id = l.task_id
LEFT JOIN needs n ON n.id = t.needs_id
WHERE (SELECT assert_rows((SELECT count(*) FROM lease_gone), $76 * (SELECT count(*) FROM fence), 'leases that ended'))
  AND (SELECT assert_rows((SELECT count(*) FROM open_gone), $77 * (SELECT count(*) FROM fence), 'open tasks that ended'))
