-- A session begins with a login. Every access token names one and is worth nothing once it has ended.

CREATE TABLE user_sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- SHA-256 of the session's refresh token; null for a session without one.
    token_hash bytea UNIQUE CHECK (octet_length(token_hash) = 32),
    authentication_method text NOT NULL DEFAULT 'password'
        CHECK (authentication_method IN ('password', 'mfa', 'oauth', 'saml')),
    ip_address inet,
    user_agent text,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK (expires_at > created_at)
);

CREATE INDEX idx_sessions_user_id ON user_sessions (user_id);
CREATE INDEX idx_sessions_expires_at ON user_sessions (expires_at);
