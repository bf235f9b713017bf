-- API keys. As in the tables of accounts, times are milliseconds since 1970.
CREATE TABLE portcullis_keys (
    id TEXT PRIMARY KEY,
    digest BYTEA NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    organization TEXT,
    name TEXT NOT NULL,
    start TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    withdrawn_at BIGINT,
    used_at BIGINT,
    uses BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX portcullis_keys_owner ON portcullis_keys (owner, created_at);
