-- Second factors.

CREATE TABLE mfa_credentials (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    type text NOT NULL CHECK (type IN ('totp', 'webauthn')),
    name text NOT NULL DEFAULT '' CHECK (char_length(name) <= 100),
    -- TOTP: an envelope, bound to this row. WebAuthn: null, its public key is no secret.
    secret_sealed text,
    public_key bytea,
    credential_id bytea UNIQUE,
    -- The newest time step (TOTP) or signature counter (WebAuthn) that was taken: a code works once.
    last_counter bigint NOT NULL DEFAULT 0,
    -- Null: begun, and without any effect.
    confirmed_at timestamptz,
    last_used_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((type = 'totp') = (secret_sealed IS NOT NULL)),
    CHECK ((type = 'webauthn') = (public_key IS NOT NULL AND credential_id IS NOT NULL))
);

CREATE UNIQUE INDEX mfa_credentials_one_totp ON mfa_credentials (user_id) WHERE type = 'totp';
CREATE INDEX idx_mfa_credentials_user_id ON mfa_credentials (tenant_id, user_id);

CREATE TABLE mfa_recovery_codes (
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- A keyed hash (HMAC-SHA256): codes are short, and the key is not in the database.
    code_hash bytea NOT NULL CHECK (octet_length(code_hash) = 32),
    used_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, code_hash)
);
