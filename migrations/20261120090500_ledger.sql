-- What was used, what was refused, and what was answered before.

-- The ledger: append-only, summed and never changed.
CREATE TABLE usage_report (
    workspace_id uuid NOT NULL,
    at timestamptz NOT NULL,
    task_id uuid NOT NULL,
    lease_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    kind text NOT NULL,
    model text,
    input_tokens bigint NOT NULL CHECK (input_tokens >= 0),
    output_tokens bigint NOT NULL CHECK (output_tokens >= 0),
    cost_microusd bigint NOT NULL CHECK (cost_microusd >= 0)
);
-- usage: sums over a span of time.
CREATE INDEX usage_report_by_time ON usage_report (workspace_id, at);
-- read and load: what an attempt used. Leases are as young as the reports, so entries fall close together.
CREATE INDEX usage_report_of_lease ON usage_report (lease_id);
CREATE TRIGGER usage_report_is_append_only BEFORE UPDATE OR DELETE ON usage_report
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER usage_report_is_not_truncated BEFORE TRUNCATE ON usage_report
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Providers' refusals (429).
CREATE TABLE refusal (
    workspace_id uuid NOT NULL,
    resource_id uuid NOT NULL,
    at timestamptz NOT NULL,
    agent_id uuid,
    lease_id uuid,
    retry_after_ms bigint CHECK (retry_after_ms >= 0)
);
-- read: how many by resource in the last hour.
CREATE INDEX refusal_by_resource ON refusal (resource_id, at);

-- Answers given to requests with an idempotency key; kept for a day.
CREATE TABLE idempotency (
    workspace_id uuid NOT NULL,
    key text NOT NULL CHECK (char_length(key) BETWEEN 1 AND 255),
    request_hash bytea NOT NULL CHECK (octet_length(request_hash) = 32),
    answer json NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, key)
);
-- retention: answers older than a day.
CREATE INDEX idempotency_by_age ON idempotency USING brin (created_at) WITH (autosummarize = on);
