-- What operators had mended, and why. Written before anything is done, so that a repair whose process died is in it too.

CREATE TABLE vm_repairs (
    repair_id uuid PRIMARY KEY,
    action text NOT NULL
        CHECK (action IN ('release-reservation', 'delete-monitoring', 'restore-monitoring', 'destroy-domain')),
    -- No reference: what is mended is mostly what is left of VMs that are not there.
    vm_id uuid NOT NULL,
    node_id uuid,
    initiated_by uuid NOT NULL,
    reason text NOT NULL CHECK (reason <> ''),
    -- Empty until it is known.
    outcome text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX vm_repairs_list_idx ON vm_repairs (created_at, repair_id);

-- What was asked for and what came of it stay.
CREATE FUNCTION vm_repairs_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.outcome <> ''
        OR (NEW.repair_id, NEW.action, NEW.vm_id, NEW.node_id, NEW.initiated_by, NEW.reason, NEW.created_at)
           IS DISTINCT FROM
           (OLD.repair_id, OLD.action, OLD.vm_id, OLD.node_id, OLD.initiated_by, OLD.reason, OLD.created_at)
    THEN
        RAISE EXCEPTION 'what operators had mended is never changed';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER vm_repairs_guard BEFORE UPDATE OR DELETE ON vm_repairs
FOR EACH ROW EXECUTE FUNCTION vm_repairs_guard();
