"""Revocation holds in every other service within a second: with Redis, without it, and while it is silent."""

import asyncio
import os
import signal
import time

import pytest
import redis.asyncio as redis_client

from novacron.cache import InvalidationBus, TieredCache
from novacron.embedded.process import free_port
from novacron.embedded.valkey import EmbeddedValkey
from novacron.errors import Unauthenticated
from novacron.rpc.authentication import AuthClient
from novacron.testing.patience import eventually


@pytest.fixture
def own_valkey(tmp_path):
    """A Valkey that may be stopped and frozen."""
    server = EmbeddedValkey(tmp_path / "valkey", free_port())
    server.prepare()
    with server.running():
        yield server
    server.remove()


@pytest.fixture
async def connect(own_valkey):
    made = []

    def new():
        made.append(redis_client.Redis.from_url(own_valkey.url(), socket_connect_timeout=1.0))
        return made[-1]

    yield new
    for one in made:
        await one.aclose()


async def pid(redis):
    return (await redis.info("server"))["process_id"]


async def refused_after(client, subject):
    """Seconds until another service refuses a session."""
    began = time.monotonic()

    async def refused():
        try:
            await client.permissions(subject)
        except Unauthenticated:
            return True

    await eventually(refused, within=5.0, every=0.01)
    return time.monotonic() - began


@pytest.mark.parametrize("redis_is", ["up", "not there", "frozen"])
async def test_a_revoked_session_is_refused_elsewhere_within_a_second(make_auth, connect, redis_is):
    auth = await make_auth(None if redis_is == "not there" else connect())
    account = await auth.user()
    token = (await auth.login()).access_token
    redis = None if redis_is == "not there" else connect()
    cache = TieredCache("permissions", ttl_seconds=60, redis=redis)
    bus = InvalidationBus(redis, (cache,))
    await bus.start()
    if redis is not None:
        await asyncio.wait_for(bus.connected.wait(), 5)
    client = AuthClient(auth.servers.as_service(auth.server, "vm"), cache)
    subject = await client.subject(token)
    assert await client.permissions(subject)
    process = await pid(connect())
    if redis_is == "frozen":
        os.kill(process, signal.SIGSTOP)
    try:
        revoking = asyncio.create_task(auth.revoke(account, subject.session_id))
        took = await refused_after(client, subject)
        await revoking
    finally:
        if redis_is == "frozen":
            os.kill(process, signal.SIGCONT)
    assert took < (2.5 if redis_is == "frozen" else 1.5), f"{took:.2f} s"
    await bus.stop()


async def test_what_could_not_be_published_is_published_when_redis_is_back(connect):
    here, there = connect(), connect()
    cache = TieredCache("numbers", ttl_seconds=60)
    publisher, listener = InvalidationBus(here, ()), InvalidationBus(there, (cache,))
    for bus in (publisher, listener):
        await bus.start()
        await asyncio.wait_for(bus.connected.wait(), 5)
    process = await pid(connect())
    os.kill(process, signal.SIGSTOP)
    assert not await publisher.publish("one")
    os.kill(process, signal.SIGCONT)

    numbers = iter(range(1000))

    async def number():
        return next(numbers)

    await asyncio.wait_for(listener.connected.wait(), 5)
    held = await cache.get("key", number, tags=("one",))

    async def dropped():
        return await cache.get("key", number, tags=("one",)) != held

    await eventually(dropped, within=5.0)
    for bus in (publisher, listener):
        await bus.stop()
