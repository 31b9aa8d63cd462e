-- The second wall between tenants, behind the WHERE of each query: a statement that names a tenant (novacron.tenant) sees and writes
-- rows of this tenant alone, one that names every tenant ('*') sees all, and one that names neither sees nothing. FORCE: the owner of
-- the tables, which is the service, is held to it as well.

ALTER TABLE saga ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE saga_step ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE saga_intervention ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_rows ON saga USING (
    (SELECT current_setting('novacron.tenant', true) = '*') OR tenant_id::text = (SELECT current_setting('novacron.tenant', true))
);

-- What belongs to a row is seen with it.
CREATE POLICY tenant_rows ON saga_step USING (
    (SELECT current_setting('novacron.tenant', true) = '*')
    OR EXISTS (SELECT FROM saga WHERE saga.saga_id = saga_step.saga_id)
);
CREATE POLICY tenant_rows ON saga_intervention USING (
    (SELECT current_setting('novacron.tenant', true) = '*')
    OR EXISTS (SELECT FROM saga WHERE saga.saga_id = saga_intervention.saga_id)
);
-- It may be made by the very statement that makes what it belongs to, which no policy sees yet.
CREATE POLICY made_with_its_parent ON saga_step FOR INSERT WITH CHECK (true);
