-- API keys: 256 random bits behind a readable prefix, kept as a keyed hash (HMAC-SHA256).

CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 255),
    prefix text NOT NULL CHECK (char_length(prefix) BETWEEN 4 AND 32),
    key_hash bytea NOT NULL UNIQUE CHECK (octet_length(key_hash) = 32),
    -- The secret before the last rotation, and until when it works on.
    previous_key_hash bytea UNIQUE CHECK (octet_length(previous_key_hash) = 32),
    previous_expires_at timestamptz,
    -- Null: all that its user may. Never more than that either way.
    permissions jsonb CHECK (
        jsonb_typeof(permissions) = 'array'
        AND NOT jsonb_path_exists(permissions, '$[*] ? (@.type() != "string")')
        AND NOT jsonb_path_exists(
            permissions, '$[*] ? (!(@ like_regex "^([a-z][a-z0-9_-]*|[*]):([a-z][a-z0-9_-]*|[*])$"))'
        )
    ),
    -- Services that it opens; none named: all.
    scopes text[] NOT NULL DEFAULT '{}',
    rate_limit_per_minute integer NOT NULL DEFAULT 1000 CHECK (rate_limit_per_minute > 0),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((previous_key_hash IS NULL) = (previous_expires_at IS NULL))
);

CREATE UNIQUE INDEX api_keys_name ON api_keys (user_id, name) WHERE revoked_at IS NULL;
CREATE INDEX idx_api_keys_user_id ON api_keys (tenant_id, user_id, created_at, id);
