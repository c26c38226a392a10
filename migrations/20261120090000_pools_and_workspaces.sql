-- Who decides for whom: the installation, its servers, the pools they hold, the workspaces in them.

CREATE TABLE installation (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    -- Shared by the servers of one installation to trust each other's forwarded commands. Made here,
    -- once, from 244 random bits, so that no configuration has to carry it.
    secret bytea NOT NULL
        DEFAULT sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')),
    -- SHA-256 of the one-time code that the first person proves with; gone once used.
    setup_code_hash bytea,
    created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO installation DEFAULT VALUES;

CREATE TABLE server (
    id uuid PRIMARY KEY,
    url text NOT NULL,
    seen_at timestamptz NOT NULL
);

-- A pool is held by one server at a time. `epoch` grows with each take-over and fences every write.
CREATE TABLE pool (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name <> ''),
    epoch bigint NOT NULL DEFAULT 0 CHECK (epoch >= 0),
    holder uuid,
    holder_url text,
    expires_at timestamptz,
    CHECK ((holder IS NULL) = (expires_at IS NULL))
) WITH (fillfactor = 50);

INSERT INTO pool (id, name) VALUES (gen_random_uuid(), 'main');

CREATE TABLE workspace (
    id uuid PRIMARY KEY,
    pool_id uuid NOT NULL REFERENCES pool,
    slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    name text NOT NULL,
    goal text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL
);
-- load: the workspaces of a pool.
CREATE INDEX workspace_of_pool ON workspace (pool_id, id);

-- Every version of a workspace's policy; the highest is in force.
CREATE TABLE policy (
    workspace_id uuid NOT NULL REFERENCES workspace,
    version integer NOT NULL CHECK (version > 0),
    at timestamptz NOT NULL,
    policy json NOT NULL,
    PRIMARY KEY (workspace_id, version)
);
