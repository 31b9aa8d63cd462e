"""Roles as tenants make them: what they may hold, who may make them, and how soon a change holds."""

import asyncio
from uuid import uuid4

import pytest

from novacron.api.auth.v1 import (
    CreateRoleRequest,
    DeleteRoleRequest,
    GetRoleRequest,
    ListPermissionsRequest,
    ListRoleGrantsRequest,
    ListRolesRequest,
    RoleServiceStub,
    UpdateRoleRequest,
)
from novacron.errors import (
    AlreadyExists,
    Conflict,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionDenied,
)
from novacron.rpc import Identity
from novacron_auth.roles import catalog
from novacron_auth.users.account import Role

from .role_callers import admin, grant, role_id, tenant_admin


async def create(roles, name="drainer", permissions=("vm:read",), **more):
    return await roles.CreateRole(CreateRoleRequest(name=name, permissions=permissions, **more))


async def test_a_role_is_made_read_changed_and_deleted(auth):
    roles = await tenant_admin(auth)
    made = await create(roles, description="VMs, to look at", mfa_required=True)
    assert (made.name, list(made.permissions), made.mfa_required) == ("drainer", ["vm:read"], True)
    assert made.tenant_id == str(await auth.tenant())
    for named in (made.role_id, "drainer"):
        assert await roles.GetRole(GetRoleRequest(role=named)) == made
    changed = await roles.UpdateRole(UpdateRoleRequest(role_id=made.role_id, permissions=["vm:*"], etag=made.etag))
    assert (list(changed.permissions), changed.description) == (["vm:*"], "VMs, to look at")
    assert changed.etag != made.etag
    await roles.DeleteRole(DeleteRoleRequest(role_id=made.role_id))
    with pytest.raises(NotFound):
        await roles.GetRole(GetRoleRequest(role=made.role_id))
    told = await auth.execute(
        "SELECT action, metadata->>'role' FROM auth_audit_log WHERE action LIKE 'role.%%' ORDER BY sequence"
    )
    assert told == [("role.create", "drainer"), ("role.update", "drainer"), ("role.delete", "drainer")]


async def test_the_same_role_again_is_the_same_role_and_other_contents_are_refused(auth):
    roles, chosen = await tenant_admin(auth), str(uuid4())
    made = await create(roles, role_id=chosen)
    assert await create(roles, role_id=chosen) == made
    with pytest.raises(AlreadyExists, match="role_id: another role has this id"):
        await create(roles, "other", role_id=chosen)
    with pytest.raises(AlreadyExists, match="name: the tenant has a role named drainer"):
        await create(roles)


@pytest.mark.parametrize("name", ["admin", "operator", "viewer", "tenant-admin"])
async def test_a_tenants_role_never_has_the_name_of_a_platforms(auth, name):
    with pytest.raises(AlreadyExists, match="platform's own"):
        await create(await tenant_admin(auth), name)


async def test_of_two_who_make_a_role_of_one_name_one_succeeds(auth):
    roles = await tenant_admin(auth)
    came = await asyncio.gather(*(create(roles) for _ in range(6)), return_exceptions=True)
    assert sum(isinstance(one, AlreadyExists) for one in came) == 5


@pytest.mark.parametrize("permissions", [["*:*"], ["saga:read"], ["vm:read", "node:drain"], ["*:read"], ["tenant:any"]])
async def test_nobody_makes_a_role_that_may_more_than_they(auth, permissions):
    roles = await tenant_admin(auth)
    with pytest.raises(PermissionDenied, match="may do more than you"):
        await create(roles, permissions=permissions)
    made = await create(roles)
    with pytest.raises(PermissionDenied, match="may do more than you"):
        await roles.UpdateRole(UpdateRoleRequest(role_id=made.role_id, permissions=permissions))


async def test_nobody_takes_from_a_role_what_they_could_not_give(auth):
    platform, roles = await admin(auth), await tenant_admin(auth)
    made = await create(platform, permissions=["saga:read"])
    for narrowed in (UpdateRoleRequest(role_id=made.role_id, permissions=["vm:read"]), None):
        with pytest.raises(PermissionDenied, match="may do more than you"):
            await (
                roles.UpdateRole(narrowed) if narrowed else roles.DeleteRole(DeleteRoleRequest(role_id=made.role_id))
            )


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (CreateRoleRequest(name="Bad Name"), "name"),
        (CreateRoleRequest(name="x" * 64), "name"),
        (CreateRoleRequest(name="ok", permissions=["vm"]), "permissions[0]"),
        (CreateRoleRequest(name="ok", permissions=["vm:read", "vm:read"]), "permissions"),
        (CreateRoleRequest(name="ok", permissions=["vm:raed"]), "permissions"),
        (CreateRoleRequest(name="ok", permissions=["moon:*"]), "permissions"),
        (CreateRoleRequest(name="ok", tenant_id="7"), "tenant_id"),
    ],
)
async def test_what_is_no_role_is_refused_at_its_field(auth, request_, field):
    with pytest.raises(InvalidArgument) as caught:
        await (await admin(auth)).CreateRole(request_)
    assert [one.field for one in caught.value.violations] == [field]


async def test_a_misspelt_permission_is_told_with_where_to_look(auth):
    with pytest.raises(InvalidArgument, match="nothing asks for vm:raed: `novacron role permissions` lists"):
        await create(await admin(auth), permissions=["vm:read", "vm:raed"])


async def test_the_platforms_roles_are_nobodys_to_change(auth):
    roles = await admin(auth)
    viewer = await role_id(auth, "viewer")
    with pytest.raises(FailedPrecondition, match="nobody changes"):
        await roles.UpdateRole(UpdateRoleRequest(role_id=viewer, description="mine"))
    with pytest.raises(FailedPrecondition, match="nobody changes"):
        await roles.DeleteRole(DeleteRoleRequest(role_id=viewer))


async def test_an_update_of_what_somebody_else_changed_is_refused(auth):
    roles = await tenant_admin(auth)
    made = await create(roles)
    await roles.UpdateRole(UpdateRoleRequest(role_id=made.role_id, description="first", etag=made.etag))
    with pytest.raises(Conflict, match="read it again"):
        await roles.UpdateRole(UpdateRoleRequest(role_id=made.role_id, description="second", etag=made.etag))


async def test_a_mask_can_empty_a_field_and_names_only_what_can_be_changed(auth):
    roles = await tenant_admin(auth)
    made = await create(roles, description="long")
    request = UpdateRoleRequest(role_id=made.role_id, update_mask={"paths": ["description", "permissions"]})
    changed = await roles.UpdateRole(request)
    assert (changed.description, list(changed.permissions)) == ("", [])
    with pytest.raises(InvalidArgument, match="it may name description, permissions, mfa_required"):
        await roles.UpdateRole(UpdateRoleRequest(role_id=made.role_id, update_mask={"paths": ["name"]}))


async def test_another_tenants_role_does_not_exist_to_the_byte(auth):
    foreign = await create(await tenant_admin(auth, "boss", tenant="other"))
    roles = await tenant_admin(auth)
    for request, call in (
        (GetRoleRequest, lambda one: roles.GetRole(GetRoleRequest(role=one))),
        (UpdateRoleRequest, lambda one: roles.UpdateRole(UpdateRoleRequest(role_id=one, description="x"))),
        (DeleteRoleRequest, lambda one: roles.DeleteRole(DeleteRoleRequest(role_id=one))),
    ):
        said = set()
        for one in (foreign.role_id, str(uuid4())):
            with pytest.raises(NotFound) as caught:
                await call(one)
            said.add(str(caught.value).replace(one, "ID"))
        assert len(said) == 1, request
    assert foreign.role_id not in {one.role_id for one in (await roles.ListRoles(ListRolesRequest())).roles}
    with pytest.raises(NotFound):
        await create(roles, tenant_id=foreign.tenant_id)


async def test_a_list_goes_by_name_page_by_page_and_takes_a_filter(auth):
    roles = await tenant_admin(auth)
    for name in ("zeta", "alpha"):
        await create(roles, name)
    seen, token = [], ""
    while True:
        page = await roles.ListRoles(ListRolesRequest(page_size=2, page_token=token))
        seen += [one.name for one in page.roles]
        if not (token := page.next_page_token):
            break
    assert seen == ["admin", "alpha", "operator", "tenant-admin", "user", "viewer", "zeta"]
    found = await roles.ListRoles(ListRolesRequest(filter='name = "*eta"'))
    assert [one.name for one in found.roles] == ["zeta"]
    with pytest.raises(InvalidArgument, match="fields are name, tenant_id"):
        await roles.ListRoles(ListRolesRequest(filter="colour = red"))


async def test_a_changed_role_holds_with_the_next_call(auth):
    roles = await tenant_admin(auth)
    made = await create(roles, permissions=["role:read"])
    await auth.user("carol", Role.VIEWER)
    await grant(roles, auth, "carol", made.role_id)
    carol = auth.as_user((await auth.login("carol")).access_token, RoleServiceStub)
    await carol.ListRoles(ListRolesRequest())
    await roles.UpdateRole(UpdateRoleRequest(role_id=made.role_id, permissions=["vm:read"]))
    with pytest.raises(PermissionDenied, match="needs role:read"):
        await carol.ListRoles(ListRolesRequest())


async def test_a_deleted_role_is_taken_from_everybody(auth):
    roles = await tenant_admin(auth)
    made = await create(roles)
    await auth.user("carol")
    await grant(roles, auth, "carol", made.role_id)
    await roles.DeleteRole(DeleteRoleRequest(role_id=made.role_id))
    assert not (await roles.ListRoleGrants(ListRoleGrantsRequest(role_id=made.role_id))).role_grants


async def test_the_catalog_is_every_permission_that_a_method_asks_for_and_those_asked_inside(auth):
    await auth.user("carol", Role.VIEWER)
    listed = await auth.as_user((await auth.login("carol")).access_token, RoleServiceStub).ListPermissions(
        ListPermissionsRequest()
    )
    assert list(listed.permissions) == sorted(set(catalog.permissions()))
    assert {"vm:create", "node:drain", "role:grant", "tenant:any", "api-key:read", "breaker:read"} <= set(
        listed.permissions
    )
    everything = Identity(permissions=frozenset(("*:*",)))
    assert all(everything.may(one) for one in listed.permissions)
