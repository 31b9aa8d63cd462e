-- Counters of failed logins beside the one in users: per address, and per user and familiar place.
--
-- The counter in users locks the account for strangers. Were it the only one, anybody could keep the real user out for ever by
-- guessing again after every pause; who comes from a network or a device that this user signed in from before has another.

CREATE TABLE login_throttles (
    scope text NOT NULL CHECK (scope IN ('address', 'familiar')),
    -- An address; or a user's id.
    key text NOT NULL CHECK (char_length(key) BETWEEN 1 AND 255),
    failures bigint NOT NULL CHECK (failures > 0),
    locked_until timestamptz,
    -- When the count begins anew.
    resets_at timestamptz NOT NULL,
    PRIMARY KEY (scope, key)
);

CREATE INDEX idx_login_throttles_resets_at ON login_throttles (resets_at);
