"""How often a key may come: one bucket for all processes in Redis, one for each while Redis is away."""

import asyncio
import time
from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import uuid4

import grpc
import pytest
import redis.asyncio as redis_client
from hypothesis import given
from hypothesis import strategies as st

from novacron.api.auth.v1 import ApiKeyServiceStub, CreateApiKeyRequest, ListUsersRequest, UserServiceStub
from novacron.errors import Overloaded
from novacron.rpc import Identity
from novacron.rpc.api_keys import KeyLimits, burst_of, meet
from novacron.testing.toxics import Down
from novacron_auth.users.account import Role


class Clock:
    """A clock that is moved by hand."""

    def __init__(self):
        self.at = 1000.0

    def monotonic(self):
        return self.at

    def now(self):
        return datetime.now(UTC)


async def admitted(limits, key, per_minute, calls):
    """How many of so many calls, one after the other, were let through."""
    count = 0
    for _ in range(calls):
        try:
            await limits.take(key, per_minute)
            count += 1
        except Overloaded:
            pass
    return count


@pytest.mark.parametrize(("per_minute", "burst"), [(1, 1), (5, 5), (60, 10), (100, 10), (1000, 100), (60_000, 6000)])
async def test_a_burst_is_what_six_seconds_allow_ten_at_least_and_never_more_than_a_minutes(per_minute, burst):
    assert burst_of(per_minute) == burst
    assert await admitted(KeyLimits(None, Clock()), uuid4(), per_minute, burst + 20) == burst


async def test_the_rate_is_kept_to_the_call_however_long(redis):
    clock, key = Clock(), uuid4()
    limits = KeyLimits(None, clock)
    assert await admitted(limits, key, 600, 1000) == 60
    for _ in range(20):
        clock.at += 1.0
        # Twice what the rate allows: the surplus is refused, and costs nothing.
        assert await admitted(limits, key, 600, 20) == 10
    clock.at += 3600
    assert await admitted(limits, key, 600, 1000) == 60, "what was not used is not saved up"


async def test_who_waits_as_long_as_told_is_let_through():
    clock, key = Clock(), uuid4()
    limits = KeyLimits(None, clock)
    await admitted(limits, key, 60, 10)
    with pytest.raises(Overloaded, match="may make 60 calls a minute: slow down") as refused:
        await limits.take(key, 60)
    assert 0 < refused.value.retry_after_seconds <= 1
    clock.at += refused.value.retry_after_seconds + 1e-6
    await limits.take(key, 60)


async def test_keys_do_not_share_and_those_long_unseen_are_forgotten():
    limits = KeyLimits(None, Clock())
    assert [await admitted(limits, uuid4(), 5, 9) for _ in range(3)] == [5, 5, 5]
    for _ in range(10_050):
        await limits.take(uuid4(), 60)
    assert len(limits._empty_at) == 10_000


async def test_processes_share_one_bucket_and_twice_the_load_is_halved(redis):
    processes, key = [KeyLimits(redis) for _ in range(3)], uuid4()
    per_minute = 1200
    began = time.monotonic()
    count = sum(await asyncio.gather(*(admitted(one, key, per_minute, 60) for one in processes)))
    earned = (time.monotonic() - began) * per_minute / 60
    assert 120 <= count <= 120 + earned + 1, "180 calls, of which a burst is 120"
    with pytest.raises(Overloaded) as refused:
        while True:
            await processes[0].take(key, per_minute)
    assert 0 < refused.value.retry_after_seconds <= 0.051


async def test_while_redis_is_away_each_process_counts_for_itself_and_shares_again_after(valkey, redis, fault_proxy):
    wire = await fault_proxy(valkey.port)
    cut = redis_client.Redis.from_url(valkey.url().replace(f":{valkey.port}/", f":{wire.port}/"), retry=None)
    clocks, key = [Clock(), Clock()], uuid4()
    one, other = KeyLimits(cut, clocks[0]), KeyLimits(cut, clocks[1])
    with wire.suffering(Down()):
        assert await admitted(one, key, 60, 30) == 10
        assert await admitted(other, key, 60, 30) == 10
    for clock in clocks:
        clock.at += 2
    assert await admitted(one, key, 6, 12) == 6, "Redis had not heard of those"
    assert await admitted(other, key, 6, 12) == 0
    await cut.aclose()


async def test_a_server_refuses_the_surplus_and_says_when_to_come_again(make_auth, servers, redis):
    auth = await make_auth(redis)
    await auth.user("root", Role.ADMIN)
    keys = auth.as_user((await auth.login("root")).access_token, ApiKeyServiceStub)
    made = await keys.CreateApiKey(CreateApiKeyRequest(name="few", rate_limit_per_minute=3))
    channel = servers.as_user(auth.server, SimpleNamespace(metadata=(("x-api-key", made.key),)), attempts=1)
    users = UserServiceStub(channel)
    for _ in range(3):
        await users.ListUsers(ListUsersRequest())
    with pytest.raises(Overloaded, match="3 calls a minute") as refused:
        await users.ListUsers(ListUsersRequest())
    assert refused.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert 0 < refused.value.retry_after_seconds <= 20


WORDS = st.sampled_from(("*", "vm", "node", "read", "create"))
PERMISSIONS = st.frozensets(st.builds("{}:{}".format, WORDS, WORDS), max_size=5)


@given(PERMISSIONS, PERMISSIONS, st.sampled_from(("vm", "node", "x")), st.sampled_from(("read", "create", "y")))
def test_what_a_key_and_its_user_both_may_is_what_each_of_them_may(one, other, resource, action):
    both, asked = meet(one, other), f"{resource}:{action}"
    expected = Identity(permissions=one).may(asked) and Identity(permissions=other).may(asked)
    assert Identity(permissions=both).may(asked) == expected
    assert meet(other, one) == both
    assert meet(both, both) == both
