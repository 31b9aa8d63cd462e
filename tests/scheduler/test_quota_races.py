"""Quotas under many callers, several schedulers and any order of claims and moves: never above, and never miscounted."""

import asyncio
import contextlib
import random
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from novacron.api.scheduler.v1 import QuotaLimits, ReservationServiceStub, SetQuotaRequest
from novacron.db import Database
from novacron.errors import AlreadyExists, FailedPrecondition, NoCapacity, NotFound, QuotaExceeded

# What stands here was lifted above a limit at some instant, however short.
_WITNESS = """
CREATE TABLE over (tenant_id uuid);
CREATE FUNCTION witness() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO over VALUES (NEW.tenant_id); RETURN NEW; END $$;
CREATE TRIGGER witness AFTER UPDATE ON tenant_quotas FOR EACH ROW WHEN (
    NEW.used_vms > OLD.used_vms AND NEW.used_vms > NEW.limit_vms
    OR NEW.used_cpu_cores > OLD.used_cpu_cores AND NEW.used_cpu_cores > NEW.limit_cpu_cores
    OR NEW.used_memory_mb > OLD.used_memory_mb AND NEW.used_memory_mb > NEW.limit_memory_mb) EXECUTE FUNCTION witness();
"""
# What the VMs hold, each once at the larger of its places, beside what the quota counts.
_COUNTED = """
SELECT ARRAY[used_vms, used_cpu_cores, used_memory_mb, used_storage_gb, used_gpu_count], (
    SELECT ARRAY[count(*), coalesce(sum(cpu), 0), coalesce(sum(memory), 0), coalesce(sum(storage), 0),
        coalesce(sum(gpu), 0)]::bigint[]
    FROM (
        SELECT max(cpu_cores) AS cpu, max(memory_mb) AS memory, max(storage_gb) AS storage, max(gpu_count) AS gpu
        FROM resource_allocations held WHERE held.tenant_id = tenant_quotas.tenant_id AND status <> 'deallocated' GROUP BY vm_id
    ) vms
) FROM tenant_quotas
"""


@pytest.fixture
async def pair(start_scheduler):
    """Two schedulers with a pool each, on one database that witnesses every excess."""
    one = await start_scheduler()
    database = Database(one.database.url, max_connections=16)
    await database.open()
    other = await start_scheduler(database)
    async with one.database.connection() as connection:
        await connection.execute(_WITNESS)
    yield one, other
    await database.close()


async def outcomes(calls):
    """What the calls answered; any error but a refusal is the test's failure."""
    answers = await asyncio.gather(*calls, return_exceptions=True)
    for refusal in (one for one in answers if isinstance(one, BaseException)):
        assert isinstance(refusal, QuotaExceeded), refusal
    return [one for one in answers if not isinstance(one, BaseException)]


async def check(scheduler, *, rows=1):
    counted = await scheduler.rows(_COUNTED)
    assert len(counted) == rows
    for kept, held in counted:
        assert kept == held
    assert await scheduler.rows("SELECT tenant_id FROM over") == []
    await scheduler.check_sums()


async def test_64_clients_race_for_a_quota_of_50_vcpus_and_50_are_given(pair, tenant, resources):
    one, other = pair
    for number in range(4):
        await one.beat(f"n{number}", capacity=resources(64, 10**6, 10**4))
    await one.quotas().SetQuota(SetQuotaRequest(tenant_id=tenant, limits=QuotaLimits(cpu_cores=50)))
    clients = [
        ReservationServiceStub(one.servers.as_service((one, other)[number % 2].server, "vm")) for number in range(64)
    ]
    for _ in range(3):
        vms = [uuid4() for _ in clients]
        made = await outcomes(
            client.ReserveResources(one.demand(vm_id), timeout=60) for client, vm_id in zip(clients, vms, strict=True)
        )
        assert len(made) == 50
        await check(one)
        await asyncio.gather(*((one, other)[n % 2].release(vm_id) for n, vm_id in enumerate(vms)))
    await check(one)


async def test_a_first_limit_in_the_midst_of_claims_and_releases_counts_each_of_them_once(pair, tenant, resources):
    one, other = pair
    await one.beat("n1", capacity=resources(1000, 10**6, 10**5))
    for turn in range(4):
        vms = [uuid4() for _ in range(24)]

        async def come_and_go(number, vm_id):
            made = await outcomes([(one, other)[number % 2].reserve(vm_id)])
            if number % 3 == 0 and made:
                await other.release(vm_id)

        async def limit(vms_at_most, turn=turn):
            await asyncio.sleep(0.005 * turn)
            request = SetQuotaRequest(tenant_id=tenant, limits=QuotaLimits(vms=vms_at_most))
            await other.quotas().SetQuota(request, timeout=30)

        await asyncio.gather(limit(1000), *(come_and_go(number, vm_id) for number, vm_id in enumerate(vms)))
        await check(one)
        await asyncio.gather(*(one.release(vm_id) for vm_id in vms))
        await check(one)
        await other.quotas().SetQuota(SetQuotaRequest(tenant_id=tenant))  # none again: the next turn begins anew


# Steps at once contradict each other (a VM asked for with another shape, a move of none): those are answers too.
ANSWERS = (AlreadyExists, FailedPrecondition, NoCapacity, NotFound, QuotaExceeded)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "reserve", "move", "arrive", "release", "limit"]),
        st.integers(0, 3),  # which VM
        st.integers(1, 4),  # how much
    ),
    min_size=4,
    max_size=24,
)


@pytest.fixture
def any_order(pair, resources):
    """Runs steps, several of them at once, for a tenant of its own."""
    one, other = pair

    async def step(scheduler, tenant, vms, moves, what):
        kind, which, amount = what
        vm_id, shape = vms[which], resources(amount, 512 * (5 - amount), amount)
        with contextlib.suppress(*ANSWERS):
            if kind == "reserve":
                await scheduler.reserve(vm_id, tenant_id=tenant, resources=shape)
            elif kind == "move":
                moves[which] = str(uuid4())
                await scheduler.reserve(vm_id, tenant_id=tenant, resources=shape, move_id=moves[which])
            elif kind == "arrive" and which in moves:
                await scheduler.arrive(vm_id, moves[which])
            elif kind == "release":
                await scheduler.release(vm_id)
            elif kind == "limit":
                limits = QuotaLimits(vms=amount, cpu_cores=amount * 2, memory_mib=amount * 1500)
                await scheduler.quotas().SetQuota(SetQuotaRequest(tenant_id=tenant, limits=limits))

    return step, (one, other)


# Hypothesis takes the jitter that the event loop draws in its own thread for a strategy that is not repeatable.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module")
async def test_in_any_order_of_claims_moves_and_limits_the_use_is_what_is_held(any_order, resources):
    step, (one, other) = any_order
    for number in range(4):
        await one.beat(f"n{number}", capacity=resources(64, 10**6, 10**4))

    async def run(steps, seed):
        await one.rows("DELETE FROM tenant_quotas RETURNING 1")
        tenant, vms, moves = str(uuid4()), [str(uuid4()) for _ in range(4)], {}
        chance = random.Random(seed)
        remaining = list(steps)
        while remaining:
            at_once, remaining = remaining[: (size := chance.randint(1, 4))], remaining[size:]
            calls = (step(chance.choice((one, other)), tenant, vms, moves, what) for what in at_once)
            await asyncio.gather(*calls)
        quotas = await one.rows("SELECT 1 FROM tenant_quotas")
        await check(one, rows=len(quotas))
        await asyncio.gather(*(one.release(vm_id) for vm_id in vms))

    loop = asyncio.get_running_loop()

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(STEPS, st.integers(0, 2**16))
    def any_steps(steps, seed):
        asyncio.run_coroutine_threadsafe(run(steps, seed), loop).result(60)

    await asyncio.to_thread(any_steps)
