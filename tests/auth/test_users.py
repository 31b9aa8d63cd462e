"""Administering users and tenants: who may, whom they reach, and what is told of what they do not."""

import asyncio
from uuid import uuid4

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from novacron.api.auth.v1 import (
    USER_ROLE_ADMIN,
    USER_ROLE_OPERATOR,
    USER_ROLE_USER,
    USER_ROLE_VIEWER,
    CreateTenantRequest,
    CreateUserRequest,
    DeleteTenantRequest,
    DeleteUserRequest,
    DisableTenantRequest,
    DisableUserRequest,
    EnableTenantRequest,
    EnableUserRequest,
    GetTenantRequest,
    GetUserRequest,
    ListTenantsRequest,
    ListUsersRequest,
    ResetPasswordRequest,
    TenantServiceStub,
    UnlockUserRequest,
    UpdateTenantRequest,
    UpdateUserRequest,
    UserServiceStub,
)
from novacron.errors import (
    AlreadyExists,
    Conflict,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    Unauthenticated,
)
from novacron_auth.users.account import Role

GOOD = "a good password of mine"


@pytest.fixture
async def admin(auth):
    """The platform's admin's stub."""
    await auth.user("root", Role.ADMIN)
    return auth.as_user((await auth.login("root")).access_token, UserServiceStub)


@pytest.fixture
async def tenants(auth):
    await auth.user("landlord", Role.ADMIN)
    return auth.as_user((await auth.login("landlord")).access_token, TenantServiceStub)


@pytest.fixture
async def tenant_admin(auth):
    """The stub of who runs the tenant `acme`, and nothing else."""
    account = await auth.user("boss", tenant="acme")
    await auth.execute(
        "INSERT INTO user_roles SELECT %s, id FROM roles WHERE name = 'tenant-admin'",
        account.user_id,
    )
    return auth.as_user((await auth.login("boss", tenant="acme")).access_token, UserServiceStub)


def new(username="carol", **more):
    return CreateUserRequest(**{"username": username, "email": f"{username}@example.org", "password": GOOD, **more})


def fields(caught):
    return [one.field for one in caught.value.violations]


async def test_a_user_that_was_made_can_log_in_and_is_what_was_asked_for(auth, admin):
    made = await admin.CreateUser(new(role=USER_ROLE_OPERATOR))
    assert (made.username, made.email, made.role) == ("carol", "carol@example.org", USER_ROLE_OPERATOR)
    assert await admin.GetUser(GetUserRequest(user="CAROL")) == made
    assert await admin.GetUser(GetUserRequest(user=made.user_id)) == made
    assert (await auth.login("carol", GOOD)).user.user_id == made.user_id
    ((metadata,),) = await auth.execute("SELECT metadata FROM auth_audit_log WHERE action = 'user.create'")
    assert metadata == {"target_user_id": made.user_id, "username": "carol", "role": "operator"}


async def test_the_same_id_again_is_the_same_user_and_with_other_contents_it_is_refused(auth, admin):
    user_id = str(uuid4())
    made = [await admin.CreateUser(new(user_id=user_id)) for _ in range(2)]
    assert made[0] == made[1]
    for other in (new("dave", user_id=user_id), new(user_id=user_id, password="another good password")):
        with pytest.raises(AlreadyExists) as caught:
            await admin.CreateUser(other)
        assert fields(caught) == ["user_id"]
    assert await auth.execute("SELECT count(*) FROM auth_audit_log WHERE action = 'user.create'") == [(1,)]


async def test_a_taken_name_or_address_is_named_whatever_its_case_and_one_of_many_at_once_wins(auth, admin):
    await admin.CreateUser(new())
    for request, field in (
        (new("CAROL", email="x@y.z"), "username"),
        (new("dora", email="Carol@Example.org"), "email"),
    ):
        with pytest.raises(AlreadyExists) as caught:
            await admin.CreateUser(request)
        assert fields(caught) == [field]
    results = await asyncio.gather(
        *(admin.CreateUser(new("eve"), timeout=30) for _ in range(8)), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["AlreadyExists"] * 7 + ["User"]


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"username": " carol"}, "username", "a space"),
        ({"username": "ca\u200brol"}, "username", "cannot be seen"),
        ({"email": "nobody"}, "email", "such as alice@example.org"),
        ({"email": "a b@example.org"}, "email", "such as"),
        ({"password": "short"}, "password", "at least 8 are needed, 15 are advised"),
        ({"password": "x" * 1025}, "password", "at most 1024"),
        ({"password": "Sunshine"}, "password", "everybody tries first"),
        ({"password": "trustno1!!"}, "password", "everybody tries first"),
        ({"password": "abababababab"}, "password", "same few characters"),
        ({"username": "carol-the-great", "password": "Carol-the-great"}, "password", "own name"),
    ],
)
async def test_what_makes_no_user_is_refused_with_its_field(auth, admin, change, field, said):
    with pytest.raises(InvalidArgument, match=said) as caught:
        await admin.CreateUser(new(**change))
    assert field in fields(caught)
    assert await auth.execute("SELECT count(*) FROM users WHERE username <> 'root'") == [(0,)]


@pytest.mark.parametrize(
    "password", ["ü" * 3 + "bcdef", "just letters", "12 34 56 78", "🐎🔋🧷✅🐎🔋🧷✅", "y" + "x1" * 511 + "z"]
)
async def test_a_password_needs_length_and_no_kinds_of_characters(admin, password):
    await admin.CreateUser(new(password=password))


async def test_a_list_is_paged_by_key_and_filtered(auth, admin):
    names = [f"user{number:02}" for number in range(25)]
    for name in names:
        await auth.user(name, Role.VIEWER if name.endswith("5") else Role.USER)
    found, token = [], ""
    while True:
        page = await admin.ListUsers(ListUsersRequest(page_size=10, page_token=token, filter='username = "USER*"'))
        found += [user.username for user in page.users]
        token = page.next_page_token
        if not token:
            break
    assert found == names
    viewers = await admin.ListUsers(ListUsersRequest(filter="role = viewer AND disabled = false"))
    assert [user.username for user in viewers.users] == ["user05", "user15"]
    page = await admin.ListUsers(ListUsersRequest(page_size=10))
    with pytest.raises(InvalidArgument, match="not a token of this list"):
        await admin.ListUsers(ListUsersRequest(page_token=page.next_page_token, filter="role = user"))
    with pytest.raises(InvalidArgument, match="no field 'password_hash'"):
        await admin.ListUsers(ListUsersRequest(filter="password_hash = x"))


async def test_an_update_changes_what_its_mask_names_and_loses_a_race_by_its_etag(auth, admin):
    made = await admin.CreateUser(new())
    request = UpdateUserRequest(user_id=made.user_id, email="new@example.org", etag=made.etag)
    changed = await admin.UpdateUser(request)
    assert (changed.username, changed.email) == ("carol", "new@example.org")
    with pytest.raises(Conflict, match="read it again"):
        await admin.UpdateUser(request)
    masked = UpdateUserRequest(
        user_id=made.user_id, username="x", role=USER_ROLE_VIEWER, update_mask=FieldMask(paths=["role"])
    )
    assert (await admin.UpdateUser(masked)).username == "carol"
    assert (await admin.GetUser(GetUserRequest(user="carol"))).role == USER_ROLE_VIEWER
    await admin.CreateUser(new("dave"))
    with pytest.raises(AlreadyExists) as caught:
        await admin.UpdateUser(UpdateUserRequest(user_id=made.user_id, username="Dave"))
    assert fields(caught) == ["username"]
    for paths in (["password_hash"], ["role"]):
        with pytest.raises(InvalidArgument):
            await admin.UpdateUser(UpdateUserRequest(user_id=made.user_id, update_mask=FieldMask(paths=paths)))


async def test_a_disabled_user_is_out_at_once_and_in_again_when_enabled(auth, admin):
    account = await auth.user("carol")
    token = (await auth.login("carol")).access_token
    user_id = str(account.user_id)
    disabled = await admin.DisableUser(DisableUserRequest(user_id=user_id))
    assert disabled.disabled_at.seconds
    with pytest.raises(Unauthenticated):
        await auth.login("carol")
    with pytest.raises(Unauthenticated):
        await auth.tokens_of(token)
    assert await admin.DisableUser(DisableUserRequest(user_id=user_id)) == disabled
    await admin.EnableUser(EnableUserRequest(user_id=user_id))
    await auth.login("carol")


async def test_a_deleted_user_is_gone_and_its_history_stays(auth, admin):
    account = await auth.user("carol")
    await auth.login("carol")
    await admin.DeleteUser(DeleteUserRequest(user_id=str(account.user_id)))
    assert await auth.execute("SELECT count(*) FROM user_sessions WHERE user_id = %s", account.user_id) == [(0,)]
    assert await auth.execute("SELECT count(*) FROM auth_audit_log WHERE user_id = %s", account.user_id) == [(1,)]
    with pytest.raises(NotFound):
        await admin.GetUser(GetUserRequest(user=str(account.user_id)))
    assert await auth.audit.verify(account.tenant_id) is None


async def test_the_last_admin_stays_however_many_try_to_remove_each_other_at_once(auth, admin):
    others = [await auth.user(f"admin{number}", Role.ADMIN) for number in range(5)]
    root = await admin.GetUser(GetUserRequest(user="root"))
    stubs = [auth.as_user((await auth.login(one.username)).access_token, UserServiceStub) for one in others]
    everybody = [*(str(one.user_id) for one in others), root.user_id]
    victims = [*everybody[1:], everybody[0]]
    results = await asyncio.gather(
        *(
            stub.DisableUser(DisableUserRequest(user_id=victim), timeout=30)
            for stub, victim in zip([*stubs, admin], victims, strict=True)
        ),
        return_exceptions=True,
    )
    left = await auth.execute("SELECT count(*) FROM users WHERE role = 'admin' AND disabled_at IS NULL")
    assert left[0][0] >= 1
    assert {type(one).__name__ for one in results} <= {"User", "FailedPrecondition", "Unauthenticated"}


@pytest.mark.parametrize("how", ["disable", "delete", "demote", "disable the tenant"])
async def test_nobody_leaves_the_platform_without_an_admin(auth, admin, how):
    root = await admin.GetUser(GetUserRequest(user="root"))
    tenants = auth.as_user((await auth.login("root")).access_token, TenantServiceStub)
    calls = {
        "disable": lambda: admin.DisableUser(DisableUserRequest(user_id=root.user_id)),
        "delete": lambda: admin.DeleteUser(DeleteUserRequest(user_id=root.user_id)),
        "demote": lambda: admin.UpdateUser(UpdateUserRequest(user_id=root.user_id, role=USER_ROLE_USER)),
        "disable the tenant": lambda: tenants.DisableTenant(DisableTenantRequest(tenant_id=root.tenant_id)),
    }
    with pytest.raises(FailedPrecondition, match="make another admin first"):
        await calls[how]()
    assert (await admin.GetUser(GetUserRequest(user="root"))).etag == root.etag


async def test_who_runs_a_tenant_gives_nothing_and_touches_nobody_above_itself(auth, tenant_admin):
    made = await tenant_admin.CreateUser(new(role=USER_ROLE_USER))
    for role in (USER_ROLE_ADMIN, USER_ROLE_OPERATOR):
        with pytest.raises(PermissionDenied, match="may do more than you"):
            await tenant_admin.CreateUser(new("mallory", role=role))
        with pytest.raises(PermissionDenied, match="may do more than you"):
            await tenant_admin.UpdateUser(UpdateUserRequest(user_id=made.user_id, role=role))
    above = await auth.user("root", Role.ADMIN, tenant="acme")
    user_id = str(above.user_id)
    for call in (
        tenant_admin.ResetPassword(ResetPasswordRequest(user_id=user_id, new_password=GOOD)),
        tenant_admin.DisableUser(DisableUserRequest(user_id=user_id)),
        tenant_admin.DeleteUser(DeleteUserRequest(user_id=user_id)),
        tenant_admin.UpdateUser(UpdateUserRequest(user_id=user_id, email="mine@example.org")),
    ):
        with pytest.raises(PermissionDenied, match="may do more than you"):
            await call
    await auth.login("root", tenant="acme")


async def test_another_tenants_user_does_not_exist_to_the_byte(auth, tenant_admin):
    foreign, unknown = str((await auth.user("foreign")).user_id), str(uuid4())
    said = set()
    for user_id in (foreign, unknown):
        for call in (
            tenant_admin.GetUser(GetUserRequest(user=user_id)),
            tenant_admin.UpdateUser(UpdateUserRequest(user_id=user_id, email="x@example.org")),
            tenant_admin.DisableUser(DisableUserRequest(user_id=user_id)),
            tenant_admin.UnlockUser(UnlockUserRequest(user_id=user_id)),
            tenant_admin.DeleteUser(DeleteUserRequest(user_id=user_id)),
            tenant_admin.ResetPassword(ResetPasswordRequest(user_id=user_id, new_password=GOOD)),
        ):
            with pytest.raises(NotFound) as caught:
                await call
            said.add((caught.value.message.replace(user_id, "<id>"), tuple(sorted(caught.value.metadata))))
    assert len(said) == 1
    listed = await tenant_admin.ListUsers(ListUsersRequest())
    assert [user.username for user in listed.users] == ["boss"]
    with pytest.raises(NotFound):
        await tenant_admin.CreateUser(new(tenant_id=str((await auth.user("other")).tenant_id)))
    # A foreign user's id is taken, and that is told as any other taken id would be.
    with pytest.raises(AlreadyExists):
        await tenant_admin.CreateUser(new(user_id=foreign))


async def test_a_tenant_is_made_listed_renamed_disabled_and_deleted(auth, tenants):
    tenant_id = str(uuid4())
    made = [await tenants.CreateTenant(CreateTenantRequest(tenant_id=tenant_id, name="acme")) for _ in range(2)]
    assert made[0] == made[1]
    for request, field in (
        (CreateTenantRequest(tenant_id=tenant_id, name="other"), "tenant_id"),
        (CreateTenantRequest(name="acme"), "name"),
    ):
        with pytest.raises(AlreadyExists) as caught:
            await tenants.CreateTenant(request)
        assert fields(caught) == [field]
    renamed = await tenants.UpdateTenant(
        UpdateTenantRequest(tenant_id=tenant_id, display_name="Acme", etag=made[0].etag)
    )
    assert renamed.display_name == "Acme"
    with pytest.raises(Conflict):
        await tenants.UpdateTenant(UpdateTenantRequest(tenant_id=tenant_id, display_name="Acmé", etag=made[0].etag))
    listed = await tenants.ListTenants(ListTenantsRequest(filter='name = "acme" AND disabled = false'))
    assert list(listed.tenants) == [renamed]

    await auth.user("alice", tenant="acme")
    await tenants.DisableTenant(DisableTenantRequest(tenant_id=tenant_id))
    with pytest.raises(Unauthenticated):
        await auth.login(tenant="acme")
    await tenants.EnableTenant(EnableTenantRequest(tenant_id=tenant_id))
    await auth.login(tenant="acme")
    with pytest.raises(FailedPrecondition, match="still has users"):
        await tenants.DeleteTenant(DeleteTenantRequest(tenant_id=tenant_id))
    await auth.execute("DELETE FROM users WHERE tenant_id = %s", tenant_id)
    await tenants.DeleteTenant(DeleteTenantRequest(tenant_id=tenant_id))
    with pytest.raises(NotFound):
        await tenants.GetTenant(GetTenantRequest(tenant="acme"))


async def test_a_page_of_many_users_costs_what_it_costs_of_few(auth, admin):
    tenant_id = await auth.tenant()
    await auth.execute(
        """
        INSERT INTO users (id, tenant_id, username, username_folded, email, email_folded, created_at)
        SELECT gen_random_uuid(), %s, 'u' || n, 'u' || n, 'u' || n, 'u' || n, now() + n * interval '1 ms'
          FROM generate_series(1, 20000) n
        """,
        tenant_id,
    )
    await auth.execute("ANALYZE users")
    for condition in ("true", f"u.tenant_id = '{tenant_id}'"):
        plan = await auth.execute(
            f"EXPLAIN (ANALYZE, FORMAT JSON) SELECT u.id FROM users u WHERE {condition}"
            " AND (u.created_at, u.id) > (now() + interval '10 s', gen_random_uuid()) ORDER BY u.created_at, u.id LIMIT 51"
        )
        assert "Seq Scan" not in str(plan)
        assert "Sort" not in str(plan)
