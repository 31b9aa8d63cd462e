-- The one way in which an entry leaves the audit log: it is older than the retention, and its chain's anchor stands after it.

CREATE FUNCTION auth_audit_entry_leaves_behind_its_anchor() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM auth_audit_anchors a WHERE a.tenant_id = OLD.tenant_id AND a.sequence >= OLD.sequence) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;

-- 30 days are the least that the retention can be set to.
CREATE FUNCTION auth_audit_anchor_moves_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.tenant_id <> OLD.tenant_id OR NEW.sequence <= OLD.sequence)
        OR NEW.removed_before > clock_timestamp() - interval '30 days'
        OR NOT EXISTS (
            SELECT FROM auth_audit_log e
             WHERE e.tenant_id = NEW.tenant_id AND e.sequence = NEW.sequence AND e.hash = NEW.hash
               AND e.created_at < NEW.removed_before
        )
    THEN
        RAISE EXCEPTION 'the anchor of an audit chain moves forward, to an entry that has outlived its retention'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;

DROP TRIGGER auth_audit_log_append_only ON auth_audit_log;
CREATE TRIGGER auth_audit_log_append_only BEFORE UPDATE ON auth_audit_log
    FOR EACH ROW EXECUTE FUNCTION auth_audit_is_append_only();
CREATE TRIGGER auth_audit_log_retention BEFORE DELETE ON auth_audit_log
    FOR EACH ROW EXECUTE FUNCTION auth_audit_entry_leaves_behind_its_anchor();
CREATE TRIGGER auth_audit_anchors_forward BEFORE INSERT OR UPDATE ON auth_audit_anchors
    FOR EACH ROW EXECUTE FUNCTION auth_audit_anchor_moves_forward();
CREATE TRIGGER auth_audit_anchors_keep BEFORE DELETE ON auth_audit_anchors
    FOR EACH ROW EXECUTE FUNCTION auth_audit_is_append_only();
CREATE TRIGGER auth_audit_anchors_keep_all BEFORE TRUNCATE ON auth_audit_anchors
    FOR EACH STATEMENT EXECUTE FUNCTION auth_audit_is_append_only();
