-- Sessions of sign-in at a provider, sealed. As in the tables of accounts, times are milliseconds since 1970.
CREATE TABLE portcullis_sign_in (
    key TEXT PRIMARY KEY,
    version BIGINT NOT NULL,
    sealed TEXT NOT NULL,
    subject TEXT NOT NULL,
    ends_at BIGINT NOT NULL,
    sid TEXT
);
CREATE INDEX portcullis_sign_in_subject ON portcullis_sign_in (subject);
CREATE INDEX portcullis_sign_in_sid ON portcullis_sign_in (sid) WHERE sid IS NOT NULL;
CREATE INDEX portcullis_sign_in_over ON portcullis_sign_in (ends_at);
