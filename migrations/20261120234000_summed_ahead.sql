-- Sums over a history that only grows are made ahead, a moment after it was committed, by whichever
-- server gets to it: the hot path pays nothing, and a reader adds what came since.

-- Whatever is older than this is in the sums, and nothing younger.
CREATE TABLE summed (
    what text PRIMARY KEY CHECK (what IN ('usage', 'ends')),
    up_to timestamptz NOT NULL
);
INSERT INTO summed VALUES ('usage', '-infinity'), ('ends', '-infinity');

-- What was used, by the hour (kept for some days) and by the day, in UTC.
CREATE TABLE usage_sum (
    workspace_id uuid NOT NULL,
    grain text NOT NULL CHECK (grain IN ('hour', 'day')),
    at timestamptz NOT NULL,
    agent_id uuid NOT NULL,
    kind text NOT NULL,
    -- Empty where none was named.
    model text NOT NULL,
    reports bigint NOT NULL CHECK (reports > 0),
    input_tokens bigint NOT NULL CHECK (input_tokens >= 0),
    output_tokens bigint NOT NULL CHECK (output_tokens >= 0),
    cost_microusd bigint NOT NULL CHECK (cost_microusd >= 0),
    -- read: who spent it since an instant.
    PRIMARY KEY (workspace_id, grain, at, agent_id, kind, model)
) WITH (fillfactor = 70);

-- How many tasks are over.
CREATE TABLE end_sum (
    workspace_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('done', 'failed', 'cancelled')),
    ends bigint NOT NULL,
    -- read: the counts of a workspace.
    PRIMARY KEY (workspace_id, state)
) WITH (fillfactor = 70);

-- How far may be summed at that time. What a conductor decides is committed within the span for which
-- its pool is held without a renewal, a few times ten seconds at most; a commit that hangs, and would
-- show later what is older, holds this back.
CREATE FUNCTION settled_at(now timestamptz) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT least(now, min(xact_start)) - interval '30 seconds' FROM pg_stat_activity
    WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()
$$;

-- Sums what settled since the last time; how many reports. One at a time does it, others find nothing
-- to do. The workspaces are locked against being taken away meanwhile.
CREATE FUNCTION sum_usage(now timestamptz) RETURNS bigint LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    since timestamptz;
    until timestamptz;
    counted bigint;
BEGIN
    SELECT up_to, greatest(up_to, settled_at(now)) INTO since, until
        FROM summed WHERE what = 'usage' FOR UPDATE SKIP LOCKED;
    IF since IS NULL OR until = since THEN
        RETURN 0;
    END IF;
    WITH alive AS MATERIALIZED (
        SELECT w.id FROM workspace w WHERE EXISTS (
            SELECT FROM usage_report u WHERE u.workspace_id = w.id AND u.at >= since AND u.at < until OFFSET 0)
        FOR KEY SHARE OF w),
    fresh AS MATERIALIZED (
        SELECT u.workspace_id, date_trunc('hour', u.at, 'UTC') AS hour, u.agent_id, u.kind, coalesce(u.model, '') AS model,
            count(*) AS reports, sum(u.input_tokens) AS read, sum(u.output_tokens) AS written, sum(u.cost_microusd) AS cost
        FROM alive JOIN usage_report u ON u.workspace_id = alive.id AND u.at >= since AND u.at < until
        GROUP BY 1, 2, 3, 4, 5),
    put AS (
        INSERT INTO usage_sum AS s
        SELECT workspace_id, grain, date_trunc(grain, hour, 'UTC'), agent_id, kind, model,
            sum(reports), sum(read), sum(written), sum(cost)
        FROM fresh, unnest(ARRAY['hour', 'day']) AS grain GROUP BY 1, 2, 3, 4, 5, 6
        ON CONFLICT (workspace_id, grain, at, agent_id, kind, model) DO UPDATE SET
            reports = s.reports + excluded.reports, input_tokens = s.input_tokens + excluded.input_tokens,
            output_tokens = s.output_tokens + excluded.output_tokens,
            cost_microusd = s.cost_microusd + excluded.cost_microusd)
    SELECT coalesce(sum(reports), 0) INTO counted FROM fresh;
    UPDATE summed SET up_to = until WHERE what = 'usage';
    RETURN counted;
END $$;

-- The same for the ends of tasks.
CREATE FUNCTION sum_ends(now timestamptz) RETURNS bigint LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    since timestamptz;
    until timestamptz;
    counted bigint;
BEGIN
    SELECT up_to, greatest(up_to, settled_at(now)) INTO since, until
        FROM summed WHERE what = 'ends' FOR UPDATE SKIP LOCKED;
    IF since IS NULL OR until = since THEN
        RETURN 0;
    END IF;
    WITH fresh AS MATERIALIZED (
        SELECT workspace_id, state, count(*) AS ends FROM task_end WHERE at >= since AND at < until GROUP BY 1, 2),
    alive AS MATERIALIZED (
        SELECT w.id FROM workspace w WHERE w.id IN (SELECT workspace_id FROM fresh) FOR KEY SHARE OF w),
    put AS (
        INSERT INTO end_sum AS s SELECT fresh.* FROM fresh JOIN alive ON alive.id = fresh.workspace_id
        ON CONFLICT (workspace_id, state) DO UPDATE SET ends = s.ends + excluded.ends)
    SELECT coalesce(sum(ends), 0) INTO counted FROM fresh;
    UPDATE summed SET up_to = until WHERE what = 'ends';
    RETURN counted;
END $$;

-- A task that is taken up again has not ended. Whoever sums waits for this, or this for them.
CREATE FUNCTION uncount_end() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    counted_to timestamptz;
BEGIN
    SELECT up_to INTO counted_to FROM summed WHERE what = 'ends' FOR SHARE;
    IF OLD.at < counted_to THEN
        UPDATE end_sum SET ends = ends - 1 WHERE workspace_id = OLD.workspace_id AND state = OLD.state;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER task_end_is_uncounted AFTER DELETE ON task_end FOR EACH ROW EXECUTE FUNCTION uncount_end();

-- What was used since an instant: whole days and hours from the sums, what is left over at both ends
-- from the ledger. Planned each time: how much is left over depends on the instants.
CREATE FUNCTION usage_since(workspace uuid, since timestamptz)
RETURNS TABLE (agent_id uuid, kind text, model text, tokens bigint, cost_microusd bigint)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    counted_to timestamptz := (SELECT up_to FROM summed WHERE what = 'usage');
    hour timestamptz := date_trunc('hour', since + interval '1 hour' - interval '1 microsecond', 'UTC');
    day timestamptz := date_trunc('day', since + interval '1 day' - interval '1 microsecond', 'UTC');
BEGIN
    RETURN QUERY
    SELECT s.agent_id, s.kind, nullif(s.model, ''), s.input_tokens + s.output_tokens, s.cost_microusd
        FROM usage_sum s WHERE s.workspace_id = workspace AND s.grain = 'day' AND s.at >= day
    UNION ALL
    SELECT s.agent_id, s.kind, nullif(s.model, ''), s.input_tokens + s.output_tokens, s.cost_microusd
        FROM usage_sum s WHERE s.workspace_id = workspace AND s.grain = 'hour' AND s.at >= hour AND s.at < day
    UNION ALL
    SELECT u.agent_id, u.kind, u.model, u.input_tokens + u.output_tokens, u.cost_microusd
        FROM usage_report u WHERE u.workspace_id = workspace AND u.at >= since AND u.at < least(hour, counted_to)
    UNION ALL
    SELECT u.agent_id, u.kind, u.model, u.input_tokens + u.output_tokens, u.cost_microusd
        FROM usage_report u WHERE u.workspace_id = workspace AND u.at >= greatest(since, counted_to);
END $$;

-- How many tasks of a workspace are over, by state.
CREATE FUNCTION ends_of(workspace uuid) RETURNS TABLE (state text, ends bigint)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    counted_to timestamptz := (SELECT up_to FROM summed WHERE what = 'ends');
BEGIN
    RETURN QUERY
    SELECT a.state, sum(a.ends)::bigint FROM (
        SELECT s.state, s.ends FROM end_sum s WHERE s.workspace_id = workspace
        UNION ALL
        SELECT e.state, count(*) FROM task_end e WHERE e.at >= counted_to AND e.workspace_id = workspace GROUP BY e.state) a
    GROUP BY a.state;
END $$;

-- What a loop writes about a workspace, a resource or a budget it writes while it holds that against
-- being taken away; and a demo is taken away only once nobody holds any of its own.
ALTER FUNCTION erase_demo(uuid) RENAME TO erase_locked_demo;
CREATE FUNCTION erase_demo(gone uuid) RETURNS boolean LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM FROM demo d JOIN workspace w ON w.id = d.workspace_id JOIN pool p ON p.id = w.pool_id
        WHERE d.workspace_id = gone AND p.closing AND (p.expires_at IS NULL OR p.expires_at <= clock_timestamp())
        FOR UPDATE OF p, d;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM FROM workspace WHERE id = gone FOR UPDATE;
    PERFORM FROM resource WHERE workspace_id = gone ORDER BY id FOR UPDATE;
    PERFORM FROM budget WHERE workspace_id = gone ORDER BY id FOR UPDATE;
    RETURN erase_locked_demo(gone);
END $$;
REVOKE EXECUTE ON FUNCTION erase_demo(uuid) FROM PUBLIC;
