-- Placement follows policies. Their rules may speak of groups of VMs: what is held knows the groups of its VM.

ALTER TABLE resource_allocations ADD COLUMN groups text[] NOT NULL DEFAULT '{}';
ALTER TABLE scheduling_policies
    ADD CONSTRAINT scheduling_policies_documents CHECK (
        jsonb_typeof(rules) = 'object' AND jsonb_typeof(constraints) = 'object' AND jsonb_typeof(preferences) = 'object'
        AND jsonb_typeof(anti_affinity_rules) = 'array'
    ) NOT VALID;
