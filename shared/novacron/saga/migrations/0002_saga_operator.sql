-- What operators may do with a saga, and the trail of what they did.

-- Attempts made up to this epoch no longer count: an operator's retry grants the step all of its attempts anew.
ALTER TABLE saga ADD COLUMN forgiven_epoch bigint NOT NULL DEFAULT 0;

CREATE TABLE saga_intervention (
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    saga_id uuid NOT NULL REFERENCES saga (saga_id) ON DELETE CASCADE,
    action text NOT NULL CHECK (action IN ('retry', 'skip', 'compensate', 'resolve', 'cancel')),
    step text,
    initiated_by uuid NOT NULL,
    reason text NOT NULL CHECK (reason <> ''),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX saga_intervention_saga_id_idx ON saga_intervention (saga_id, sequence);

CREATE FUNCTION saga_intervention_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what operators did is never changed';
END
$$;
CREATE TRIGGER saga_intervention_guard BEFORE UPDATE ON saga_intervention
    FOR EACH ROW EXECUTE FUNCTION saga_intervention_guard();
