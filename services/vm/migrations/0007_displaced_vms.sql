-- VMs that gave way to others of higher priority: stopped, with their disks on their nodes, and without a place there.

-- When it gave way; null: it has its place, as every VM had before.
ALTER TABLE vms ADD COLUMN displaced_at timestamptz;
