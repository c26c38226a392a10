-- Who works and what is scarce. Resources and budgets are one row each: what people set and how it
-- stands, the latter written at most once a flush; half-filled pages keep those updates in place.

CREATE TABLE agent (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspace,
    name text NOT NULL CHECK (name <> ''),
    capabilities text[] NOT NULL,
    models text[] NOT NULL,
    max_concurrency integer CHECK (max_concurrency >= 0),
    card json NOT NULL,
    seen_at timestamptz,
    status text NOT NULL CHECK (status IN ('idle', 'busy', 'draining')),
    detail text,
    -- Its index serves the list of a workspace's agents and the look-up by name.
    UNIQUE (workspace_id, name)
) WITH (fillfactor = 70);

CREATE TABLE resource (
    id uuid PRIMARY KEY,
    pool_id uuid NOT NULL REFERENCES pool,
    workspace_id uuid REFERENCES workspace,
    name text NOT NULL CHECK (name <> ''),
    kind json NOT NULL,
    adaptive json,
    full_at_ns bigint NOT NULL,
    closed_until timestamptz,
    closed_because text CHECK (closed_because IN ('provider', 'person')),
    believed double precision NOT NULL CHECK (believed >= 0 AND believed <= 1),
    refusals bigint NOT NULL CHECK (refusals >= 0)
) WITH (fillfactor = 50);
-- A name is one resource in its workspace, or in its pool; load: the resources of each.
CREATE UNIQUE INDEX resource_of_workspace ON resource (workspace_id, name) WHERE workspace_id IS NOT NULL;
CREATE UNIQUE INDEX resource_of_pool ON resource (pool_id, name) WHERE workspace_id IS NULL;

CREATE TABLE budget (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspace,
    name text NOT NULL CHECK (name <> ''),
    scope json NOT NULL,
    unit text NOT NULL CHECK (unit IN ('microusd', 'tokens')),
    "limit" bigint NOT NULL CHECK ("limit" >= 0),
    "window" text NOT NULL CHECK ("window" IN ('5h', 'day', 'week', 'month', 'total')),
    soft_at double precision NOT NULL CHECK (soft_at > 0 AND soft_at <= 1),
    window_start timestamptz NOT NULL,
    settled bigint NOT NULL CHECK (settled >= 0),
    warned boolean NOT NULL,
    -- Its index serves the load of a workspace's budgets.
    UNIQUE (workspace_id, name)
) WITH (fillfactor = 50);
