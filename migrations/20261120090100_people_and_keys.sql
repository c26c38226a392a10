-- Who may come in: people with accounts and sessions, programs with keys.

CREATE TABLE account (
    id uuid PRIMARY KEY,
    -- Stored in lower case, so that one address is one account.
    email text NOT NULL UNIQUE CHECK (email = lower(email) AND email LIKE '%_@_%'),
    -- argon2id, in PHC form.
    password_hash text NOT NULL,
    -- An administrator of the installation sees every workspace; a member those it belongs to.
    role text NOT NULL CHECK (role IN ('admin', 'member')),
    created_at timestamptz NOT NULL,
    disabled_at timestamptz
);

CREATE TABLE membership (
    account_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    workspace_id uuid NOT NULL REFERENCES workspace ON DELETE CASCADE,
    role text NOT NULL CHECK (role IN ('member', 'manager', 'admin')),
    PRIMARY KEY (account_id, workspace_id)
);
-- workspaces: who belongs to one.
CREATE INDEX membership_of_workspace ON membership (workspace_id);

CREATE TABLE session (
    -- SHA-256 of the identifier in the cookie: what is read here opens nothing.
    id_hash bytea PRIMARY KEY CHECK (octet_length(id_hash) = 32),
    account_id uuid REFERENCES account ON DELETE CASCADE,
    data json NOT NULL,
    created_at timestamptz NOT NULL,
    idle_expires_at timestamptz NOT NULL,
    absolute_expires_at timestamptz NOT NULL
);
-- sessions: the list to revoke from.
CREATE INDEX session_of_account ON session (account_id) WHERE account_id IS NOT NULL;
-- retention: what ran out.
CREATE INDEX session_by_expiry ON session (idle_expires_at);

CREATE TABLE login_attempt (
    at timestamptz NOT NULL,
    email text NOT NULL,
    address text NOT NULL,
    succeeded boolean NOT NULL
);
-- accounts: failures by account and by address in the last minutes; retention: the old ones.
CREATE INDEX login_attempt_by_email ON login_attempt (email, at);
CREATE INDEX login_attempt_by_address ON login_attempt (address, at);

CREATE TABLE api_key (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspace,
    name text NOT NULL,
    role text NOT NULL CHECK (role IN ('agent', 'member', 'manager', 'admin')),
    agent_id uuid,
    -- The readable start of the key, for people to tell keys apart.
    prefix text NOT NULL,
    -- SHA-256 of the whole key; its uniqueness index serves the look-up of every request.
    hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    CHECK ((role = 'agent') = (agent_id IS NOT NULL))
);
-- keys: the list of a workspace.
CREATE INDEX api_key_of_workspace ON api_key (workspace_id, id);
