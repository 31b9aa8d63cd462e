-- A VM that is resized holds the larger of both sizes until it has one of them: the columns say what it holds, as ever.

ALTER TABLE resource_allocations
    -- The last resize of this place; null: none.
    ADD COLUMN resize_id uuid,
    -- While one is under way: the sizes before and after, as vCPUs, MiB, GiB, Mbit/s, GPUs.
    ADD COLUMN resized_from bigint[],
    ADD COLUMN resized_to bigint[],
    -- Not validated: no row from before has any of them.
    ADD CONSTRAINT resource_allocations_resized_whole CHECK (
        (resized_from IS NULL) = (resized_to IS NULL) AND (resized_to IS NULL OR resize_id IS NOT NULL)
    ) NOT VALID;
