-- Whose samples are kept. The tenant and the node of a sample come from here, never from the agent that sends it.

CREATE TABLE vm_monitoring (
    vm_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    node_id uuid NOT NULL,
    sample_interval interval NOT NULL CHECK (sample_interval BETWEEN INTERVAL '1 second' AND INTERVAL '1 hour'),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idx_vm_monitoring_tenant_id_vm_id ON vm_monitoring (tenant_id, vm_id);
CREATE INDEX idx_vm_monitoring_node_id ON vm_monitoring (node_id);
