-- The second wall between tenants, behind the WHERE of each query: a statement that names a tenant (novacron.tenant) sees and writes
-- rows of this tenant alone, one that names every tenant ('*') sees all, and one that names neither sees nothing. FORCE: the owner of
-- the tables, which is the service, is held to it as well.

ALTER TABLE vms ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE vm_templates ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE vm_state_transitions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_rows ON vms USING (
    (SELECT current_setting('novacron.tenant', true) = '*') OR tenant_id::text = (SELECT current_setting('novacron.tenant', true))
);
CREATE POLICY tenant_rows ON vm_templates USING (
    (SELECT current_setting('novacron.tenant', true) = '*') OR tenant_id::text = (SELECT current_setting('novacron.tenant', true))
);
CREATE POLICY public_templates ON vm_templates FOR SELECT USING (is_public);

-- What belongs to a row is seen with it.
CREATE POLICY tenant_rows ON vm_state_transitions USING (
    (SELECT current_setting('novacron.tenant', true) = '*')
    OR EXISTS (SELECT FROM vms WHERE vms.id = vm_state_transitions.vm_id)
);
-- It may be made by the very statement that makes what it belongs to, which no policy sees yet.
CREATE POLICY made_with_its_parent ON vm_state_transitions FOR INSERT WITH CHECK (true);
