-- A VM that moves holds two places: the one where it is stays 'active', and the one that it goes to is 'migrating' until it has
-- arrived. So whoever asks where a VM is reads 'active', as ever.

ALTER TABLE resource_allocations
    -- The move that claimed this place; null: the VM's create did.
    ADD COLUMN move_id uuid,
    -- Not validated: no row from before is 'migrating'.
    ADD CONSTRAINT resource_allocations_migrating_for_a_move
        CHECK (status <> 'migrating' OR move_id IS NOT NULL) NOT VALID;

-- One move of a VM at a time, and never to the node that it is on. The second index is also the order of the list.
CREATE UNIQUE INDEX idx_resource_allocations_moving ON resource_allocations (vm_id) WHERE status = 'migrating';
CREATE UNIQUE INDEX idx_resource_allocations_held ON resource_allocations (vm_id, node_id) WHERE status <> 'deallocated';
