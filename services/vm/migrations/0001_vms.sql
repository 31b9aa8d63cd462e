-- VMs and templates. Names and columns are the seed's (database novacron_vms); its faults are mended: types before their use,
-- timestamptz throughout, tenant first in every index that serves a tenant.

CREATE TYPE vm_state_enum AS ENUM (
    'creating', 'running', 'stopped', 'paused', 'suspended',
    'migrating', 'backing_up', 'restoring', 'error', 'deleted'
);
CREATE TYPE hypervisor_enum AS ENUM ('kvm', 'xen', 'vmware', 'hyper-v', 'container');

CREATE TABLE vm_templates (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    version text NOT NULL,
    owner_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    base_image text NOT NULL,
    resource_config jsonb NOT NULL,
    network_template jsonb,
    storage_template jsonb,
    security_template jsonb,
    tags jsonb NOT NULL DEFAULT '{}',
    is_public boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, name, version)
);
CREATE INDEX vm_templates_list_idx ON vm_templates (tenant_id, created_at, id);
CREATE INDEX vm_templates_public_idx ON vm_templates (created_at, id) WHERE is_public;

CREATE TABLE vms (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    display_name text NOT NULL DEFAULT '',
    description text NOT NULL DEFAULT '',
    state vm_state_enum NOT NULL DEFAULT 'creating',
    hypervisor_type hypervisor_enum NOT NULL,
    node_id uuid,
    owner_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    template_id uuid REFERENCES vm_templates (id) ON DELETE SET NULL,
    resource_config jsonb NOT NULL,
    network_config jsonb,
    storage_config jsonb,
    security_config jsonb,
    backup_config jsonb,
    tags jsonb NOT NULL DEFAULT '{}',
    metadata jsonb NOT NULL DEFAULT '{}',
    ip_address inet,
    error text NOT NULL DEFAULT '',
    -- The request that made it, so that the same request again is told from another one with its id.
    request_digest bytea NOT NULL,
    -- At most one saga works on a VM: the operation under way, and who wants the VM deleted once it is over.
    saga_id uuid,
    operation text,
    delete_requested_by uuid,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    CHECK ((saga_id IS NULL) = (operation IS NULL)),
    CHECK ((state = 'deleted') = (deleted_at IS NOT NULL))
);
-- A name is free again once its VM is deleted.
CREATE UNIQUE INDEX vms_name_idx ON vms (tenant_id, name) WHERE deleted_at IS NULL;
CREATE INDEX vms_list_idx ON vms (tenant_id, created_at, id);
CREATE INDEX vms_list_all_idx ON vms (created_at, id);
CREATE INDEX vms_state_idx ON vms (state) WHERE deleted_at IS NULL;
CREATE INDEX vms_node_id_idx ON vms (node_id) WHERE deleted_at IS NULL;

CREATE TABLE vm_state_transitions (
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    vm_id uuid NOT NULL REFERENCES vms (id) ON DELETE CASCADE,
    from_state vm_state_enum,
    to_state vm_state_enum NOT NULL,
    reason text NOT NULL DEFAULT '',
    initiated_by uuid NOT NULL,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX vm_state_transitions_vm_id_idx ON vm_state_transitions (vm_id, sequence);
