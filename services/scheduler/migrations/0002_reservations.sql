-- Who holds what, why it is there, and by whose policy.

CREATE TYPE policy_type_enum AS ENUM ('placement', 'scaling', 'migration', 'cost_optimization');
CREATE TYPE allocation_type_enum AS ENUM ('guaranteed', 'burstable', 'best_effort');
CREATE TYPE allocation_status_enum AS ENUM ('active', 'deallocated', 'migrating');

CREATE TABLE scheduling_decisions (
    id uuid PRIMARY KEY,
    vm_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    requested_resources jsonb NOT NULL,
    constraints jsonb NOT NULL DEFAULT '{}',
    -- The best ten, best first, each with its score and factors.
    candidate_nodes jsonb NOT NULL,
    removed_by_filter jsonb NOT NULL DEFAULT '{}',
    -- Null: nothing could take the VM.
    selected_node_id uuid REFERENCES nodes (id),
    decision_algorithm text NOT NULL,
    decision_score double precision,
    decision_factors jsonb NOT NULL DEFAULT '{}',
    explanation text NOT NULL,
    decision_time timestamptz NOT NULL DEFAULT now(),
    scheduler_version text NOT NULL,
    CHECK ((selected_node_id IS NULL) = (decision_score IS NULL))
);

CREATE INDEX idx_scheduling_decisions_vm_id ON scheduling_decisions (vm_id, decision_time DESC);

CREATE TABLE resource_allocations (
    id uuid PRIMARY KEY,
    vm_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    node_id uuid NOT NULL REFERENCES nodes (id),
    -- No foreign key: decisions are history and may be pruned while the VM lives.
    decision_id uuid NOT NULL,
    -- Of all that the request said: the same again is the same reservation, anything else is a contradiction.
    request_digest bytea NOT NULL,
    allocation_type allocation_type_enum NOT NULL,
    cpu_cores bigint NOT NULL CHECK (cpu_cores > 0),
    cpu_mhz bigint,
    memory_mb bigint NOT NULL CHECK (memory_mb > 0),
    storage_gb bigint NOT NULL CHECK (storage_gb >= 0),
    network_bandwidth_mbps bigint NOT NULL DEFAULT 0 CHECK (network_bandwidth_mbps >= 0),
    gpu_count bigint NOT NULL DEFAULT 0 CHECK (gpu_count >= 0),
    gpu_type text NOT NULL DEFAULT '',
    allocated_at timestamptz NOT NULL DEFAULT now(),
    -- Null: an unfinished saga holds it. Set: a VM does.
    confirmed_at timestamptz,
    deallocated_at timestamptz,
    status allocation_status_enum NOT NULL DEFAULT 'active',
    CHECK ((status = 'deallocated') = (deallocated_at IS NOT NULL))
);

-- A VM holds one place. While it moves, its old place is 'migrating' and the new one 'active'.
CREATE UNIQUE INDEX idx_resource_allocations_vm_id ON resource_allocations (vm_id) WHERE status = 'active';
CREATE INDEX idx_resource_allocations_node_id ON resource_allocations (node_id) WHERE status <> 'deallocated';

CREATE TABLE scheduling_policies (
    id uuid PRIMARY KEY,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 253),
    description text NOT NULL DEFAULT '',
    tenant_id uuid NOT NULL,
    priority bigint NOT NULL DEFAULT 0,
    policy_type policy_type_enum NOT NULL,
    rules jsonb NOT NULL,
    constraints jsonb NOT NULL DEFAULT '{}',
    preferences jsonb NOT NULL DEFAULT '{}',
    anti_affinity_rules jsonb NOT NULL DEFAULT '[]',
    resource_requirements jsonb,
    enabled boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, name)
);
