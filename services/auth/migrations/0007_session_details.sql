-- The rest of the seed's UserSession, refresh tokens, and what is noticed about logins. A session's status is not stored: it
-- follows from revoked_at and expires_at, and a copy of it could only be wrong.

ALTER TABLE user_sessions
    ADD COLUMN authentication_timestamp timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN last_accessed_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN device_fingerprint text CHECK (char_length(device_fingerprint) <= 128),
    ADD COLUMN geo_location jsonb CHECK (jsonb_typeof(geo_location) = 'object'),
    -- The network of ip_address: /24 of IPv4, /48 of IPv6.
    ADD COLUMN network cidr,
    ADD COLUMN scopes text[] NOT NULL DEFAULT '{}',
    ADD COLUMN risk_score double precision NOT NULL DEFAULT 0 CHECK (risk_score BETWEEN 0 AND 1),
    ADD COLUMN revoked_reason text CHECK (char_length(revoked_reason) <= 255);

-- What a login asks: was this user here before? And the list of a user's sessions, newest first.
CREATE INDEX idx_sessions_user_network ON user_sessions (user_id, network);
CREATE INDEX idx_sessions_user_created_at ON user_sessions (user_id, created_at, id);

-- Refresh tokens that were exchanged. The session is the family; its live token is user_sessions.token_hash.
CREATE TABLE spent_refresh_tokens (
    token_hash bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
    session_id uuid NOT NULL REFERENCES user_sessions (id) ON DELETE CASCADE,
    spent_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX idx_spent_refresh_tokens_session_id ON spent_refresh_tokens (session_id);

CREATE TABLE security_events (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    session_id uuid REFERENCES user_sessions (id) ON DELETE SET NULL,
    event_type text NOT NULL CHECK (event_type IN (
        'new_device', 'new_network', 'failed_logins', 'impossible_travel', 'refresh_token_reuse', 'account_locked',
        'password_changed', 'password_reset', 'mfa_enabled', 'mfa_disabled', 'recovery_code_used'
    )),
    risk double precision NOT NULL DEFAULT 0 CHECK (risk BETWEEN 0 AND 1),
    description text NOT NULL DEFAULT '',
    ip_address inet,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX idx_security_events_user_id ON security_events (tenant_id, user_id, created_at, id);
CREATE INDEX idx_security_events_session_id ON security_events (session_id);
