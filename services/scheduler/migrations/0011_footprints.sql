-- What a VM counts for on its node is not always what it has: its allocation type has an overcommit of its own.

ALTER TABLE resource_allocations
    -- vCPUs, MiB, GiB, Mbit/s, GPUs of what is allocatable. Null: a row from before, which counts for all that it holds.
    ADD COLUMN footprint bigint[],
    -- Beside resized_from and resized_to.
    ADD COLUMN footprint_from bigint[],
    ADD COLUMN footprint_to bigint[];
