-- Everything a busy pool writes, in one statement and so in one journey and one commit. Nothing is
-- written and no row returned unless the pool is held under this epoch now.
WITH fence AS MATERIALIZED (
    SELECT 1 AS held FROM pool
    WHERE id = $1 AND epoch = $2 AND holder = $3 AND expires_at > clock_timestamp()
    FOR SHARE
),
-- Leases that ended, before others may take their tasks and slots.
lease_gone AS (
    DELETE FROM lease l
    USING fence, unnest($4::uuid[], $5::uuid[], $6::uuid[]) AS g (workspace_id, task_id, id)
    WHERE l.task_id = g.task_id AND l.id = g.id AND l.workspace_id = g.workspace_id
    RETURNING l.id, l.holds_slots
),
slot_gone AS (
    DELETE FROM lease_slot s
    USING (SELECT id FROM lease_gone WHERE holds_slots
           UNION ALL SELECT p.id FROM fence, unnest($7::uuid[]) AS p (id)) g
    WHERE s.holder_id = g.id
    RETURNING 1
),
attempt_put AS (
    INSERT INTO attempt (workspace_id, task_id, epoch, lease_id, agent_id, decision_id, granted_at, ended_at,
                         outcome, state, error)
    SELECT a.* FROM fence, unnest($8::uuid[], $9::uuid[], $10::bigint[], $11::uuid[], $12::uuid[], $13::uuid[],
        $14::timestamptz[], $15::timestamptz[], $16::text[], $17::text[], $18::text[]) AS a
),
-- Open tasks: those that ended go, those that changed are replaced, new ones come.
open_gone AS (
    DELETE FROM open_task o USING fence, unnest($19::uuid[], $20::uuid[]) AS g (workspace_id, task_id)
    WHERE o.workspace_id = g.workspace_id AND o.task_id = g.task_id
    RETURNING 1
),
end_gone AS (
    DELETE FROM task_end e USING fence, unnest($21::uuid[], $22::uuid[]) AS g (workspace_id, task_id)
    WHERE e.workspace_id = g.workspace_id AND e.task_id = g.task_id
    RETURNING 1
),
end_put AS (
    INSERT INTO task_end (workspace_id, task_id, at, decision_id, attempts, state, output, error)
    SELECT e.workspace_id, e.task_id, e.at, e.decision_id, e.attempts, e.state, e.output::json, e.error
    FROM fence, unnest($23::uuid[], $24::uuid[], $25::timestamptz[], $26::uuid[], $27::integer[], $28::text[],
        $29::text[], $30::text[]) AS e (workspace_id, task_id, at, decision_id, attempts, state, output, error)
    WHERE (SELECT count(*) FROM end_gone) >= 0
),
lease_put AS (
    INSERT INTO lease (workspace_id, task_id, id, agent_id, decision_id, granted_at, expires_at, epoch, grants,
                       reservations, progress, note, holds_slots)
    SELECT l.*, l.id = ANY ($45)
    FROM fence, unnest($31::uuid[], $32::uuid[], $33::uuid[], $34::uuid[], $35::uuid[], $36::timestamptz[],
        $37::timestamptz[], $38::bigint[], $39::text[], $40::text[], $41::real[], $42::text[])
        AS l (workspace_id, task_id, id, agent_id, decision_id, granted_at, expires_at, epoch, grants, reservations,
              progress, note)
    WHERE (SELECT count(*) FROM lease_gone) >= 0
),
slot_put AS (
    INSERT INTO lease_slot (resource_id, slot, holder_id)
    SELECT s.* FROM fence, unnest($43::uuid[], $44::integer[], $45::uuid[]) AS s
    WHERE (SELECT count(*) FROM slot_gone) >= 0
),
decision_put AS (
    INSERT INTO decision (id, workspace_id, task_id, agent_id, resource_id, at, policy_version, kind, actor, facts)
    SELECT d.id, d.workspace_id, d.task_id, d.agent_id, d.resource_id, d.at, d.policy_version, d.kind,
           d.actor::json, d.facts::json
    FROM fence, unnest($46::uuid[], $47::uuid[], $48::uuid[], $49::uuid[], $50::uuid[], $51::timestamptz[],
        $52::integer[], $53::text[], $54::text[], $55::text[])
        AS d (id, workspace_id, task_id, agent_id, resource_id, at, policy_version, kind, actor, facts)
),
usage_put AS (
    INSERT INTO usage_report (workspace_id, at, task_id, lease_id, agent_id, kind, model, input_tokens, output_tokens,
                              cost_microusd)
    SELECT u.* FROM fence, unnest($56::uuid[], $57::timestamptz[], $58::uuid[], $59::uuid[], $60::uuid[], $61::text[],
        $62::text[], $63::bigint[], $64::bigint[], $65::bigint[]) AS u
),
resource_put AS (
    INSERT INTO resource (id, pool_id, workspace_id, name, kind, adaptive, full_at_ns, closed_until, closed_because,
                          believed, refusals)
    SELECT r.id, $1, r.workspace_id, r.name, r.kind::json, r.adaptive::json, r.full_at_ns, r.closed_until,
           r.closed_because, r.believed, r.refusals
    FROM fence, unnest($66::uuid[], $67::uuid[], $68::text[], $69::text[], $70::text[], $71::bigint[],
        $72::timestamptz[], $73::text[], $74::double precision[], $75::bigint[])
        AS r (id, workspace_id, name, kind, adaptive, full_at_ns, closed_until, closed_because, believed, refusals)
    ON CONFLICT (id) DO UPDATE SET workspace_id = excluded.workspace_id, name = excluded.name, kind = excluded.kind,
        adaptive = excluded.adaptive, full_at_ns = excluded.full_at_ns, closed_until = excluded.closed_until,
        closed_because = excluded.closed_because, believed = excluded.believed, refusals = excluded.refusals
),
budget_put AS (
    INSERT INTO budget (id, workspace_id, name, scope, unit, "limit", "window", soft_at, window_start, settled, warned)
    SELECT b.id, b.workspace_id, b.name, b.scope::json, b.unit, b."limit", b."window", b.soft_at, b.window_start,
           b.settled, b.warned
    FROM fence, unnest($76::uuid[], $77::uuid[], $78::text[], $79::text[], $80::text[], $81::bigint[], $82::text[],
        $83::double precision[], $84::timestamptz[], $85::bigint[], $86::boolean[])
        AS b (id, workspace_id, name, scope, unit, "limit", "window", soft_at, window_start, settled, warned)
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, scope = excluded.scope, unit = excluded.unit,
        "limit" = excluded."limit", "window" = excluded."window", soft_at = excluded.soft_at,
        window_start = excluded.window_start, settled = excluded.settled, warned = excluded.warned
)
SELECT t.workspace_id AS "workspace_id?", t.id AS "id?", t.title AS "title?", t.description AS "description?",
       t.payload AS "payload?", t.reference, t.version AS "version?", t.priority AS "priority?", t.due_at, t.parent_id,
       t.depth AS "depth?", t.created_at AS "created_at?", t.created_by AS "created_by?", n.needs AS "needs?"
FROM fence
LEFT JOIN unnest($87::uuid[], $88::uuid[]) AS w (workspace_id, task_id) ON true
LEFT JOIN task t ON t.workspace_id = w.workspace_id AND t.id = w.task_id
LEFT JOIN needs n ON n.id = t.needs_id
WHERE (SELECT assert_rows((SELECT count(*) FROM lease_gone), $89 * (SELECT count(*) FROM fence), 'leases that ended'))
  AND (SELECT assert_rows((SELECT count(*) FROM open_gone), $90 * (SELECT count(*) FROM fence), 'open tasks that ended'))
