-- Roles that belong to a tenant, beside the platform's own, which every tenant has and nobody changes.

-- The scan is of a handful of rows, and two indexes keep what the dropped constraint kept.
-- squawk-ignore-file adding-foreign-key-constraint, ban-drop-constraint
ALTER TABLE roles
    -- Null: the platform's own.
    ADD COLUMN tenant_id uuid REFERENCES tenants (id) ON DELETE CASCADE,
    ADD COLUMN mfa_required boolean NOT NULL DEFAULT false,
    ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN version bigint NOT NULL DEFAULT 1 CHECK (version > 0),
    DROP CONSTRAINT roles_name_key;

CREATE UNIQUE INDEX roles_name_platform ON roles (name) WHERE tenant_id IS NULL;
CREATE UNIQUE INDEX roles_name_tenant ON roles (tenant_id, name) WHERE tenant_id IS NOT NULL;

ALTER TABLE user_roles ADD COLUMN expires_at timestamptz;

-- Who runs a tenant: its users, their sessions, keys and roles. Nobody may give what they do not have.
INSERT INTO roles (name, description, permissions) VALUES (
    'tenant-admin', 'Users, roles, keys and sessions of the tenant, beside every VM of it.',
    '["api-key:*", "audit-log:read", "auth-configuration:read", "identity-provider:*", "metrics:*", "mfa:*", "role:*",
      "session:*", "template:create", "template:delete", "template:read", "tenant:read", "user:*", "vm:*"]'
);
