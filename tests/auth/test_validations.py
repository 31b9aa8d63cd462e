"""A token that is asked about again and again: answered from memory, and never for longer than it is good."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from novacron.api.auth.v1 import (
    USER_ROLE_VIEWER,
    DisableTenantRequest,
    DisableUserRequest,
    LogoutRequest,
    SessionServiceStub,
    TenantServiceStub,
    UpdateUserRequest,
    UserServiceStub,
)
from novacron.cache.tiered import _UNHEARD_SECONDS
from novacron.errors import Unauthenticated
from novacron_auth.users.account import Role

from .conftest import Auth
from .role_callers import admin

# What a busy machine needs for the calls themselves.
CALLS = 0.5


class Later:
    """A clock that is ahead."""

    def __init__(self, by):
        self._by = by

    def now(self):
        return datetime.now(UTC) + self._by


@pytest.fixture
async def replicas(make_auth, redis):
    """Two that serve one database and hear each other over Redis."""
    one = await make_auth(redis)
    other = Auth(one.database, redis, one.key)
    await other.serve(one.servers)
    for auth in (one, other):
        await auth.bus.start()
        await auth.bus.connected.wait()
    yield one, other
    for auth in (one, other):
        await auth.bus.stop()
    other.passwords.close()


@pytest.fixture
async def deaf_replicas(make_auth):
    """Two that serve one database, without Redis."""
    one = await make_auth()
    other = Auth(one.database, key=one.key)
    await other.serve(one.servers)
    yield one, other
    other.passwords.close()


def loads(auth):
    return auth.validations._cache.misses


async def logged_in(auth, name):
    account = await auth.user(name, tenant="tenant-of-" + name)
    return account, (await auth.login(name, tenant="tenant-of-" + name)).access_token


async def takings(auth):
    """By what is taken: a token, and the call that ends it."""
    users, tenants = await admin(auth, stub=UserServiceStub), await admin(auth, stub=TenantServiceStub)
    _, session = await logged_in(auth, "alice")
    user, disabled = await logged_in(auth, "bob")
    other, homeless = await logged_in(auth, "carol")
    return {
        "session": (session, lambda: auth.as_user(session, SessionServiceStub).Logout(LogoutRequest())),
        "user": (disabled, lambda: users.DisableUser(DisableUserRequest(user_id=str(user.user_id)))),
        "tenant": (homeless, lambda: tenants.DisableTenant(DisableTenantRequest(tenant_id=str(other.tenant_id)))),
    }


async def refused_after(auth, token):
    began = time.monotonic()
    async with asyncio.timeout(10):
        while True:
            try:
                await auth.tokens_of(token)
            except Unauthenticated:
                return time.monotonic() - began
            await asyncio.sleep(0.01)


async def refused_here_and_there_after(one, other):
    """What is taken away at ``one``, which refuses it at once; and seconds until ``other`` does."""
    for what, (token, take) in (await takings(one)).items():
        for _ in range(2):
            await one.tokens_of(token)
            await other.tokens_of(token)
        await take()
        with pytest.raises(Unauthenticated):
            await one.tokens_of(token)
        yield what, await refused_after(other, token)


async def test_a_token_is_looked_up_once_and_answered_alike_from_then_on(replicas):
    one, _ = replicas
    account = await one.user(role=Role.VIEWER)
    token = (await one.login()).access_token
    first = await one.tokens_of(token)
    for _ in range(20):
        assert await one.tokens_of(token) == first
    assert first.user.user_id == str(account.user_id)
    assert loads(one) == 1


async def test_what_is_taken_away_is_refused_here_at_once_and_by_other_replicas_within_a_second(replicas):
    async for what, seconds in refused_here_and_there_after(*replicas):
        assert seconds < 1.0, what


async def test_and_within_its_bound_by_replicas_that_hear_nothing(deaf_replicas):
    async for what, seconds in refused_here_and_there_after(*deaf_replicas):
        assert seconds < _UNHEARD_SECONDS + CALLS, what


async def test_a_change_of_the_user_shows_at_once(replicas):
    one, _ = replicas
    account = await one.user()
    token = (await one.login()).access_token
    await one.tokens_of(token)
    users = await admin(one, stub=UserServiceStub)
    changed = UpdateUserRequest(user_id=str(account.user_id), role=USER_ROLE_VIEWER, update_mask={"paths": ["role"]})
    await users.UpdateUser(changed)
    assert (await one.tokens_of(token)).user.role == USER_ROLE_VIEWER


async def test_an_answer_is_not_kept_beyond_the_end_of_its_token(replicas):
    one, _ = replicas
    await one.user()
    token = (await one.login()).access_token
    await one.tokens_of(token)
    one.tokens._clock = Later(timedelta(seconds=299))
    await one.tokens_of(token)
    one.tokens._clock = Later(timedelta(seconds=301))
    with pytest.raises(Unauthenticated):
        await one.tokens_of(token)
