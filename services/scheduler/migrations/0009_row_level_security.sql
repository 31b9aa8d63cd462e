-- The second wall between tenants, behind the WHERE of each query: a statement that names a tenant (novacron.tenant) sees and writes
-- rows of this tenant alone, one that names every tenant ('*') sees all, and one that names neither sees nothing. FORCE: the owner of
-- the tables, which is the service, is held to it as well.

ALTER TABLE scheduling_decisions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE resource_allocations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE scheduling_policies ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE tenant_quotas ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE scaling_recommendations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_rows ON scheduling_decisions USING (
    (SELECT current_setting('novacron.tenant', true) = '*') OR tenant_id::text = (SELECT current_setting('novacron.tenant', true))
);
CREATE POLICY tenant_rows ON resource_allocations USING (
    (SELECT current_setting('novacron.tenant', true) = '*') OR tenant_id::text = (SELECT current_setting('novacron.tenant', true))
);
CREATE POLICY tenant_rows ON scheduling_policies USING (
    (SELECT current_setting('novacron.tenant', true) = '*') OR tenant_id::text = (SELECT current_setting('novacron.tenant', true))
);
CREATE POLICY tenant_rows ON tenant_quotas USING (
    (SELECT current_setting('novacron.tenant', true) = '*') OR tenant_id::text = (SELECT current_setting('novacron.tenant', true))
);
CREATE POLICY tenant_rows ON scaling_recommendations USING (
    (SELECT current_setting('novacron.tenant', true) = '*') OR tenant_id::text = (SELECT current_setting('novacron.tenant', true))
);
