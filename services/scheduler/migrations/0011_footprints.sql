-- What a VM counts for on its node is not always what it has: its allocation type has an overcommit of its own.

ALTER TABLE resource_allocations
    -- vCPUs, MiB, GiB, Mbit/s, GPUs of what is allocatable. Null: a row from before, which counts for all that it holds.
    ADD COLUMN footprint bigint[],
    -- Beside resized_from and resized_to.
    ADD COLUMN footprint_from bigint[],
    ADD COLUMN footprint_to bigint[];

-- All have shared their hosts as the allocation ratio said, whatever they were called: that is what is burstable now.
UPDATE resource_allocations SET allocation_type = 'burstable' WHERE status <> 'deallocated';
