-- The saga log. It stands in the database of the service that owns the sagas, so that the first row of a saga and the first
-- row of the thing it makes are one transaction.

CREATE TABLE saga (
    saga_id uuid PRIMARY KEY,
    name text NOT NULL,
    version integer NOT NULL,
    state text NOT NULL DEFAULT 'running'
        CHECK (state IN ('running', 'compensating', 'succeeded', 'compensated', 'stuck')),
    tenant_id uuid,
    params jsonb NOT NULL,
    -- Who works on it. Every write carries owner and epoch in its predicate, so a worker that was asleep cannot write.
    owner text,
    epoch bigint NOT NULL DEFAULT 0,
    lease_until timestamptz,
    -- From when any worker may take it: the end of the lease, or of a pause. Never null: an unfinished saga has a lease or a
    -- due time, and this one column is both to the sweep.
    due_at timestamptz NOT NULL,
    -- Times it was taken over since it last got on; the backoff of a saga that kills its workers.
    takeovers integer NOT NULL DEFAULT 0,
    -- A stuck saga goes on from here when an operator says so.
    resume_state text CHECK (resume_state IN ('running', 'compensating')),
    deadline timestamptz NOT NULL,
    cancel_requested_at timestamptz,
    cancel_reason text,
    error jsonb,
    traceparent text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);

-- What the sweep looks for, and nothing else: finished sagas are not in it.
CREATE INDEX saga_due_idx ON saga (due_at) WHERE state IN ('running', 'compensating');
CREATE INDEX saga_state_idx ON saga (state, created_at);
CREATE INDEX saga_list_idx ON saga (created_at, saga_id);

-- One row per attempt of one operation of one step: the intent is committed before the call, the outcome after it.
CREATE TABLE saga_step (
    saga_id uuid NOT NULL REFERENCES saga (saga_id) ON DELETE CASCADE,
    step text NOT NULL,
    operation text NOT NULL CHECK (operation IN ('action', 'compensation')),
    attempt integer NOT NULL CHECK (attempt > 0),
    outcome text NOT NULL DEFAULT 'started' CHECK (outcome IN ('started', 'ok', 'refused', 'unknown')),
    output jsonb,
    error jsonb,
    epoch bigint NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    PRIMARY KEY (saga_id, step, operation, attempt)
);

-- Terminal is for ever: the database itself refuses to change such a row, or to let an epoch shrink.
CREATE FUNCTION saga_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('succeeded', 'compensated') THEN
        RAISE EXCEPTION 'saga % is %: terminal rows never change', OLD.saga_id, OLD.state;
    END IF;
    IF NEW.epoch < OLD.epoch THEN
        RAISE EXCEPTION 'saga %: epoch % after %', OLD.saga_id, NEW.epoch, OLD.epoch;
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER saga_guard BEFORE UPDATE ON saga FOR EACH ROW EXECUTE FUNCTION saga_guard();
