\set cpu 1 << random(0, 3)
\set memory :cpu * 2048 * random(1, 2)
\set storage 10 * random(1, 10)
\set region random(0, 1)
\set disk random(0, 1)
WITH best AS (
    SELECT id FROM fit_nodes
    WHERE ready AND region = :region AND disk = :disk
        AND free_cpu >= :cpu AND free_memory >= :memory AND free_storage >= :storage
    ORDER BY free_cpu - :cpu, free_memory - :memory LIMIT 1 FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE fit_nodes SET free_cpu = free_cpu - :cpu, free_memory = free_memory - :memory, free_storage = free_storage - :storage
    FROM best WHERE fit_nodes.id = best.id RETURNING fit_nodes.id
)
INSERT INTO fit_allocations (vm_id, node_id, cpu, memory, storage)
SELECT gen_random_uuid(), id, :cpu, :memory, :storage FROM claimed;
