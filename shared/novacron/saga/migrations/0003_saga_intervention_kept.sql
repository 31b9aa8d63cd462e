-- What operators did goes only with its saga: by then the saga's own row is gone, so a row that still has one is kept.
CREATE FUNCTION saga_intervention_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM saga WHERE saga_id = OLD.saga_id) THEN
        RAISE EXCEPTION 'what operators did is kept as long as its saga';
    END IF;
    RETURN OLD;
END
$$;
CREATE TRIGGER saga_intervention_kept BEFORE DELETE ON saga_intervention
FOR EACH ROW EXECUTE FUNCTION saga_intervention_kept();
