-- Clusters and nodes: what there is.
--
-- The seed's JSONB capacity, allocatable and allocated are integer columns here, one per dimension: the claim is one conditional
-- UPDATE of them, so that PostgreSQL decides every race. memory_mb counts MiB and storage_gb GiB; the names are the seed's.
-- All are bigint: a sum of two values that the API allows must not overflow inside a condition.

CREATE TYPE node_type_enum AS ENUM ('compute', 'storage', 'network', 'gpu', 'hybrid');
CREATE TYPE node_status_enum AS ENUM ('ready', 'not_ready', 'unknown', 'maintenance');
CREATE TYPE cluster_status_enum AS ENUM ('active', 'inactive', 'maintenance', 'error');

CREATE TABLE clusters (
    id uuid PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 253),
    description text NOT NULL DEFAULT '',
    cluster_type text NOT NULL DEFAULT 'compute',
    version text NOT NULL DEFAULT '',
    config jsonb NOT NULL DEFAULT '{}',
    status cluster_status_enum NOT NULL DEFAULT 'active',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE nodes (
    -- Derived from the name: the same agent is the same node, whatever happens to this database.
    id uuid PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    hostname text NOT NULL,
    ip_address inet NOT NULL,
    agent_address text NOT NULL,
    node_type node_type_enum NOT NULL,
    cluster_id uuid NOT NULL REFERENCES clusters (id),
    region text NOT NULL DEFAULT '',
    availability_zone text NOT NULL DEFAULT '',
    hypervisor_types text[] NOT NULL,
    labels jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(labels) = 'object'),
    taints jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(taints) = 'array'),
    description text NOT NULL DEFAULT '',
    gpu_type text NOT NULL DEFAULT '',

    -- What the host has.
    capacity_cpu_cores bigint NOT NULL CHECK (capacity_cpu_cores > 0),
    capacity_memory_mb bigint NOT NULL CHECK (capacity_memory_mb > 0),
    capacity_storage_gb bigint NOT NULL CHECK (capacity_storage_gb >= 0),
    capacity_network_bandwidth_mbps bigint NOT NULL CHECK (capacity_network_bandwidth_mbps >= 0),
    capacity_gpu_count bigint NOT NULL CHECK (capacity_gpu_count >= 0),
    -- What VMs may take: (capacity - reserved for the host) times the allocation ratio.
    allocatable_cpu_cores bigint NOT NULL CHECK (allocatable_cpu_cores >= 0),
    allocatable_memory_mb bigint NOT NULL CHECK (allocatable_memory_mb >= 0),
    allocatable_storage_gb bigint NOT NULL CHECK (allocatable_storage_gb >= 0),
    allocatable_network_bandwidth_mbps bigint NOT NULL CHECK (allocatable_network_bandwidth_mbps >= 0),
    allocatable_gpu_count bigint NOT NULL CHECK (allocatable_gpu_count >= 0),
    -- What VMs and unfinished sagas hold: the sum of the node's active allocations. A claim never lifts it above allocatable. No
    -- CHECK says so, because a host that lost memory says so in a heartbeat, and the truth is not refused.
    allocated_cpu_cores bigint NOT NULL DEFAULT 0 CHECK (allocated_cpu_cores >= 0),
    allocated_memory_mb bigint NOT NULL DEFAULT 0 CHECK (allocated_memory_mb >= 0),
    allocated_storage_gb bigint NOT NULL DEFAULT 0 CHECK (allocated_storage_gb >= 0),
    allocated_network_bandwidth_mbps bigint NOT NULL DEFAULT 0 CHECK (allocated_network_bandwidth_mbps >= 0),
    allocated_gpu_count bigint NOT NULL DEFAULT 0 CHECK (allocated_gpu_count >= 0),

    -- Stored are ready and maintenance; not_ready is ready with a lease that has passed, computed by whoever reads.
    status node_status_enum NOT NULL DEFAULT 'unknown',
    -- Start of the agent's process: the newest incarnation holds the lease.
    incarnation bigint NOT NULL,
    lease_until timestamptz NOT NULL,
    last_heartbeat timestamptz NOT NULL DEFAULT now(),
    -- Grows when anything changes that placement filters by. A claim names the generation that it saw.
    generation bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50); -- heartbeats and claims change no indexed column: they find room on the row's own page

CREATE INDEX idx_nodes_cluster_id ON nodes (cluster_id);
CREATE INDEX idx_nodes_status ON nodes (status);
