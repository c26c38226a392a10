-- Eight days of a busy team: 60,000 tasks that are over, with 15 dispatches each, and 100,000 other
-- decisions. What they say is what the server itself wrote for the few tasks done just before.
SELECT make_decision_week(now() - n * interval '7 days') FROM generate_series(0, 2) n;

-- An identifier of that time, told apart by a number and a letter.
CREATE FUNCTION pg_temp.id_at(at timestamptz, n bigint, kind text) RETURNS uuid LANGUAGE sql AS $$
    SELECT (left(replace(first_id_at(at)::text, '-', ''), 12) || '7' || lpad(to_hex(n % 4096), 3, '0') || '9' || kind
        || lpad(to_hex(n), 14, '0'))::uuid
$$;

CREATE TEMP TABLE team AS SELECT id AS workspace FROM workspace WHERE slug = 'big';
CREATE TEMP TABLE agents AS SELECT row_number() OVER (ORDER BY name) - 1 AS n, id FROM agent WHERE name LIKE 'agent-%';
CREATE TEMP TABLE done AS
    SELECT row_number() OVER (ORDER BY t.id) - 1 AS n, t.*, e.output FROM task t
    JOIN task_end e ON e.workspace_id = t.workspace_id AND e.task_id = t.id AND e.lease_id IS NOT NULL;
CREATE TEMP TABLE dispatches AS
    SELECT row_number() OVER (ORDER BY id) - 1 AS n, facts FROM decision WHERE kind = 'dispatch';
CREATE TEMP TABLE others AS
    SELECT row_number() OVER (ORDER BY id) - 1 AS n, * FROM decision WHERE kind NOT IN ('dispatch', 'policy');
CREATE TEMP TABLE reports AS SELECT row_number() OVER (ORDER BY at) - 1 AS n, * FROM usage_report;

CREATE TEMP TABLE old AS
    SELECT n, at, pg_temp.id_at(at, n, '1') AS id FROM (
        SELECT n, now() - interval '8 days' + n * interval '8 days' * current_setting('baton.scale')::integer / 60000 AS at
        FROM generate_series(0, 60000 / current_setting('baton.scale')::integer - 1) n) o;
INSERT INTO task (workspace_id, id, created_at, due_at, needs_id, score, depth, priority, class, kind, agent, title,
                  description, payload, created_by)
    SELECT workspace, o.id, o.at, CASE WHEN o.n % 9 = 0 THEN o.at + interval '1 day' END, d.needs_id, d.score, d.depth,
        d.priority, d.class, d.kind, d.agent, d.title || CASE WHEN o.n % 10007 = 5 THEN ' for the zebra' ELSE '' END,
        d.description || ' Number ' || o.n, d.payload, d.created_by
    FROM team, old o JOIN done d ON d.n = o.n % (SELECT count(*) FROM done) ORDER BY o.id;

CREATE TEMP TABLE tries AS
    SELECT n, n / 15 AS task, n % 15 + 1 AS epoch, at, pg_temp.id_at(at, n, '2') AS decision, pg_temp.id_at(at, n, '3') AS lease,
        (SELECT id FROM agents WHERE agents.n = tries.n % 14) AS agent
    FROM (SELECT g.n, o.at + g.n % 15 * interval '40 seconds' AS at
          FROM generate_series(0, 15 * (SELECT count(*) FROM old) - 1) g (n) JOIN old o ON o.n = g.n / 15) tries;
INSERT INTO decision (id, workspace_id, task_id, agent_id, at, policy_version, kind, facts)
    SELECT t.decision, workspace, o.id, t.agent, t.at, 1, 'dispatch', d.facts
    FROM team, tries t JOIN old o ON o.n = t.task JOIN dispatches d ON d.n = t.n % (SELECT count(*) FROM dispatches)
    ORDER BY t.decision;
INSERT INTO attempt (workspace_id, task_id, epoch, lease_id, agent_id, decision_id, granted_at, ended_at, outcome, state, error)
    SELECT workspace, o.id, t.epoch, t.lease, t.agent, t.decision, t.at, t.at + interval '30 seconds',
        (ARRAY['failed', 'expired', 'released', 'throttled'])[1 + t.n % 4], 'pending',
        CASE WHEN t.n % 4 = 0 THEN 'The provider answered 500.' END
    FROM team, tries t JOIN old o ON o.n = t.task WHERE t.epoch < 15 ORDER BY t.decision;
INSERT INTO task_end (workspace_id, task_id, at, decision_id, attempts, state, output, error, lease_id, agent_id, granted_at, epoch)
    SELECT workspace, o.id, t.at + interval '30 seconds', t.decision, 3,
        CASE WHEN o.n % 20 = 0 THEN 'failed' WHEN o.n % 33 = 0 THEN 'cancelled' ELSE 'done' END, d.output,
        CASE WHEN o.n % 20 = 0 THEN 'The provider answered 500.' END, t.lease, t.agent, t.at, t.epoch
    FROM team, tries t JOIN old o ON o.n = t.task JOIN done d ON d.n = o.n % (SELECT count(*) FROM done)
    WHERE t.epoch = 15 ORDER BY t.decision;
INSERT INTO usage_report (workspace_id, at, task_id, lease_id, agent_id, kind, model, input_tokens, output_tokens, cost_microusd)
    SELECT workspace, t.at + interval '20 seconds', o.id, t.lease, t.agent, r.kind, r.model, r.input_tokens, r.output_tokens,
        r.cost_microusd
    FROM team, tries t JOIN old o ON o.n = t.task JOIN reports r ON r.n = t.n % (SELECT count(*) FROM reports) ORDER BY t.at;

INSERT INTO decision (id, workspace_id, task_id, agent_id, resource_id, at, policy_version, kind, actor, facts)
    SELECT pg_temp.id_at(t.at, t.n, '4'), workspace, CASE WHEN d.task_id IS NOT NULL THEN o.id END, d.agent_id, d.resource_id,
        t.at, 1, d.kind, d.actor, d.facts
    FROM team, tries t JOIN old o ON o.n = t.task JOIN others d ON d.n = t.n / 9 % (SELECT count(*) FROM others)
    WHERE t.n % 9 = 0 ORDER BY 1;

INSERT INTO resource_minute (resource_id, at, level, lowest, "limit", in_use, waiting, given)
    SELECT r.id, at, 20, 10, 40, 20, 100, 60 FROM resource r,
        generate_series(date_trunc('minute', now()) - interval '8 days', now(), interval '1 minute') at
    ON CONFLICT DO NOTHING;
INSERT INTO budget_point (budget_id, at, settled, reserved)
    SELECT b.id, at, 1000, 10 FROM budget b,
        generate_series(date_trunc('hour', now()) - interval '30 days', now(), interval '2 hours') at
    ON CONFLICT DO NOTHING;
INSERT INTO refusal (workspace_id, resource_id, at, retry_after_ms)
    SELECT workspace, r.id, at, 2000 FROM team, resource r,
        generate_series(now() - interval '8 days', now(), interval '5 minutes') at WHERE r.name = 'closed';

-- The days before came after what is behind them was indexed and summed: that is done again.
DELETE FROM task_words_mark;
DELETE FROM usage_sum;
DELETE FROM end_sum;
UPDATE summed SET up_to = '-infinity';
