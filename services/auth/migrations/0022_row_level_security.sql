-- The second wall between tenants, behind the WHERE of each query: a statement that names a tenant (novacron.tenant) sees and writes
-- rows of this tenant alone, one that names every tenant ('*') sees all, and one that names neither sees nothing. FORCE: the owner of
-- the tables, which is the service, is held to it as well.

ALTER TABLE tenants ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE security_events ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE mfa_credentials ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE auth_audit_log ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE auth_audit_heads ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE auth_audit_anchors ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE identity_providers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE roles ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE secret_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE user_roles ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE user_sessions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE spent_refresh_tokens ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE password_history ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE mfa_recovery_codes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE external_identities ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE external_logins ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE webauthn_challenges ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_rows ON tenants USING (
    (SELECT current_setting('novacron.tenant', true) = '*') OR id::text = (SELECT current_setting('novacron.tenant', true))
);
CREATE POLICY tenant_rows ON users USING (
    (SELECT current_setting('novacron.tenant', true) = '*') OR tenant_id::text = (SELECT current_setting('novacron.tenant', true))
);
CREATE POLICY tenant_rows ON security_events USING (
    (SELECT current_setting('novacron.tenant', true) = '*') OR tenant_id::text = (SELECT current_setting('novacron.tenant', true))
);
CREATE POLICY tenant_rows ON mfa_credentials USING (
    (SELECT current_setting('novacron.tenant', true) = '*') OR tenant_id::text = (SELECT current_setting('novacron.tenant', true))
);
CREATE POLICY tenant_rows ON api_keys USING (
    (SELECT current_setting('novacron.tenant', true) = '*') OR tenant_id::text = (SELECT current_setting('novacron.tenant', true))
);
CREATE POLICY tenant_rows ON auth_audit_log USING (
    (SELECT current_setting('novacron.tenant', true) = '*') OR tenant_id::text = (SELECT current_setting('novacron.tenant', true))
);
CREATE POLICY tenant_rows ON auth_audit_heads USING (
    (SELECT current_setting('novacron.tenant', true) = '*') OR tenant_id::text = (SELECT current_setting('novacron.tenant', true))
);
CREATE POLICY tenant_rows ON auth_audit_anchors USING (
    (SELECT current_setting('novacron.tenant', true) = '*') OR tenant_id::text = (SELECT current_setting('novacron.tenant', true))
);
CREATE POLICY tenant_rows ON identity_providers USING (
    (SELECT current_setting('novacron.tenant', true) = '*') OR tenant_id::text = (SELECT current_setting('novacron.tenant', true))
);

-- The platform's own, which belong to no tenant: seen by all and locked by who gives them, and changed by no tenant.
CREATE POLICY tenant_rows ON roles USING (
    (SELECT current_setting('novacron.tenant', true) = '*') OR tenant_id::text = (SELECT current_setting('novacron.tenant', true))
);
CREATE POLICY platform_rows_read ON roles FOR SELECT USING (tenant_id IS NULL);
CREATE POLICY platform_rows_locked ON roles FOR UPDATE USING (tenant_id IS NULL) WITH CHECK (false);
CREATE POLICY tenant_rows ON secret_keys USING (
    (SELECT current_setting('novacron.tenant', true) = '*') OR tenant_id::text = (SELECT current_setting('novacron.tenant', true))
);
CREATE POLICY platform_rows_read ON secret_keys FOR SELECT USING (tenant_id IS NULL);
CREATE POLICY platform_rows_locked ON secret_keys FOR UPDATE USING (tenant_id IS NULL) WITH CHECK (false);

-- What belongs to a row is seen with it.
CREATE POLICY tenant_rows ON user_roles USING (
    (SELECT current_setting('novacron.tenant', true) = '*')
    OR EXISTS (SELECT FROM users WHERE users.id = user_roles.user_id)
);
CREATE POLICY tenant_rows ON user_sessions USING (
    (SELECT current_setting('novacron.tenant', true) = '*')
    OR EXISTS (SELECT FROM users WHERE users.id = user_sessions.user_id)
);
CREATE POLICY tenant_rows ON spent_refresh_tokens USING (
    (SELECT current_setting('novacron.tenant', true) = '*')
    OR EXISTS (SELECT FROM user_sessions WHERE user_sessions.id = spent_refresh_tokens.session_id)
);
CREATE POLICY tenant_rows ON password_history USING (
    (SELECT current_setting('novacron.tenant', true) = '*')
    OR EXISTS (SELECT FROM users WHERE users.id = password_history.user_id)
);
CREATE POLICY tenant_rows ON mfa_recovery_codes USING (
    (SELECT current_setting('novacron.tenant', true) = '*')
    OR EXISTS (SELECT FROM users WHERE users.id = mfa_recovery_codes.user_id)
);
CREATE POLICY tenant_rows ON external_identities USING (
    (SELECT current_setting('novacron.tenant', true) = '*')
    OR EXISTS (SELECT FROM users WHERE users.id = external_identities.user_id)
);
CREATE POLICY tenant_rows ON external_logins USING (
    (SELECT current_setting('novacron.tenant', true) = '*')
    OR EXISTS (SELECT FROM identity_providers WHERE identity_providers.id = external_logins.identity_provider_id)
);

-- For nobody yet, until a key is shown.
CREATE POLICY tenant_rows ON webauthn_challenges USING (
    (SELECT current_setting('novacron.tenant', true) = '*')
    OR webauthn_challenges.user_id IS NULL OR EXISTS (SELECT FROM users WHERE users.id = webauthn_challenges.user_id)
);
