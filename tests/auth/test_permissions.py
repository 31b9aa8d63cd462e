"""What users may do: the four roles, who may ask, and what a stranger is told."""

import itertools
from uuid import uuid4

import psycopg
import pytest
from google.protobuf import descriptor_pool

from novacron.api.agent import v1 as agent_v1
from novacron.api.auth import v1 as auth_v1
from novacron.api.auth.v1 import CheckPermissionRequest, GetUserPermissionsRequest
from novacron.api.federation import v1 as federation_v1
from novacron.api.monitoring import v1 as monitoring_v1
from novacron.api.registry import v1 as registry_v1
from novacron.api.saga import v1 as saga_v1
from novacron.api.scheduler import v1 as scheduler_v1
from novacron.api.vm import v1 as vm_v1
from novacron.errors import AlreadyExists, InvalidArgument, NotFound, PermissionDenied, Unauthenticated
from novacron.rpc import Identity
from novacron.rpc.policy import policy_of
from novacron.rpc.status import to_status
from novacron_auth.roles.catalog import ASKED_INSIDE
from novacron_auth.roles.grants import covers
from novacron_auth.users.account import Role

APIS = (agent_v1, auth_v1, federation_v1, monitoring_v1, registry_v1, saga_v1, scheduler_v1, vm_v1)
# What only who runs the platform, or a tenant, has to do with.
ADMINISTRATION = (
    "api-key:",
    "audit-log:",
    "auth-configuration:",
    "identity-provider:",
    "mfa:",
    "platform:",
    "role:",
    "secret-key:",
    "session:",
    "signing-key:",
    "tenant:",
    "user:",
)


def declared():
    """Every permission that a method of the protos asks for."""
    found = set()
    for api in APIS:
        for stub in (name for name in api.__all__ if name.endswith("ServiceStub")):
            service = f"{api.__name__}.{stub.removesuffix('Stub')}"
            for method in descriptor_pool.Default().FindServiceByName(service).methods:
                found.add(policy_of(f"/{service}/{method.name}").permission)
    return found - {""}


EXISTING = declared() | ASKED_INSIDE


async def roles(auth):
    return {name: set(held) for name, held in await auth.execute("SELECT name, permissions FROM roles")}


def granted(held):
    identity = Identity(permissions=frozenset(held))
    return {permission for permission in EXISTING if identity.may(permission)}


async def permissions_of(auth, user_id, session_id="", *, stub=None):
    request = GetUserPermissionsRequest(user_id=str(user_id), session_id=str(session_id))
    return await (stub or auth.as_service()).GetUserPermissions(request)


async def allowed(auth, user_id, permission):
    resource, action = permission.split(":")
    request = CheckPermissionRequest(user_id=str(user_id), resource=resource, action=action)
    return (await auth.as_service().CheckPermission(request)).allowed


async def test_the_protos_ask_for_permissions_at_all():
    assert {"vm:create", "vm:read", "node:drain", "saga:read", "user:read", "metrics:read"} <= declared()


async def test_admin_is_granted_every_permission_that_exists(auth):
    assert granted((await roles(auth))["admin"]) == EXISTING


async def test_every_role_names_only_permissions_that_exist(auth):
    for name, held in (await roles(auth)).items():
        for entry in held - {"*:*"}:
            resource, action = entry.split(":")
            fits = {one for one in EXISTING if one == entry or (action == "*" and one.startswith(f"{resource}:"))}
            assert fits, f"{name} is granted {entry}, which nothing asks for"


async def test_the_roles_go_from_most_to_least(auth):
    held = {name: granted(permissions) for name, permissions in (await roles(auth)).items()}
    assert held["admin"] > held["operator"] > held["user"]
    assert held["operator"] > held["viewer"]
    assert held["operator"] == {one for one in EXISTING if not one.startswith(ADMINISTRATION)}
    assert held["user"] == {one for one in EXISTING if one.startswith("vm:")} | {
        "template:create",
        "template:read",
        "template:delete",
        "metrics:read",
    }
    assert held["viewer"] == {
        one for one in EXISTING if one.endswith(":read") and not one.startswith((*ADMINISTRATION, "breaker:", "saga:"))
    }


async def test_a_tenants_admin_runs_its_tenant_and_nothing_of_the_platform(auth):
    held = granted((await roles(auth))["tenant-admin"])
    assert {"user:create", "user:reset-password", "role:grant", "session:revoke", "mfa:reset", "audit-log:read"} <= held
    assert {one for one in held if one.startswith("tenant:")} == {"tenant:read"}
    assert not {one for one in held if one.startswith(("signing-key:", "secret-key:", "saga:", "breaker:"))}
    of_the_platform = {one for one in held if one.startswith(("node:", "provider:", "reservation:", "service:"))}
    assert all(one.endswith(":read") for one in of_the_platform)


async def test_a_tenants_admin_may_make_its_users_and_viewers_and_no_operators(auth):
    held = {name: frozenset(permissions) for name, permissions in (await roles(auth)).items()}
    given = {name for name, permissions in held.items() if covers(held["tenant-admin"], permissions)}
    assert given == {"tenant-admin", "user", "viewer"}


async def test_only_admin_looks_past_its_tenant(auth):
    holders = [name for name, held in (await roles(auth)).items() if "tenant:any" in granted(held)]
    assert holders == ["admin"]


@pytest.mark.parametrize("role", list(Role))
async def test_both_rpcs_agree_on_every_permission_of_every_role(auth, role):
    account = await auth.user(role=role)
    answer = await permissions_of(auth, account.user_id)
    assert list(answer.roles) == [role.value]
    assert answer.tenant_id == str(account.tenant_id)
    held = granted(answer.permissions)
    asked = [one for one in sorted(EXISTING) if "*" not in one]
    assert {one for one in asked if await allowed(auth, account.user_id, one)} == held
    assert await allowed(auth, account.user_id, "moon:land") == (role is Role.ADMIN)


async def test_a_granted_role_adds_to_the_users_own(auth):
    account = await auth.user(role=Role.VIEWER)
    await auth.execute(
        "INSERT INTO roles (name, permissions) VALUES ('drainer', '[\"node:drain\"]'), ('empty', '[]')",
    )
    await auth.execute(
        "INSERT INTO user_roles (user_id, role_id) SELECT %s, id FROM roles WHERE name IN ('drainer', 'empty')",
        account.user_id,
    )
    answer = await permissions_of(auth, account.user_id)
    assert list(answer.roles) == ["drainer", "empty", "viewer"]
    assert {"node:drain", "vm:read"} <= set(answer.permissions)
    assert await allowed(auth, account.user_id, "node:drain")


async def test_a_session_that_asks_has_to_be_a_live_one_of_that_user(auth):
    alice, bob = await auth.user("alice"), await auth.user("bob")
    session = (await auth.tokens.verify((await auth.login()).access_token)).subject.session_id
    assert (await permissions_of(auth, alice.user_id, session)).permissions
    for user, named in [(bob, session), (alice, uuid4())]:
        with pytest.raises(Unauthenticated):
            await permissions_of(auth, user.user_id, named)
    await auth.revoke(alice, session)
    with pytest.raises(Unauthenticated):
        await permissions_of(auth, alice.user_id, session)
    assert (await permissions_of(auth, alice.user_id)).permissions, "without a session the user still exists"


async def test_a_user_that_is_unknown_disabled_or_of_another_tenant_is_not_found_to_the_byte(auth):
    await auth.user("reader", Role.VIEWER)
    await auth.execute("INSERT INTO roles (name, permissions) VALUES ('support', '[\"user:read\"]')")
    await auth.execute("INSERT INTO user_roles SELECT u.id, r.id FROM users u, roles r WHERE r.name = 'support'")
    reader = auth.as_user((await auth.login("reader")).access_token)
    neighbour = await auth.user("neighbour")
    assert (await permissions_of(auth, neighbour.user_id, stub=reader)).tenant_id == str(neighbour.tenant_id)

    foreign, disabled, unknown = await auth.user("foreign", tenant="other"), await auth.user("disabled"), uuid4()
    await auth.execute("UPDATE users SET disabled_at = now() WHERE id = %s", disabled.user_id)
    said = set()
    for user_id in (foreign.user_id, disabled.user_id, unknown):
        request = CheckPermissionRequest(user_id=str(user_id), resource="vm", action="read")
        for call in (permissions_of(auth, user_id, stub=reader), reader.CheckPermission(request)):
            with pytest.raises(NotFound) as caught:
                await call
            said.add(to_status(caught.value).SerializeToString().replace(str(user_id).encode(), b"<id>"))
    assert len(said) == 1


async def test_an_admin_sees_users_of_every_tenant(auth):
    await auth.user("root", Role.ADMIN)
    foreign = await auth.user("foreign", tenant="other")
    admin = auth.as_user((await auth.login("root")).access_token)
    assert (await permissions_of(auth, foreign.user_id, stub=admin)).tenant_id == str(foreign.tenant_id)


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.USER, Role.VIEWER])
async def test_who_may_not_read_users_learns_nothing_not_even_of_a_bad_id(auth, role):
    account = await auth.user(role=role)
    stub = auth.as_user((await auth.login()).access_token)
    for user_id in (str(account.user_id), str(uuid4()), "not-an-id"):
        with pytest.raises(PermissionDenied, match="needs user:read"):
            await stub.GetUserPermissions(GetUserPermissionsRequest(user_id=user_id))
        with pytest.raises(PermissionDenied, match="needs user:read"):
            await stub.CheckPermission(CheckPermissionRequest(user_id=user_id, resource="vm", action="read"))


async def test_an_agent_may_not_ask_what_users_may_do(auth):
    with pytest.raises(PermissionDenied, match="agent may not call"):
        await auth.as_service("agent/node-1").GetUserPermissions(GetUserPermissionsRequest(user_id=str(uuid4())))


@pytest.mark.parametrize(
    ("field", "request_"),
    [
        ("user_id", CheckPermissionRequest(user_id="7", resource="vm", action="read")),
        ("resource", CheckPermissionRequest(user_id=str(uuid4()), resource="*", action="read")),
        ("resource", CheckPermissionRequest(user_id=str(uuid4()), resource="x" * 64, action="read")),
        ("action", CheckPermissionRequest(user_id=str(uuid4()), resource="vm", action="read:all")),
        ("action", CheckPermissionRequest(user_id=str(uuid4()), resource="vm")),
    ],
)
async def test_a_question_that_is_none_is_answered_with_its_field(auth, field, request_):
    with pytest.raises(InvalidArgument) as caught:
        await auth.as_service().CheckPermission(request_)
    assert [one.field for one in caught.value.violations] == [field]


@pytest.mark.parametrize(
    "bad", ['"*:*"', '{"vm": "read"}', '["vm"]', '["vm:read:x"]', '["VM:read"]', "[1]", '["vm:read", null]']
)
async def test_the_database_refuses_permissions_that_could_be_misread(auth, bad):
    with pytest.raises(psycopg.errors.CheckViolation):
        await auth.execute("INSERT INTO roles (name, permissions) VALUES ('bad', %s::jsonb)", bad)


async def test_names_are_unique_in_their_tenant_in_any_case(auth):
    await auth.user("alice")
    await auth.user("alice", tenant="other")
    for name in ("Alice", "ALICE"):
        with pytest.raises(AlreadyExists):
            await auth.user(name)


def test_every_wildcard_of_the_rule_grants_what_it_says_and_no_more():
    permissions = ["vm:read", "vm:create", "node:read"]
    for held, permission in itertools.product(["vm:read", "vm:*", "*:read", "*:*"], permissions):
        resource, action = held.split(":")
        expected = resource in ("*", permission.split(":")[0]) and action in ("*", permission.split(":")[1])
        assert Identity(permissions=frozenset([held])).may(permission) == expected
