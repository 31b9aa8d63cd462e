-- Samples of VMs, one partition a day (UTC). The service makes the partitions and drops them: see partitions.py. There is no
-- default partition: rows in one would have to be moved, under a lock, before their day could get its own.
-- A column without a value was not measured. Counters grow since the domain's start.

CREATE TABLE vm_metrics (
    time timestamptz NOT NULL,
    vm_id uuid NOT NULL,
    node_id uuid,
    tenant_id uuid NOT NULL,
    cpu_usage_percent double precision CHECK (cpu_usage_percent BETWEEN 0 AND 100),
    memory_usage_bytes bigint CHECK (memory_usage_bytes >= 0),
    memory_available_bytes bigint CHECK (memory_available_bytes >= 0),
    network_bytes_sent bigint CHECK (network_bytes_sent >= 0),
    network_bytes_recv bigint CHECK (network_bytes_recv >= 0),
    network_packets_sent bigint CHECK (network_packets_sent >= 0),
    network_packets_recv bigint CHECK (network_packets_recv >= 0),
    disk_read_bytes bigint CHECK (disk_read_bytes >= 0),
    disk_write_bytes bigint CHECK (disk_write_bytes >= 0),
    disk_read_ops bigint CHECK (disk_read_ops >= 0),
    disk_write_ops bigint CHECK (disk_write_ops >= 0),
    disk_usage_bytes bigint CHECK (disk_usage_bytes >= 0),
    disk_available_bytes bigint CHECK (disk_available_bytes >= 0),
    load_average double precision CHECK (load_average >= 0),
    process_count bigint CHECK (process_count >= 0),
    temperature_celsius double precision,
    -- A batch that is sent again changes nothing. Read backwards it is also the way to a VM's newest sample.
    PRIMARY KEY (vm_id, time)
) PARTITION BY RANGE (time);

CREATE INDEX idx_vm_metrics_tenant_id_time ON vm_metrics (tenant_id, time DESC);
