"""Whatever is taken away is refused by every service within a second with Redis, and within its bound without."""

import sys

import redis.asyncio as redis_client

from novacron.cache.tiered import _UNHEARD_SECONDS
from novacron.testing.toxics import Down

from .revocation import KINDS, everywhere

# What a busy machine needs for the calls themselves.
CALLS = 0.5


def tell(capsys, took, redis_is):
    with capsys.disabled():
        figures = ", ".join(f"{what.replace('_', ' ')} {seconds:.3f}" for what, seconds in took.items())
        sys.stdout.write(f"\nrevocation_s with Redis {redis_is}: {max(took.values()):.3f} ({figures})\n")


async def test_whatever_is_taken_away_is_refused_everywhere_within_a_second(make_auth, servers, redis, capsys):
    auth = await make_auth(redis)
    async with everywhere(auth, servers, redis) as replicas:
        await replicas.connected()
        took = {kind: await replicas.seconds(kind) for kind in KINDS}
    tell(capsys, took, "up")
    assert max(took.values()) < 1.0, took


async def test_and_within_its_bound_while_redis_is_away(make_auth, servers, valkey, fault_proxy, capsys):
    wire = await fault_proxy(valkey.port)
    url = valkey.url().replace(f":{valkey.port}/", f":{wire.port}/")
    redis = redis_client.Redis.from_url(url, socket_connect_timeout=0.2)
    auth = await make_auth(redis)
    async with everywhere(auth, servers, redis) as replicas:
        await replicas.connected()
        with wire.suffering(Down()):
            took = {kind: await replicas.seconds(kind) for kind in KINDS}
    await redis.aclose()
    tell(capsys, took, "down")
    assert max(took.values()) < _UNHEARD_SECONDS + CALLS, took
