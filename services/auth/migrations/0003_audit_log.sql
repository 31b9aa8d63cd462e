-- What happened to identities, in one chain of hashes per tenant. No foreign keys: the log outlives what it tells of.

CREATE TABLE auth_audit_log (
    id uuid PRIMARY KEY,
    -- All zeros: the attempt named no tenant that exists.
    tenant_id uuid NOT NULL,
    sequence bigint NOT NULL CHECK (sequence > 0),
    user_id uuid,
    action text NOT NULL,
    ip_address inet,
    user_agent text,
    success boolean NOT NULL,
    error_message text,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    previous_hash bytea NOT NULL CHECK (octet_length(previous_hash) = 32),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    UNIQUE (tenant_id, sequence)
);

CREATE INDEX idx_audit_log_user_id ON auth_audit_log (user_id, created_at);
CREATE INDEX idx_audit_log_created_at ON auth_audit_log (tenant_id, created_at);

-- Each chain's last link. Its row lock puts the writers of a tenant in order, and it tells when the end was cut off.
CREATE TABLE auth_audit_heads (
    tenant_id uuid PRIMARY KEY,
    sequence bigint NOT NULL CHECK (sequence >= 0),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32)
);

CREATE FUNCTION auth_audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE FUNCTION auth_audit_head_moves_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.tenant_id <> OLD.tenant_id OR NEW.sequence <> OLD.sequence + 1 THEN
        RAISE EXCEPTION 'the head of an audit chain moves forward one link at a time'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER auth_audit_log_append_only BEFORE UPDATE OR DELETE ON auth_audit_log
    FOR EACH ROW EXECUTE FUNCTION auth_audit_is_append_only();
CREATE TRIGGER auth_audit_log_keeps_all BEFORE TRUNCATE ON auth_audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION auth_audit_is_append_only();
CREATE TRIGGER auth_audit_heads_forward BEFORE UPDATE ON auth_audit_heads
    FOR EACH ROW EXECUTE FUNCTION auth_audit_head_moves_forward();
CREATE TRIGGER auth_audit_heads_keep BEFORE DELETE ON auth_audit_heads
    FOR EACH ROW EXECUTE FUNCTION auth_audit_is_append_only();
CREATE TRIGGER auth_audit_heads_keep_all BEFORE TRUNCATE ON auth_audit_heads
    FOR EACH STATEMENT EXECUTE FUNCTION auth_audit_is_append_only();
