-- How limits stood, for charts: folded as it is seen, kept for some days.

-- One row a resource and minute, written six times a minute in place.
CREATE TABLE resource_minute (
    resource_id uuid NOT NULL,
    at timestamptz NOT NULL,
    -- Tokens or slots free: when last looked, and the least.
    level double precision NOT NULL,
    lowest double precision NOT NULL,
    "limit" double precision NOT NULL CHECK ("limit" >= 0),
    in_use integer NOT NULL CHECK (in_use >= 0),
    -- Unknown for a pool's resource, which several workspaces see.
    waiting integer CHECK (waiting >= 0),
    given bigint NOT NULL CHECK (given >= 0),
    -- read: a resource's history over a span.
    PRIMARY KEY (resource_id, at)
) WITH (fillfactor = 70);
-- retention: minutes older than eight days.
CREATE INDEX resource_minute_by_age ON resource_minute USING brin (at) WITH (autosummarize = on);

-- Some three hundred rows a budget and window.
CREATE TABLE budget_point (
    budget_id uuid NOT NULL,
    at timestamptz NOT NULL,
    settled bigint NOT NULL CHECK (settled >= 0),
    reserved bigint NOT NULL CHECK (reserved >= 0),
    -- read: a budget's history since its window began.
    PRIMARY KEY (budget_id, at)
) WITH (fillfactor = 70);
-- retention: points older than two months.
CREATE INDEX budget_point_by_age ON budget_point USING brin (at) WITH (autosummarize = on);
