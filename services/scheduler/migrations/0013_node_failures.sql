-- A node on which VMs could not be made lately, or that was lost lately, comes after those that have done well.

ALTER TABLE nodes
    -- Failures, each counting half as much after every ten minutes, as of failed_at.
    ADD COLUMN failures double precision NOT NULL DEFAULT 0,
    ADD COLUMN failed_at timestamptz;
