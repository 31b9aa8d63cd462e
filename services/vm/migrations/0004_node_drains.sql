-- Drains of nodes: what an operator asked for, and how far it is. The id is the saga's.

CREATE TABLE node_drains (
    id uuid PRIMARY KEY,
    node_id uuid NOT NULL,
    node_name text NOT NULL,
    requested_by uuid NOT NULL,
    -- How many VMs move at once, and how long each guest may take to power off.
    budget integer NOT NULL CHECK (budget > 0),
    grace_seconds integer NOT NULL CHECK (grace_seconds >= 0),
    -- Whether the node took VMs before: a drain that is turned round leaves it as it was.
    was_open boolean NOT NULL,
    state text NOT NULL DEFAULT 'running'
        CHECK (state IN ('running', 'cancelling', 'drained', 'failed', 'cancelled')),
    moved integer NOT NULL DEFAULT 0,
    under_way integer NOT NULL DEFAULT 0,
    vms_left integer NOT NULL DEFAULT 0,
    -- VMs that cannot be moved: id, name, reason, message.
    left_behind jsonb NOT NULL DEFAULT '[]',
    error text NOT NULL DEFAULT '',
    -- From here on nothing is placed there.
    closed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    CHECK ((finished_at IS NULL) = (state IN ('running', 'cancelling')))
);
-- One drain of a node at a time, whoever asks for it.
CREATE UNIQUE INDEX node_drains_under_way_idx ON node_drains (node_id) WHERE finished_at IS NULL;
CREATE INDEX node_drains_node_id_idx ON node_drains (node_id, created_at);
CREATE INDEX node_drains_node_name_idx ON node_drains (node_name, created_at);

-- One try for each VM in a drain, and the saga that makes it.
CREATE TABLE node_drain_moves (
    drain_id uuid NOT NULL REFERENCES node_drains (id) ON DELETE CASCADE,
    vm_id uuid NOT NULL,
    saga_id uuid NOT NULL,
    PRIMARY KEY (drain_id, vm_id)
);
