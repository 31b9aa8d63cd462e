-- Security keys (WebAuthn): challenges that are out, and what a copied key is told by.

-- One check takes another's place in one statement: no row is ever without.
-- squawk-ignore-file ban-drop-constraint

CREATE TABLE webauthn_challenges (
    -- Whoever reads the database can answer nobody's challenge. Deleted by whoever takes one, so that each is answered once.
    challenge_hash bytea PRIMARY KEY CHECK (octet_length(challenge_hash) = 32),
    -- For whose registration; null: for whoever shows a key.
    user_id uuid REFERENCES users (id) ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);

CREATE INDEX idx_webauthn_challenges_expires_at ON webauthn_challenges (expires_at);
CREATE INDEX idx_webauthn_challenges_user_id ON webauthn_challenges (user_id);

ALTER TABLE security_events
    DROP CONSTRAINT security_events_event_type_check,
    ADD CONSTRAINT security_events_event_type_check CHECK (event_type IN (
        'new_device', 'new_network', 'failed_logins', 'impossible_travel', 'refresh_token_reuse', 'account_locked',
        'password_changed', 'password_reset', 'mfa_enabled', 'mfa_disabled', 'recovery_code_used', 'security_key_copied'
    )) NOT VALID;
