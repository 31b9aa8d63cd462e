"""The ring of signing keys: planned rotations fail no token, an emergency ends them all, everywhere, at once."""

import asyncio
import json
import time
from datetime import timedelta
from uuid import uuid4

import jwt
import pytest

from novacron.api.auth.v1 import (
    GetJwksRequest,
    GetUserPermissionsRequest,
    KeyState,
    ListSigningKeysRequest,
    RevokeSigningKeyRequest,
    RotateSigningKeysRequest,
    SigningKeyServiceStub,
)
from novacron.cache import InvalidationBus, TieredCache
from novacron.errors import FailedPrecondition, NotFound, PermissionDenied, Unauthenticated
from novacron.rpc.authentication import AuthClient
from novacron.testing.patience import eventually
from novacron_auth.keys import secret_keys, signing_keys
from novacron_auth.keys.keyring import Keyring
from novacron_auth.keys.signing_key import KeyState as Stored
from novacron_auth.keys.signing_key import next_rotation
from novacron_auth.keys.store import KeyStore
from novacron_auth.users.account import Role

STAGED, PRIMARY, SECONDARY = KeyState.KEY_STATE_STAGED, KeyState.KEY_STATE_PRIMARY, KeyState.KEY_STATE_SECONDARY
REVOKED = KeyState.KEY_STATE_REVOKED


@pytest.fixture
def published_for_a_moment(monkeypatch):
    monkeypatch.setattr(signing_keys, "PUBLISHED", timedelta(milliseconds=50))
    monkeypatch.setattr(secret_keys, "_PUBLISHED", timedelta(milliseconds=50))


async def as_admin(auth):
    """A stub with the token of an admin who has just logged in, by the key that signs at this moment."""
    return auth.as_user((await auth.login("root")).access_token, SigningKeyServiceStub)


async def states(stub):
    listed = await stub.ListSigningKeys(ListSigningKeysRequest())
    return {key.signing_key_id: key.state for key in listed.signing_keys}


def kid(token):
    return jwt.get_unverified_header(token)["kid"]


def service(auth, redis=None):
    """What every other service has, and the bus that it hears."""
    cache = TieredCache("permissions", ttl_seconds=60, redis=redis)
    return AuthClient(auth.servers.as_service(auth.server, "vm"), cache), InvalidationBus(redis, (cache,))


async def test_a_planned_rotation_fails_no_token_and_stages_the_next_key(auth):
    await auth.user("root", Role.ADMIN)
    stub = await as_admin(auth)
    old = (await auth.login("root")).access_token
    began = time.monotonic()
    made = await stub.RotateSigningKeys(RotateSigningKeysRequest(primary_key_id=kid(old)))
    assert time.monotonic() - began > 1.5, "a key is published before it signs"
    assert (made.state, made.HasField("activated_at"), made.signing_key_id != kid(old)) == (PRIMARY, True, True)
    new = (await auth.login("root")).access_token
    assert kid(new) == made.signing_key_id
    await auth.tokens_of(old)
    await auth.tokens_of(new)
    assert sorted((await states(stub)).values()) == [STAGED, PRIMARY, SECONDARY]
    again = await stub.RotateSigningKeys(RotateSigningKeysRequest(primary_key_id=kid(old)))
    assert again.signing_key_id == made.signing_key_id, "a retry turns nothing"
    ((told,),) = await auth.execute("SELECT metadata FROM auth_audit_log WHERE action = 'signing-key.rotate'")
    assert told == {"signing_key_id": made.signing_key_id, "emergency": "false"}


async def test_keys_rotate_as_fast_as_they_can_under_load_without_a_failed_call(auth):
    account = await auth.user("root", Role.ADMIN)
    stub, (client, _) = await as_admin(auth), service(auth)
    rotating = True
    calls = 0

    async def load():
        nonlocal calls
        while rotating:
            token = (await auth.login("root")).access_token
            for _ in range(10):
                await client.subject(token)
                ask = GetUserPermissionsRequest(user_id=str(account.user_id))
                await auth.as_user(token).GetUserPermissions(ask)
                calls += 2

    async def rotate():
        nonlocal rotating
        for _ in range(2):
            await stub.RotateSigningKeys(RotateSigningKeysRequest())
        rotating = False

    await asyncio.gather(load(), load(), rotate())
    assert calls > 20
    assert sorted((await states(await as_admin(auth))).values()) == [STAGED, PRIMARY] + [SECONDARY] * 2


@pytest.mark.parametrize("with_redis", [True, False], ids=["redis", "no redis"])
async def test_an_emergency_ends_every_earlier_token_everywhere_within_a_second(make_auth, redis, with_redis):
    auth = await make_auth(redis if with_redis else None)
    await auth.user("root", Role.ADMIN)
    stub = await as_admin(auth)
    client, bus = service(auth, redis if with_redis else None)
    await bus.start()
    if with_redis:
        await asyncio.wait_for(bus.connected.wait(), 5)
    replica = Keyring(KeyStore(auth.database), auth.sealer)
    login = await auth.login("root")
    await client.subject(login.access_token)
    assert await replica.verifier(kid(login.access_token))

    made = await stub.RotateSigningKeys(
        RotateSigningKeysRequest(primary_key_id=kid(login.access_token), emergency=True)
    )
    began = time.monotonic()
    with pytest.raises(Unauthenticated):
        await auth.tokens_of(login.access_token)

    async def refused_elsewhere():
        try:
            await client.subject(login.access_token)
        except Unauthenticated:
            return await replica.verifier(kid(login.access_token)) is None

    await eventually(refused_elsewhere, within=5.0, every=0.01)
    assert time.monotonic() - began < (1.0 if with_redis else 1.5)
    fresh = (await auth.login("root")).access_token
    assert kid(fresh) == made.signing_key_id
    await client.subject(fresh)
    stub = await as_admin(auth)
    assert sorted((await states(stub)).values()) == [STAGED, PRIMARY, REVOKED]
    retried = await stub.RotateSigningKeys(
        RotateSigningKeysRequest(primary_key_id=kid(login.access_token), emergency=True)
    )
    assert retried.signing_key_id == made.signing_key_id, "the answer was lost: nobody is logged out twice"
    published = await auth.as_user().GetJwks(GetJwksRequest())
    assert kid(login.access_token) not in {key.kid for key in published.keys}
    await bus.stop()


async def test_of_those_who_rotate_at_once_all_get_the_one_key_that_signs_then(auth, published_for_a_moment):
    await auth.user("root", Role.ADMIN)
    stub = await as_admin(auth)
    # Who names no key, and comes when the others are done, wants another one.
    signs = next(key for key, state in (await states(stub)).items() if state == PRIMARY)
    request = RotateSigningKeysRequest(primary_key_id=signs)
    made = await asyncio.gather(*(stub.RotateSigningKeys(request) for _ in range(5)))
    assert len({key.signing_key_id for key in made}) == 1
    assert len(await states(stub)) == 3


async def test_a_key_is_revoked_but_never_the_one_that_signs(auth, published_for_a_moment):
    await auth.user("root", Role.ADMIN)
    stub = await as_admin(auth)
    old = (await auth.login("root")).access_token
    with pytest.raises(FailedPrecondition, match="rotate first"):
        await stub.RevokeSigningKey(RevokeSigningKeyRequest(signing_key_id=kid(old)))
    with pytest.raises(NotFound):
        await stub.RevokeSigningKey(RevokeSigningKeyRequest(signing_key_id=str(uuid4())))
    await stub.RotateSigningKeys(RotateSigningKeysRequest())
    stub = await as_admin(auth)
    for _ in range(2):
        revoked = await stub.RevokeSigningKey(RevokeSigningKeyRequest(signing_key_id=kid(old)))
        assert revoked.state == REVOKED
    with pytest.raises(Unauthenticated):
        await auth.tokens_of(old)
    assert await auth.execute("SELECT count(*) FROM auth_audit_log WHERE action = 'signing-key.revoke'") == [(1,)]
    (staged,) = [key for key, state in (await states(stub)).items() if state == STAGED]
    with pytest.raises(FailedPrecondition, match="never signed"):
        await stub.RotateSigningKeys(RotateSigningKeysRequest(primary_key_id=staged))


async def test_the_schedule_stages_turns_once_for_all_replicas_and_forgets(auth):
    turn = auth.signing_keys.turn_when_due
    assert not await turn()
    assert [key.state for key in await auth.keyring.published()] == [Stored.STAGED, Stored.PRIMARY]
    await auth.execute(
        "UPDATE signing_keys SET created_at = now() - interval '31 days',"
        " activated_at = CASE WHEN state = 'primary' THEN now() - interval '31 days' END"
    )
    assert sorted(await asyncio.gather(*(turn() for _ in range(5)))) == [False] * 4 + [True]
    assert sorted(key.state for key in await auth.keyring.published()) == ["primary", "secondary", "staged"]
    keys, due = await auth.signing_keys.everything()
    assert (due - next(key.activated_at for key in keys if key.state is Stored.PRIMARY)).days == 30
    await auth.execute("UPDATE signing_keys SET expires_at = now() WHERE state = 'secondary'")
    assert sorted(key.state for key in await auth.keyring.published()) == ["primary", "staged"]
    assert next_rotation(keys, timedelta()) is None, "an interval of zero is no schedule"


async def test_only_who_may_turns_the_ring(auth):
    await auth.user("olga", Role.OPERATOR)
    stub = auth.as_user((await auth.login("olga")).access_token, SigningKeyServiceStub)
    for call, request in (
        (stub.ListSigningKeys, ListSigningKeysRequest()),
        (stub.RotateSigningKeys, RotateSigningKeysRequest(emergency=True)),
        (stub.RevokeSigningKey, RevokeSigningKeyRequest(signing_key_id=str(uuid4()))),
    ):
        with pytest.raises(PermissionDenied, match="signing-key:"):
            await call(request)


async def test_the_commands_list_rotate_and_revoke(auth, shell, password, published_for_a_moment):
    await auth.user("root", Role.ADMIN)
    await auth.secret_keys.ensure()
    run = shell("root")

    async def listed():
        code, out, err = await run("signing-key", "list", "-o", "json")
        assert code == 0, err
        return {key["signing_key_id"]: key["state"].removeprefix("KEY_STATE_").lower() for key in json.loads(out)}

    code, _, err = await run("login", "root", "--password-file", "-", typed=password)
    assert code == 0, err
    (first,) = await listed()
    code, _, err = await run("signing-key", "rotate")
    assert (code, "signs now" in err) == (0, True), err
    code, _, err = await run("signing-key", "rotate", "--emergency", typed="n\n")
    assert (code, "Go on?" in err) == (1, True), err
    assert (await listed())[first] == "secondary"
    code, _, err = await run("signing-key", "revoke", first)
    assert (code, err) == (0, f"signing key {first} is revoked\n")
    code, _, err = await run("signing-key", "rotate", "--emergency", "--yes")
    assert code == 0, err
    # The session goes on by its refresh token.
    assert sorted((await listed()).values()) == ["primary", "revoked", "revoked", "revoked", "staged"]
    code, _, err = await run("secret-key", "rotate")
    assert (code, "seals now" in err) == (0, True), err
    code, out, err = await run("secret-key", "list")
    assert (code, len(out.splitlines())) == (0, 3), err
