-- What each step of each saga did here: in every participant's database, written in the transaction of the effect itself.

CREATE TABLE saga_barrier (
    saga_id uuid NOT NULL,
    step text NOT NULL,
    operation text NOT NULL CHECK (operation IN ('action', 'compensation')),
    -- Null with compensated_first: the action has not happened and never will.
    response bytea,
    compensated_first boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (saga_id, step, operation)
);

CREATE INDEX saga_barrier_created_idx ON saga_barrier (created_at);
