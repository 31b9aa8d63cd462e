"""Who has which role: who may give it and take it, until when, and what cannot be taken away."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from novacron.api.auth.v1 import (
    CheckPermissionRequest,
    CreateRoleRequest,
    DisableUserRequest,
    GrantRoleRequest,
    ListRoleGrantsRequest,
    ListRolesRequest,
    RevokeRoleRequest,
    RoleServiceStub,
    UpdateUserRequest,
    UserServiceStub,
)
from novacron.errors import FailedPrecondition, InvalidArgument, NotFound, PermissionDenied
from novacron.testing.patience import eventually
from novacron_auth.users.account import Role

from .role_callers import admin, grant, role_id, tenant_admin, user_id


async def allowed(auth, username, permission):
    resource, action = permission.split(":")
    request = CheckPermissionRequest(user_id=await user_id(auth, username), resource=resource, action=action)
    return (await auth.as_service().CheckPermission(request)).allowed


async def revoke(roles, auth, username, role):
    return await roles.RevokeRole(RevokeRoleRequest(user_id=await user_id(auth, username), role_id=role))


def to_come(**delta):
    return datetime.now(UTC) + timedelta(**delta)


async def test_a_grant_says_who_gave_it_and_when_and_holds_at_once(auth):
    roles = await tenant_admin(auth)
    await auth.user("carol", Role.VIEWER)
    given = await grant(roles, auth, "carol", await role_id(auth, "user"))
    assert (given.role, given.granted_by) == ("user", await user_id(auth, "alice"))
    assert abs(given.granted_at.ToDatetime(UTC) - datetime.now(UTC)) < timedelta(minutes=1)
    assert await allowed(auth, "carol", "vm:create")
    await revoke(roles, auth, "carol", given.role_id)
    assert not await allowed(auth, "carol", "vm:create")
    told = await auth.execute(
        "SELECT action, metadata->>'role' FROM auth_audit_log WHERE metadata->>'target_user_id' = %s ORDER BY sequence",
        given.user_id,
    )
    assert told == [("role.grant", "user"), ("role.revoke", "user")]


async def test_the_same_grant_again_is_the_same_and_another_end_replaces_it(auth):
    roles = await tenant_admin(auth)
    await auth.user("carol")
    viewer, later = await role_id(auth, "viewer"), to_come(hours=1)
    first = await grant(roles, auth, "carol", viewer, expires_at=later)
    assert await grant(roles, auth, "carol", viewer, expires_at=later) == first
    forever = await grant(roles, auth, "carol", viewer)
    assert not forever.HasField("expires_at")
    await revoke(roles, auth, "carol", viewer)
    await revoke(roles, auth, "carol", viewer)


async def test_a_grant_ends_by_itself_and_every_service_is_told(auth, redis):
    roles = await tenant_admin(auth)
    await auth.user("carol", Role.VIEWER)
    carol = await user_id(auth, "carol")
    told = []

    class Bus:
        async def publish(self, *tags):
            told.extend(tags)

    expired = auth.expired_grants
    expired._bus = Bus()
    await expired.turn()
    await grant(roles, auth, "carol", await role_id(auth, "user"), expires_at=to_come(seconds=0.5))
    assert await allowed(auth, "carol", "vm:create")

    async def ended():
        await expired.turn()
        return f"user:{carol}" in told

    await eventually(ended)
    assert not await allowed(auth, "carol", "vm:create")
    assert not (await roles.ListRoleGrants(ListRoleGrantsRequest(user_id=carol))).role_grants
    await expired.turn()
    assert told == [f"user:{carol}"], "once is enough"


async def test_an_end_that_is_over_is_refused(auth):
    await auth.user("carol")
    with pytest.raises(InvalidArgument, match="is over already"):
        await grant(
            await tenant_admin(auth), auth, "carol", await role_id(auth, "viewer"), expires_at=to_come(hours=-1)
        )


@pytest.mark.parametrize("role", ["admin", "operator"])
async def test_a_tenants_admin_neither_gives_nor_takes_what_is_more_than_its_own(auth, role):
    roles = await tenant_admin(auth)
    await auth.user("carol")
    more = await role_id(auth, role)
    for who in ("carol", "alice"):
        with pytest.raises(PermissionDenied, match="may do more than you"):
            await grant(roles, auth, who, more)
    await grant(await admin(auth), auth, "carol", more)
    with pytest.raises(PermissionDenied, match="may do more than you"):
        await revoke(roles, auth, "carol", more)


async def test_a_user_or_a_role_of_another_tenant_does_not_exist_to_the_byte(auth):
    boss = await tenant_admin(auth, "boss", tenant="other")
    await auth.user("dave", tenant="other")
    await auth.user("carol")
    roles = await tenant_admin(auth)
    viewer, theirs = await role_id(auth, "viewer"), await boss.CreateRole(CreateRoleRequest(name="theirs"))
    dave, carol = await user_id(auth, "dave"), await user_id(auth, "carol")
    for pairs in (((dave, viewer), (str(uuid4()), viewer)), ((carol, theirs.role_id), (carol, str(uuid4())))):
        for call, request in ((roles.GrantRole, GrantRoleRequest), (roles.RevokeRole, RevokeRoleRequest)):
            said = set()
            for user, role in pairs:
                with pytest.raises(NotFound) as caught:
                    await call(request(user_id=user, role_id=role))
                said.add(str(caught.value).replace(user, "ID").replace(role, "ID"))
            assert len(said) == 1


async def test_not_even_a_platform_admin_gives_one_tenants_role_to_anothers_user(auth):
    theirs = await (await tenant_admin(auth, "boss", tenant="other")).CreateRole(CreateRoleRequest(name="theirs"))
    await auth.user("carol")
    with pytest.raises(InvalidArgument, match="another tenant's role"):
        await grant(await admin(auth), auth, "carol", theirs.role_id)


async def test_the_own_role_of_a_user_is_not_taken_by_a_revoke_that_seems_to(auth):
    await auth.user("carol", Role.VIEWER)
    with pytest.raises(FailedPrecondition, match="own role, which was not granted"):
        await revoke(await admin(auth), auth, "carol", await role_id(auth, "viewer"))


async def test_the_last_who_administers_the_platform_keeps_it(auth):
    """Whether by the role that every user has or by one granted; one that ends does not count."""
    roles = await admin(auth)
    await auth.user("carol")
    full = await role_id(auth, "admin")
    await grant(roles, auth, "carol", full)
    await auth.execute("UPDATE users SET role = 'user' WHERE username = 'root'")
    carol = auth.as_user((await auth.login("carol")).access_token, RoleServiceStub)
    for call in (revoke(carol, auth, "carol", full), grant(carol, auth, "carol", full, expires_at=to_come(hours=1))):
        with pytest.raises(FailedPrecondition, match="nobody would be left to administer the platform"):
            await call
    users = auth.as_user((await auth.login("carol")).access_token, UserServiceStub)
    with pytest.raises(FailedPrecondition, match="nobody would be left"):
        await users.DisableUser(DisableUserRequest(user_id=await user_id(auth, "carol")))
    await users.UpdateUser(UpdateUserRequest(user_id=await user_id(auth, "root"), role="USER_ROLE_ADMIN"))
    await revoke(carol, auth, "carol", full)


async def test_of_two_admins_who_take_each_others_role_one_succeeds(auth):
    full = await role_id(auth, "admin")
    stubs = {}
    for name in ("eve", "mallory"):
        await auth.user(name)
        await auth.execute("INSERT INTO user_roles SELECT u.id, %s FROM users u WHERE username = %s", full, name)
        stubs[name] = await admin(auth, name)
    others = {"eve": "mallory", "mallory": "eve"}
    came = await asyncio.gather(
        *(revoke(stubs[one], auth, other, full) for one, other in others.items()), return_exceptions=True
    )
    assert sum(isinstance(one, PermissionDenied) for one in came) == 1, came
    assert len(await auth.execute("SELECT 1 FROM user_roles WHERE role_id = %s", full)) == 1


async def test_who_lost_the_right_to_give_between_the_door_and_the_deed_gives_nothing(auth):
    """The lock is held by who takes it away: the giver was let in before, and reads anew when its turn comes."""
    roles = await tenant_admin(auth)
    await auth.user("carol", Role.VIEWER)
    usual = await role_id(auth, "user")
    async with auth.database.transaction() as connection:
        await auth.reach.hold_administrators(connection)
        giving = asyncio.create_task(grant(roles, auth, "carol", usual))
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        await eventually(lambda: _some(auth, waiting))
        await connection.execute("DELETE FROM user_roles")
    with pytest.raises(PermissionDenied, match="needs role:grant"):
        await giving
    assert not await allowed(auth, "carol", "vm:create")


async def _some(auth, statement):
    return (await auth.execute(statement))[0][0] > 0


async def test_grants_are_listed_oldest_first_page_by_page_within_the_tenant(auth):
    roles = await tenant_admin(auth)
    await auth.user("dave", tenant="other")
    boss = await tenant_admin(auth, "boss", tenant="other")
    await grant(boss, auth, "dave", await role_id(auth, "user"))
    for name in ("carol", "erin"):
        await auth.user(name)
        await grant(roles, auth, name, await role_id(auth, "viewer"))
    seen, token = [], ""
    while True:
        page = await roles.ListRoleGrants(ListRoleGrantsRequest(page_size=1, page_token=token))
        seen += [(one.user_id, one.role) for one in page.role_grants]
        if not (token := page.next_page_token):
            break
    names = {await user_id(auth, name): name for name in ("alice", "carol", "erin", "dave", "boss")}
    assert [(names[user], role) for user, role in seen] == [
        ("alice", "tenant-admin"),
        ("carol", "viewer"),
        ("erin", "viewer"),
    ]
    of_viewers = await roles.ListRoleGrants(ListRoleGrantsRequest(role_id=await role_id(auth, "viewer")))
    assert [names[one.user_id] for one in of_viewers.role_grants] == ["carol", "erin"]
    assert not (await roles.ListRoleGrants(ListRoleGrantsRequest(user_id=await user_id(auth, "dave")))).role_grants


@pytest.mark.parametrize(
    ("held", "asked", "expected"),
    [
        ("vm:*", "vm:create", True),
        ("*:read", "node:read", True),
        ("*:read", "node:drain", False),
        ("vm:read", "vm:readall", False),
        ("*:*", "anything:atall", True),
    ],
)
async def test_a_granted_wildcard_is_asked_about_right(auth, held, asked, expected):
    await auth.user("carol", Role.VIEWER)
    await auth.execute("INSERT INTO roles (name, permissions) VALUES ('wild', jsonb_build_array(%s::text))", held)
    await auth.execute("INSERT INTO user_roles SELECT u.id, r.id FROM users u, roles r WHERE r.name = 'wild'")
    assert await allowed(auth, "carol", asked) is expected


async def test_a_viewer_reads_no_roles(auth):
    await auth.user("carol", Role.VIEWER)
    carol = auth.as_user((await auth.login("carol")).access_token, RoleServiceStub)
    with pytest.raises(PermissionDenied, match="needs role:read"):
        await carol.ListRoles(ListRolesRequest())
