"""API keys: who makes them, what they may do, how they end, and what nobody reads in the database."""

import asyncio
from types import SimpleNamespace
from uuid import uuid4

import pytest
from google.protobuf.duration_pb2 import Duration

from novacron.api.auth.v1 import (
    ApiKeyServiceStub,
    AuthenticateApiKeyRequest,
    AuthenticationConfiguration,
    AuthenticationConfigurationServiceStub,
    CreateApiKeyRequest,
    CreateRoleRequest,
    GetApiKeyRequest,
    ListApiKeysRequest,
    ListRolesRequest,
    ListUsersRequest,
    RevokeApiKeyRequest,
    RoleServiceStub,
    RotateApiKeyRequest,
    UpdateAuthenticationConfigurationRequest,
    UserServiceStub,
)
from novacron.errors import (
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    QuotaExceeded,
    Unauthenticated,
)
from novacron.sealing import KeyRing
from novacron_auth.api_keys.api_key import Hashing
from novacron_auth.users.account import Role

from .role_callers import admin, tenant_admin, user_id

HOUR = Duration(seconds=3600)


async def keys_of(auth, username="alice", role=Role.USER, tenant="default"):
    """A stub of a user who has logged in, and is made if need be."""
    if not await auth.execute("SELECT 1 FROM users WHERE username = %s", username):
        await auth.user(username, role, tenant=tenant)
    return auth.as_user((await auth.login(username, tenant=tenant)).access_token, ApiKeyServiceStub)


async def create(keys, name="deploy", **more):
    return await keys.CreateApiKey(CreateApiKeyRequest(name=name, **more))


def with_key(auth, key, stub=UserServiceStub):
    """A stub that shows a key."""
    return stub(auth.servers.as_user(auth.server, SimpleNamespace(metadata=(("x-api-key", key),))))


async def authenticate(auth, key):
    return await auth.as_service("vm", ApiKeyServiceStub).AuthenticateApiKey(AuthenticateApiKeyRequest(key=key))


async def test_a_key_is_shown_once_and_kept_as_a_hash(auth):
    keys = await keys_of(auth)
    made = await create(keys)
    assert made.key.startswith(made.api_key.prefix + "_")
    assert len(made.key) == 56
    assert made.api_key.rate_limit_per_minute == 1000, "the configuration's"
    assert made.api_key.expires_at.seconds - made.api_key.created_at.seconds == 90 * 86_400, "the configuration's"
    listed = (await keys.ListApiKeys(ListApiKeysRequest())).api_keys
    assert [one.api_key_id for one in listed] == [made.api_key.api_key_id]
    assert await keys.GetApiKey(GetApiKeyRequest(api_key_id=made.api_key.api_key_id)) == made.api_key
    secret = made.key.removeprefix(made.api_key.prefix + "_")
    ((stored,),) = await auth.execute("SELECT k::text || encode(key_hash, 'escape') FROM api_keys k")
    ((told,),) = await auth.execute("SELECT string_agg(metadata::text, ' ') FROM auth_audit_log")
    assert secret not in stored
    assert secret not in told
    assert made.api_key.prefix in told


def test_a_hash_is_keyed_and_found_after_the_key_file_was_rotated():
    old, new = KeyRing((b"o" * 32,)), KeyRing((b"n" * 32, b"o" * 32))
    secret = Hashing(old).new()
    assert secret.key_hash in Hashing(new).possible(secret.text)
    assert Hashing(new).new().key_hash != secret.key_hash
    assert secret.key_hash not in Hashing(KeyRing((b"x" * 32,))).possible(secret.text)
    assert "nvk_" in repr(secret)
    assert secret.text not in repr(secret)


async def test_a_key_does_what_its_user_may_at_that_moment_and_no_more(auth):
    keys = await keys_of(auth)
    made = await create(keys)
    alice = await user_id(auth, "alice")
    assert set((await authenticate(auth, made.key)).permissions) >= {"vm:*", "metrics:read"}
    await auth.execute("UPDATE users SET role = 'viewer' WHERE id = %s", alice)
    assert "vm:*" not in (await authenticate(auth, made.key)).permissions
    await auth.execute("UPDATE users SET disabled_at = now() WHERE id = %s", alice)
    with pytest.raises(Unauthenticated):
        await authenticate(auth, made.key)


async def test_a_key_with_permissions_does_only_what_both_it_and_its_user_may(auth):
    await tenant_admin(auth)
    keys = await keys_of(auth)
    made = await create(keys, permissions=["user:read", "vm:*"])
    assert set((await authenticate(auth, made.key)).permissions) == {"user:read", "vm:*"}
    users, roles = with_key(auth, made.key), with_key(auth, made.key, RoleServiceStub)
    await users.ListUsers(ListUsersRequest())
    with pytest.raises(PermissionDenied, match="needs role:read"):
        await roles.ListRoles(ListRolesRequest())
    await auth.execute("DELETE FROM user_roles")
    assert set((await authenticate(auth, made.key)).permissions) == {"vm:read"}, "all that a viewer has of it"
    with pytest.raises(PermissionDenied, match="needs user:read"):
        await users.ListUsers(ListUsersRequest())


@pytest.mark.parametrize("permissions", [["*:*"], ["vm:read", "saga:read"], ["*:read"]])
async def test_a_key_that_would_do_more_than_its_user_may_is_not_made(auth, permissions):
    with pytest.raises(PermissionDenied, match="more than its user may"):
        await create(await keys_of(auth), permissions=permissions)


async def test_a_key_opens_the_services_of_its_scopes(auth):
    await tenant_admin(auth)
    keys = await keys_of(auth)
    here, elsewhere = (
        await create(keys, "here", scopes=["auth"]),
        await create(keys, "elsewhere", scopes=["vm", "scheduler"]),
    )
    await with_key(auth, here.key).ListUsers(ListUsersRequest())
    with pytest.raises(PermissionDenied, match="opens scheduler, vm, and not auth"):
        await with_key(auth, elsewhere.key).ListUsers(ListUsersRequest())


async def test_what_is_a_users_own_stays_closed_to_a_key(auth):
    """Also to one that may all: a key that leaked must not lead to another."""
    await admin(auth)
    made = await create(await keys_of(auth, "root"))
    with pytest.raises(PermissionDenied, match="takes a user who has logged in, not an API key"):
        await create(with_key(auth, made.key, ApiKeyServiceStub), "another")
    await with_key(auth, made.key).ListUsers(ListUsersRequest())


async def test_what_is_done_with_a_key_is_told_of_the_key(auth):
    await admin(auth)
    made = await create(await keys_of(auth, "root"))
    role = await with_key(auth, made.key, RoleServiceStub).CreateRole(CreateRoleRequest(name="made-by-a-program"))
    ((by, user),) = await auth.execute(
        "SELECT metadata->>'by_api_key_id', user_id FROM auth_audit_log WHERE metadata->>'role_id' = %s", role.role_id
    )
    assert (by, str(user)) == (made.api_key.api_key_id, made.api_key.user_id)


async def test_of_a_token_and_a_key_neither_counts(auth):
    await admin(auth)
    made = await create(await keys_of(auth, "root"))
    token = (await auth.login("root")).access_token
    both = SimpleNamespace(metadata=(("x-api-key", made.key), ("authorization", f"Bearer {token}")))
    with pytest.raises(Unauthenticated, match="not both"):
        await UserServiceStub(auth.servers.as_user(auth.server, both)).ListUsers(ListUsersRequest())


async def test_every_key_that_does_not_work_gets_one_answer(auth):
    keys = await keys_of(auth)
    revoked, over, real = await create(keys, "one"), await create(keys, "two"), await create(keys, "three")
    await keys.RevokeApiKey(RevokeApiKeyRequest(api_key_id=revoked.api_key.api_key_id, reason="leaked"))
    await auth.execute("UPDATE api_keys SET expires_at = now() WHERE id = %s", over.api_key.api_key_id)
    forged = real.key[:-6] + ("AAAAAA" if not real.key.endswith("AAAAAA") else "BBBBBB")
    said = set()
    for key in (revoked.key, over.key, forged, real.key + "x", "nvk_", "x", real.api_key.prefix):
        with pytest.raises(Unauthenticated) as caught:
            await authenticate(auth, key)
        said.add(str(caught.value))
    assert len(said) == 1
    assert (await authenticate(auth, real.key)).username == "alice"


async def test_a_rotation_gives_another_text_and_the_old_one_works_for_the_overlap(auth):
    keys = await keys_of(auth)
    first = await create(keys)
    await authenticate(auth, first.key)
    second = await keys.RotateApiKey(RotateApiKeyRequest(api_key_id=first.api_key.api_key_id, overlap=HOUR))
    assert second.key != first.key
    assert second.api_key.prefix == first.api_key.prefix
    old, new = await authenticate(auth, first.key), await authenticate(auth, second.key)
    assert old.api_key.expires_at.seconds < new.api_key.expires_at.seconds, "for who shows the old one it ends sooner"
    await auth.execute("UPDATE api_keys SET previous_expires_at = now()")
    with pytest.raises(Unauthenticated):
        await authenticate(auth, first.key)
    third = await keys.RotateApiKey(RotateApiKeyRequest(api_key_id=first.api_key.api_key_id))
    with pytest.raises(Unauthenticated):
        await authenticate(auth, second.key)
    await authenticate(auth, third.key)


async def test_a_rotation_whose_reply_was_lost_takes_nothing_away(auth):
    keys = await keys_of(auth)
    first = await create(keys)
    await authenticate(auth, first.key)
    request = RotateApiKeyRequest(api_key_id=first.api_key.api_key_id, overlap=HOUR)
    lost, came = await keys.RotateApiKey(request), await keys.RotateApiKey(request)
    await authenticate(auth, first.key)
    await authenticate(auth, came.key)
    with pytest.raises(Unauthenticated):
        await authenticate(auth, lost.key)


async def test_a_creation_repeated_shows_another_text_until_the_first_use(auth):
    keys, chosen = await keys_of(auth), str(uuid4())
    lost, came = await create(keys, api_key_id=chosen), await create(keys, api_key_id=chosen)
    with pytest.raises(Unauthenticated):
        await authenticate(auth, lost.key)
    await authenticate(auth, came.key)
    with pytest.raises(AlreadyExists, match="its text is not shown again"):
        await create(keys, api_key_id=chosen)
    with pytest.raises(AlreadyExists, match="another key has this id"):
        await create(keys, "other", api_key_id=chosen)


async def test_keys_that_ended_long_ago_are_forgotten_and_those_that_work_or_ended_lately_are_not(auth):
    keys = await keys_of(auth)
    made = {name: (await create(keys, name)).api_key for name in ("revoked", "over", "lately", "works")}
    for name in ("revoked", "lately"):
        await keys.RevokeApiKey(RevokeApiKeyRequest(api_key_id=made[name].api_key_id))
    for column, name in (("revoked_at", "revoked"), ("expires_at", "over")):
        statement = f"UPDATE api_keys SET {column} = now() - interval '91 d' WHERE id = %s"
        await auth.execute(statement, made[name].api_key_id)
    assert await auth.housekeeping.sweep() == (0, 2)
    assert await auth.execute("SELECT name FROM api_keys ORDER BY name") == [("lately",), ("works",)]


async def test_a_revoked_key_stays_as_it_is_and_is_not_rotated(auth):
    keys = await keys_of(auth)
    made = await create(keys)
    request = RevokeApiKeyRequest(api_key_id=made.api_key.api_key_id)
    revoked = await keys.RevokeApiKey(request)
    assert revoked.HasField("revoked_at")
    assert await keys.RevokeApiKey(request) == revoked
    with pytest.raises(FailedPrecondition, match="is revoked: create another"):
        await keys.RotateApiKey(RotateApiKeyRequest(api_key_id=made.api_key.api_key_id))
    assert (await create(keys)).api_key.name == made.api_key.name, "its name is free again"


async def test_a_name_is_one_keys_among_its_users(auth):
    keys = await keys_of(auth)
    came = await asyncio.gather(*(create(keys) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(one, AlreadyExists) for one in came) == 3
    await create(await keys_of(auth, "bob"))


async def test_a_user_has_only_so_many_keys_however_many_are_asked_for_at_once(auth):
    keys = await keys_of(auth)
    configurations = await admin(auth, stub=AuthenticationConfigurationServiceStub)
    few = AuthenticationConfiguration(rate_limiting={"api_keys_per_user": 2})
    await configurations.UpdateAuthenticationConfiguration(
        UpdateAuthenticationConfigurationRequest(authentication_configuration=few)
    )
    came = await asyncio.gather(*(create(keys, f"key-{n}") for n in range(5)), return_exceptions=True)
    refused = [one for one in came if isinstance(one, QuotaExceeded)]
    assert len(refused) == 3
    assert "at most 2 API keys: revoke one first" in str(refused[0])


async def test_another_users_keys_take_the_permission_and_another_tenants_do_not_exist(auth):
    theirs = await create(await keys_of(auth))
    stranger, boss = await keys_of(auth, "bob"), await tenant_admin(auth, "boss", stub=ApiKeyServiceStub)
    foreign = await tenant_admin(auth, "other-boss", tenant="other", stub=ApiKeyServiceStub)
    named = theirs.api_key.api_key_id
    for outsider in (stranger, foreign):
        for call in (
            lambda one, keys=outsider: keys.GetApiKey(GetApiKeyRequest(api_key_id=one)),
            lambda one, keys=outsider: keys.RotateApiKey(RotateApiKeyRequest(api_key_id=one)),
            lambda one, keys=outsider: keys.RevokeApiKey(RevokeApiKeyRequest(api_key_id=one)),
        ):
            said = set()
            for one in (named, str(uuid4())):
                with pytest.raises(NotFound) as caught:
                    await call(one)
                said.add(str(caught.value).replace(one, "ID"))
            assert len(said) == 1
    with pytest.raises(PermissionDenied, match="needs api-key:read"):
        await stranger.ListApiKeys(ListApiKeysRequest(user_id=theirs.api_key.user_id))
    assert not (await foreign.ListApiKeys(ListApiKeysRequest(user_id=theirs.api_key.user_id))).api_keys
    assert (await boss.ListApiKeys(ListApiKeysRequest(user_id=theirs.api_key.user_id))).api_keys
    await boss.RevokeApiKey(RevokeApiKeyRequest(api_key_id=named))
    with pytest.raises(Unauthenticated):
        await authenticate(auth, theirs.key)


async def test_nobody_is_shown_a_key_that_may_more_than_they(auth):
    await auth.user("olga", Role.OPERATOR)
    olga = await user_id(auth, "olga")
    boss = await tenant_admin(auth, "boss", stub=ApiKeyServiceStub)
    with pytest.raises(PermissionDenied, match="more than you may in this session"):
        await create(boss, user_id=olga, permissions=["node:drain"])
    with pytest.raises(InvalidArgument, match="has to name what somebody else's key may do"):
        await create(boss, user_id=olga)
    own = await create(await keys_of(auth, "olga"), "own")
    with pytest.raises(InvalidArgument, match="has to name"):
        await boss.RotateApiKey(RotateApiKeyRequest(api_key_id=own.api_key.api_key_id))
    made = await create(boss, user_id=olga, permissions=["vm:read"])
    assert list((await authenticate(auth, made.key)).permissions) == ["vm:read"]


async def test_a_session_without_its_second_factor_gets_no_key_to_go_round_it(auth):
    keys = await keys_of(auth)
    before = await create(keys, "before")
    await auth.execute("UPDATE roles SET mfa_required = true WHERE name = 'user'")
    for permissions in ([], ["vm:read"]):
        with pytest.raises(PermissionDenied, match="more than you may in this session"):
            await create(keys, permissions=permissions)
    with pytest.raises(PermissionDenied, match="more than you may in this session"):
        await keys.RotateApiKey(RotateApiKeyRequest(api_key_id=before.api_key.api_key_id))
    await keys.RevokeApiKey(RevokeApiKeyRequest(api_key_id=before.api_key.api_key_id))


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (CreateApiKeyRequest(), "name"),
        (CreateApiKeyRequest(name="x" * 256), "name"),
        (CreateApiKeyRequest(name="x", permissions=["vm"]), "permissions[0]"),
        (CreateApiKeyRequest(name="x", permissions=["vm:raed"]), "permissions"),
        (CreateApiKeyRequest(name="x", scopes=["moon"]), "scopes[0]"),
        (CreateApiKeyRequest(name="x", rate_limit_per_minute=-1), "rate_limit_per_minute"),
        (CreateApiKeyRequest(name="x", ttl=Duration()), "ttl"),
    ],
)
async def test_what_is_no_key_is_refused_at_its_field(auth, request_, field):
    with pytest.raises(InvalidArgument) as caught:
        await (await keys_of(auth)).CreateApiKey(request_)
    assert [one.field for one in caught.value.violations] == [field]


async def test_use_is_noted_to_the_minute(auth):
    keys = await keys_of(auth)
    made = await create(keys)
    assert not made.api_key.HasField("last_used_at")
    await authenticate(auth, made.key)
    ((first,),) = await auth.execute("SELECT last_used_at FROM api_keys")
    await authenticate(auth, made.key)
    assert await auth.execute("SELECT last_used_at FROM api_keys") == [(first,)]
    await auth.execute("UPDATE api_keys SET last_used_at = last_used_at - interval '2 minutes'")
    await authenticate(auth, made.key)
    ((again,),) = await auth.execute("SELECT last_used_at FROM api_keys")
    assert again >= first


async def test_keys_are_listed_oldest_first_page_by_page_and_filtered(auth):
    keys = await keys_of(auth)
    made = [await create(keys, name) for name in ("one", "two", "three")]
    await keys.RevokeApiKey(RevokeApiKeyRequest(api_key_id=made[1].api_key.api_key_id))
    seen, token = [], ""
    while True:
        page = await keys.ListApiKeys(ListApiKeysRequest(page_size=2, page_token=token))
        seen += [one.name for one in page.api_keys]
        if not (token := page.next_page_token):
            break
    assert seen == ["one", "two", "three"]
    live = await keys.ListApiKeys(ListApiKeysRequest(filter="revoked = false"))
    assert [one.name for one in live.api_keys] == ["one", "three"]


async def test_only_services_may_ask_whose_a_key_is(auth):
    made = await create(await keys_of(auth))
    with pytest.raises(PermissionDenied):
        await (await admin(auth, stub=ApiKeyServiceStub)).AuthenticateApiKey(AuthenticateApiKeyRequest(key=made.key))
    with pytest.raises(PermissionDenied):
        await auth.as_service("agent/n1", ApiKeyServiceStub).AuthenticateApiKey(AuthenticateApiKeyRequest(key=made.key))
