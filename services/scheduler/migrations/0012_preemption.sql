-- VMs that give way to others of higher priority. What such a VM gives up counts from then on for the one that it gives way to,
-- and no longer in its own footprint: so the footprints on a node add up to what is taken of it, at every instant.

ALTER TABLE resource_allocations
    -- What people call the VM: explanations name it so.
    ADD COLUMN vm_name text NOT NULL DEFAULT '',
    ADD COLUMN priority integer NOT NULL DEFAULT 0,
    -- The VM that it gives way to, and what of its footprint is that one's; null: none.
    ADD COLUMN yields_to uuid,
    ADD COLUMN yielded bigint[],
    -- Not validated: no row from before has either.
    ADD CONSTRAINT resource_allocations_yields_whole CHECK ((yields_to IS NULL) = (yielded IS NULL)) NOT VALID;

-- Few at any time: they are asked for whenever a reservation is read, and by every release.
CREATE INDEX idx_resource_allocations_yields_to ON resource_allocations (yields_to) WHERE status = 'active' AND yields_to IS NOT NULL;
