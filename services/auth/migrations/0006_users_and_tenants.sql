-- What administrators change about tenants and users, and the passwords that a user had before.

ALTER TABLE tenants
    ADD COLUMN display_name text NOT NULL DEFAULT '' CHECK (char_length(display_name) <= 255),
    -- Grows with every change by somebody: an update that names an older one lost the race.
    ADD COLUMN version bigint NOT NULL DEFAULT 1 CHECK (version > 0);

-- Null: this user signs in through a provider only. Releases before read it in one place, and refuse such a user.
-- squawk-ignore ban-drop-not-null
ALTER TABLE users ALTER COLUMN password_hash DROP NOT NULL;

ALTER TABLE users
    -- Kept by who adds and removes second factors, in the same transaction; the secrets are in mfa_credentials.
    ADD COLUMN mfa_enabled boolean NOT NULL DEFAULT false,
    ADD COLUMN version bigint NOT NULL DEFAULT 1 CHECK (version > 0);

-- A page of users is read in this order.
CREATE INDEX idx_users_tenant_id ON users (tenant_id, created_at, id);

CREATE TABLE password_history (
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    password_hash text NOT NULL CHECK (password_hash LIKE '$argon2id$%'),
    replaced_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (user_id, replaced_at)
);
