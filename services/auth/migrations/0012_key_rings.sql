-- The times of signing keys, and the ring of data keys that seal secrets at rest.

ALTER TABLE signing_keys
    ADD COLUMN activated_at timestamptz,
    ADD COLUMN retired_at timestamptz,
    -- Of a secondary: the last token that it signed has ended by then.
    ADD COLUMN expires_at timestamptz,
    -- A key that is refused from then on, whatever its state: it is published no more.
    ADD COLUMN revoked_at timestamptz;

UPDATE signing_keys SET activated_at = created_at WHERE state <> 'staged';

-- Rotations by schedule: one replica stages the next key, the others find it.
CREATE UNIQUE INDEX signing_keys_one_staged ON signing_keys (state) WHERE state = 'staged';

CREATE TABLE secret_keys (
    id uuid PRIMARY KEY,
    -- Null: the platform's own.
    tenant_id uuid,
    state text NOT NULL CHECK (state IN ('staged', 'primary', 'secondary', 'revoked')),
    -- The data key, in an envelope under NOVACRON_KEY_FILE, bound to this row.
    key_sealed text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    activated_at timestamptz,
    retired_at timestamptz
);

CREATE UNIQUE INDEX secret_keys_one_primary ON secret_keys (coalesce(tenant_id, '00000000-0000-0000-0000-000000000000'))
    WHERE state = 'primary';
CREATE INDEX idx_secret_keys_tenant_id ON secret_keys (tenant_id, created_at);
