"""Whatever the wire to Valkey does, the cache answers: with the right value, and no later than Valkey is worth."""

import asyncio
import time
from urllib.parse import urlsplit

import pytest
import redis.asyncio as redis_client

from novacron.cache import TieredCache
from novacron.testing.toxics import Bandwidth, Cut, Direction, Down, HalfOpen, Latency, Reset

FAULTS = {
    "latency": (Latency(0.1), None),
    "jitter": (Latency(0.12, jitter=0.12), None),
    "down": (Down(), None),
    "reset": (Reset(), None),
    "half-open": (HalfOpen(), None),
    "answers lost": (HalfOpen(), Direction.TO_CLIENT),
    "slow": (Bandwidth(200), None),
    "cut": (Cut(100), None),
}


@pytest.fixture
async def wire(valkey, fault_proxy):
    return await fault_proxy(urlsplit(valkey.url()).port)


@pytest.fixture
async def through(valkey, wire, redis):
    """A connection as a service has it, to an empty Valkey, through the wire."""
    url = valkey.url().replace(f":{urlsplit(valkey.url()).port}", f":{wire.port}")
    connection = redis_client.Redis.from_url(url, socket_connect_timeout=1.0, health_check_interval=15)
    yield connection
    await connection.aclose()


@pytest.mark.parametrize("fault", FAULTS)
async def test_each_key_has_its_own_value_through_every_fault_and_after_it(wire, through, fault):
    def cache():
        return TieredCache("wires", ttl_seconds=60, redis=through)

    async def ask(asked, number):
        async def load():
            return {"number": number}

        began = time.monotonic()
        async with asyncio.timeout(20):
            value = await asked.get(f"key {number}", load, tags=("all", f"tag {number}"))
        return value["number"], time.monotonic() - began

    before = cache()  # connections live when the fault comes
    assert [(await ask(before, number))[0] for number in range(3)] == [0, 1, 2]
    toxic, direction = FAULTS[fault]
    with wire.suffering(toxic, direction):
        during = cache()
        for wave in range(2):  # what timed out in the first must not answer the second
            numbers = range(wave * 5, wave * 5 + 8)
            answers = await asyncio.gather(*(ask(during, number) for number in numbers))
            assert [number for number, _ in answers] == list(numbers)
    after = cache()
    assert [(await ask(after, number))[0] for number in range(20)] == list(range(20))
