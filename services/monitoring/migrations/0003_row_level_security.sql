-- The second wall between tenants, behind the WHERE of each query: a statement that names a tenant (novacron.tenant) sees and writes
-- rows of this tenant alone, one that names every tenant ('*') sees all, and one that names neither sees nothing. FORCE: the owner of
-- the tables, which is the service, is held to it as well.

ALTER TABLE vm_monitoring ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE vm_metrics ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_rows ON vm_monitoring USING (
    (SELECT current_setting('novacron.tenant', true) = '*') OR tenant_id::text = (SELECT current_setting('novacron.tenant', true))
);
CREATE POLICY tenant_rows ON vm_metrics USING (
    (SELECT current_setting('novacron.tenant', true) = '*') OR tenant_id::text = (SELECT current_setting('novacron.tenant', true))
);

-- A partition is read through its parent, whose policy counts; by its own name nobody sees anything of it.
DO $$
DECLARE partition regclass;
BEGIN
    FOR partition IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'vm_metrics'::regclass LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', partition);
    END LOOP;
END $$;
