-- What became of nodes, as far as the scheduler's events were read.

ALTER TYPE vm_state_enum ADD VALUE IF NOT EXISTS 'unknown' AFTER 'deleted';

-- One row: the last event that was dealt with, in the transaction that dealt with it.
CREATE TABLE node_event_cursor (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    sequence bigint NOT NULL
);
INSERT INTO node_event_cursor (sequence) VALUES (0);

CREATE TABLE lost_nodes (
    node_id uuid PRIMARY KEY,
    node_name text NOT NULL
);
