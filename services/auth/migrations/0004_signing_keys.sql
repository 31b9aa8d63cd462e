-- The ring of Ed25519 keys that sign access tokens; a key's id is the token's `kid`.

CREATE TABLE signing_keys (
    id uuid PRIMARY KEY,
    -- The primary signs. Staged keys will, secondaries did: both are published, so that a rotation fails no token.
    state text NOT NULL CHECK (state IN ('staged', 'primary', 'secondary')),
    public_key bytea NOT NULL CHECK (octet_length(public_key) = 32),
    -- An envelope bound to this row; the key that opens it is in NOVACRON_KEY_FILE and never in a database.
    private_key_sealed text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Replicas that start at once all want to make the first key: one does.
CREATE UNIQUE INDEX signing_keys_one_primary ON signing_keys (state) WHERE state = 'primary';
