-- Where a tenant's chain begins once its oldest entries have outlived their retention: the last link that was removed. Verification
-- starts there. A link is written before the entries up to it are removed, and only ever moves forward.

CREATE TABLE auth_audit_anchors (
    tenant_id uuid PRIMARY KEY,
    sequence bigint NOT NULL CHECK (sequence > 0),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    removed_before timestamptz NOT NULL
);

-- What audit-log queries filter by.
CREATE INDEX idx_audit_log_action ON auth_audit_log (tenant_id, action, sequence);
CREATE INDEX idx_audit_log_tenant_user ON auth_audit_log (tenant_id, user_id, sequence);
