-- Login through OpenID Connect providers.

CREATE TABLE identity_providers (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    name text NOT NULL CHECK (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    type text NOT NULL DEFAULT 'oidc' CHECK (type IN ('oidc', 'saml')),
    issuer text NOT NULL CHECK (char_length(issuer) BETWEEN 1 AND 2048),
    client_id text NOT NULL CHECK (char_length(client_id) BETWEEN 1 AND 255),
    -- An envelope, bound to this row; null: a public client.
    client_secret_sealed text,
    scopes text[] NOT NULL DEFAULT '{openid,email,profile}',
    create_users boolean NOT NULL DEFAULT false,
    default_role user_role_enum NOT NULL DEFAULT 'user',
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, name)
);

-- Whom a provider means by its `sub`: an address may change hands, this may not.
CREATE TABLE external_identities (
    identity_provider_id uuid NOT NULL REFERENCES identity_providers (id) ON DELETE CASCADE,
    subject text NOT NULL CHECK (char_length(subject) BETWEEN 1 AND 255),
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (identity_provider_id, subject)
);

CREATE INDEX idx_external_identities_user_id ON external_identities (user_id);

-- Logins under way, by the hash of their state or device code; deleted by whoever ends one, so that each ends once.
CREATE TABLE external_logins (
    state_hash bytea PRIMARY KEY CHECK (octet_length(state_hash) = 32),
    identity_provider_id uuid NOT NULL REFERENCES identity_providers (id) ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('code', 'device')),
    -- Verifier, nonce, redirect URI or the provider's device code: an envelope, bound to this row.
    details_sealed text NOT NULL,
    polled_at timestamptz,
    expires_at timestamptz NOT NULL
);

CREATE INDEX idx_external_logins_expires_at ON external_logins (expires_at);
