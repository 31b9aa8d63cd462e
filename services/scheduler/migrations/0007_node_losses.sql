-- Nodes that were lost, and what is told of it.

ALTER TABLE nodes
    -- Grows when the node is lost: what was decided before is refused by its agent.
    ADD COLUMN epoch bigint NOT NULL DEFAULT 1,
    -- Null: it is not lost.
    ADD COLUMN lost_at timestamptz;

-- Written in the transaction that changes the node, one such transaction at a time (an advisory lock until its commit): so no event is
-- seen before one of a lower sequence, and whoever reads on from the last one that it knows misses none.
CREATE TABLE node_events (
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    node_id uuid NOT NULL REFERENCES nodes (id),
    kind text NOT NULL CHECK (kind IN ('lost', 'returned')),
    epoch bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
-- The newest of a node, which stays when old ones go.
CREATE INDEX idx_node_events_node_id ON node_events (node_id, sequence DESC);
