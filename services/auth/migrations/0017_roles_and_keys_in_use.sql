-- What administering roles and rotating keys need to read.

-- A page of grants is read in this order; those that end by themselves are looked for every moment.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX idx_user_roles_granted_at ON user_roles (granted_at, user_id, role_id);
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX idx_user_roles_expires_at ON user_roles (expires_at) WHERE expires_at IS NOT NULL;

-- When the present secret was first used: until then its reply may have been lost, and another may take its place.
ALTER TABLE api_keys ADD COLUMN secret_used_at timestamptz;

-- Who runs a tenant makes its viewers, and nobody gives what they do not have.
UPDATE roles SET permissions = permissions || '["node:read", "provider:read", "reservation:read", "service:read"]'
 WHERE name = 'tenant-admin' AND tenant_id IS NULL AND NOT permissions @> '["node:read"]';
