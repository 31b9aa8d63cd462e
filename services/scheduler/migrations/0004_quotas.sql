-- What a tenant's VMs may hold together. Only a tenant with a limit has a row, so only its claims wait for one another; all others
-- take what there is. A first limit counts what is held with all claims and releases kept out, from then on each of them counts.

CREATE TABLE tenant_quotas (
    tenant_id uuid PRIMARY KEY,
    -- Null: no limit.
    limit_vms bigint CHECK (limit_vms >= 0),
    limit_cpu_cores bigint CHECK (limit_cpu_cores >= 0),
    limit_memory_mb bigint CHECK (limit_memory_mb >= 0),
    limit_storage_gb bigint CHECK (limit_storage_gb >= 0),
    limit_gpu_count bigint CHECK (limit_gpu_count >= 0),
    -- The sum of the quota_charge of what the tenant's VMs hold. A claim never lifts it above a limit; a limit may be set below it.
    used_vms bigint NOT NULL CHECK (used_vms >= 0),
    used_cpu_cores bigint NOT NULL CHECK (used_cpu_cores >= 0),
    used_memory_mb bigint NOT NULL CHECK (used_memory_mb >= 0),
    used_storage_gb bigint NOT NULL CHECK (used_storage_gb >= 0),
    used_gpu_count bigint NOT NULL CHECK (used_gpu_count >= 0),
    updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50); -- claims change no indexed column: they find room on the row's own page

-- What this allocation counts for its tenant: VMs, vCPUs, MiB, GiB, GPUs. The second place of a VM that moves counts only for what it
-- takes beyond the first. Null: a row from before, which counts for all that it holds.
ALTER TABLE resource_allocations ADD COLUMN quota_charge bigint[];
UPDATE resource_allocations SET quota_charge = '{0,0,0,0,0}' WHERE status = 'migrating';

-- squawk-ignore require-concurrent-index-creation
CREATE INDEX idx_resource_allocations_tenant_id ON resource_allocations (tenant_id) WHERE status <> 'deallocated';
