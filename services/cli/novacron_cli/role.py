"""``novacron role``."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from novacron_cli import quantities
from novacron_cli.connection import connect
from novacron_cli.failure import ExitCode, Refusal, told
from novacron_cli.options import FilterOption, IdOption, LimitOption
from novacron_cli.output import Columns, Output, OutputOption, as_json, say, write_data, write_list, write_one
from novacron_cli.words import when

if TYPE_CHECKING:
    from novacron_cli.connection import Connection

app = typer.Typer(no_args_is_help=True, help="Roles: what users may do, and who has which.")

RoleArgument = Annotated[str, typer.Argument(metavar="ROLE", help="Id or name of the role.")]
UserArgument = Annotated[str, typer.Argument(metavar="USER", help="Id, or name in your tenant.")]
PermissionsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--permission",
        "-p",
        metavar="RESOURCE:ACTION",
        help="What it may do, such as vm:read; * for any; may be repeated.",
    ),
]
MfaOption = Annotated[
    bool | None, typer.Option("--mfa/--no-mfa", help="Who has it needs a second factor.", show_default=False)
]


@app.command("list", epilog="Example:  novacron role list --filter 'name = \"vm-*\"'")
@told
async def list_roles(
    context: typer.Context, filter: FilterOption = "", limit: LimitOption = 0, output: OutputOption = Output.TABLE
) -> None:
    """List the platform's roles and those of your tenant, by name.

    Filters: name, tenant_id.
    """
    from novacron.api.auth.v1 import ListRolesRequest, RoleServiceStub
    from novacron_cli import finding

    async with connect(context) as connection:
        call = connection.of_auth(RoleServiceStub).ListRoles
        write_list(await finding.everything(call, ListRolesRequest(filter=filter), "roles", limit), _COLUMNS, output)


@app.command()
@told
async def show(context: typer.Context, role: RoleArgument, output: OutputOption = Output.TABLE) -> None:
    """Show one role, and who has it beside those whose own role it is."""
    from novacron.api.auth.v1 import ListRoleGrantsRequest, RoleServiceStub
    from novacron_cli import finding

    async with connect(context) as connection:
        held = await _get(connection, role)
        call = connection.of_auth(RoleServiceStub).ListRoleGrants
        grants = await finding.everything(call, ListRoleGrantsRequest(role_id=held.role_id), "role_grants")
        if output is not Output.TABLE:
            write_data({**as_json(held), "role_grants": [as_json(one) for one in grants]}, output)
            return
        write_one(held, _FIELDS, output)
        if grants:
            names = await _user_names(connection, {one.user_id for one in grants} | {one.granted_by for one in grants})
            sys.stdout.write("\n")
            write_list(grants, _grant_columns(names), output)


@app.command(epilog="Example:  novacron role create vm-reader -p vm:read -p template:read --description 'Looks at VMs'")
@told
async def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits, '_' and '-'; unique in the tenant.")],
    permission: PermissionsOption = None,
    description: Annotated[str, typer.Option(help="For people.")] = "",
    mfa: MfaOption = None,
    tenant: Annotated[str, typer.Option(metavar="TENANT", help="Id or name of its tenant. Default: yours.")] = "",
    id: IdOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Create a role of your tenant. It can do no more than you may; `novacron role permissions` lists what there is."""
    from uuid import uuid4

    from novacron.api.auth.v1 import CreateRoleRequest, GetTenantRequest, RoleServiceStub, TenantServiceStub

    async with connect(context) as connection:
        tenant_id = ""
        if tenant:
            found = await connection.of_auth(TenantServiceStub).GetTenant(GetTenantRequest(tenant=tenant))
            tenant_id = found.tenant_id
        request = CreateRoleRequest(
            role_id=id or str(uuid4()),
            name=name,
            description=description,
            permissions=permission or (),
            mfa_required=bool(mfa),
            tenant_id=tenant_id,
        )
        write_one(await connection.of_auth(RoleServiceStub).CreateRole(request), _FIELDS, output)


@app.command(epilog="Example:  novacron role update vm-reader -p vm:read -p metrics:read")
@told
async def update(
    context: typer.Context,
    role: RoleArgument,
    permission: PermissionsOption = None,
    no_permissions: Annotated[bool, typer.Option("--no-permissions", help="It may do nothing any more.")] = False,
    description: Annotated[str | None, typer.Option(help="For people.")] = None,
    mfa: MfaOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Change a role of your tenant: its permissions as a whole. It holds everywhere within a second."""
    changes: dict[str, Any] = {
        "description": description,
        "permissions": [] if no_permissions else permission,
        "mfa_required": mfa,
    }
    given = {name: value for name, value in changes.items() if value is not None}
    if not given:
        raise Refusal("nothing to change", ExitCode.USAGE, "--permission, --description or --mfa")
    from google.protobuf.field_mask_pb2 import FieldMask

    from novacron.api.auth.v1 import RoleServiceStub, UpdateRoleRequest

    async with connect(context) as connection:
        held = await _get(connection, role)
        request = UpdateRoleRequest(
            role_id=held.role_id, etag=held.etag, update_mask=FieldMask(paths=sorted(given)), **given
        )
        write_one(await connection.of_auth(RoleServiceStub).UpdateRole(request), _FIELDS, output)


@app.command()
@told
async def delete(context: typer.Context, role: RoleArgument) -> None:
    """Delete a role of your tenant, and take it from everybody."""
    from novacron.api.auth.v1 import DeleteRoleRequest, RoleServiceStub

    async with connect(context) as connection:
        held = await _get(connection, role)
        await connection.of_auth(RoleServiceStub).DeleteRole(DeleteRoleRequest(role_id=held.role_id))
        say(f"role {held.name} is deleted")


@app.command(epilog="Example:  novacron role grant alice tenant-admin --for 8h")
@told
async def grant(
    context: typer.Context,
    user: UserArgument,
    role: RoleArgument,
    lasting: Annotated[
        str, typer.Option("--for", metavar="DURATION", help="Until when: 30m, 8h, 90d. Default: for good.")
    ] = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Give a user a role beside its own, or another end to one that it has."""
    ends = datetime.now(UTC) + timedelta(seconds=quantities.seconds(lasting)) if lasting else None
    from novacron.api.auth.v1 import GrantRoleRequest, RoleServiceStub
    from novacron.timestamps import to_timestamp

    async with connect(context) as connection:
        request = GrantRoleRequest(
            user_id=await _user_id(connection, user),
            role_id=(await _get(connection, role)).role_id,
            expires_at=to_timestamp(ends),
        )
        given = await connection.of_auth(RoleServiceStub).GrantRole(request)
        names = await _user_names(connection, {given.user_id, given.granted_by})
        write_one(given, _grant_columns(names), output)


@app.command()
@told
async def revoke(context: typer.Context, user: UserArgument, role: RoleArgument) -> None:
    """Take a role that was granted from a user. It holds everywhere within a second."""
    from novacron.api.auth.v1 import RevokeRoleRequest, RoleServiceStub

    async with connect(context) as connection:
        held = await _get(connection, role)
        request = RevokeRoleRequest(user_id=await _user_id(connection, user), role_id=held.role_id)
        await connection.of_auth(RoleServiceStub).RevokeRole(request)
        say(f"user {user} no longer has the role {held.name}")


@app.command()
@told
async def permissions(context: typer.Context, output: OutputOption = Output.TABLE) -> None:
    """List every permission that there is: what roles and API keys can be made of."""
    from novacron.api.auth.v1 import ListPermissionsRequest, RoleServiceStub

    async with connect(context) as connection:
        listed = await connection.of_auth(RoleServiceStub).ListPermissions(ListPermissionsRequest())
    if output is not Output.TABLE:
        write_data(list(listed.permissions), output)
        return
    for one in listed.permissions:
        typer.echo(one)


async def _get(connection: Connection, role: str) -> Any:
    from novacron.api.auth.v1 import GetRoleRequest, RoleServiceStub

    return await connection.of_auth(RoleServiceStub).GetRole(GetRoleRequest(role=role))


async def _user_id(connection: Connection, user: str) -> str:
    from novacron.api.auth.v1 import GetUserRequest, UserServiceStub
    from novacron_cli import finding

    if finding.is_id(user):
        return user
    found: str = (await connection.of_auth(UserServiceStub).GetUser(GetUserRequest(user=user))).user_id
    return found


async def _user_names(connection: Connection, wanted: set[str]) -> dict[str, str]:
    """What people call these users; each by its id where that cannot be learnt. Never fails: it is for looks alone."""
    from novacron.api.auth.v1 import GetUserRequest, UserServiceStub
    from novacron.errors import NovacronError

    names = {}
    for one in sorted(wanted - {""})[:_NAMED]:
        try:
            names[one] = (await connection.of_auth(UserServiceStub).GetUser(GetUserRequest(user=one))).username
        except NovacronError:
            continue
    return names


# More names than this are not worth waiting for.
_NAMED = 50


def _grant_columns(names: dict[str, str]) -> Columns:
    return {
        "user": lambda grant: names.get(grant.user_id, grant.user_id),
        "role": lambda grant: grant.role,
        "since": lambda grant: when(grant.granted_at),
        "given by": lambda grant: names.get(grant.granted_by, grant.granted_by) or "the platform",
        "until": lambda grant: when(grant.expires_at) or "for good",
    }


_COLUMNS: Columns = {
    "name": lambda role: role.name,
    "of": lambda role: "its tenant" if role.tenant_id else "the platform",
    "permissions": lambda role: ", ".join(role.permissions),
    "mfa": lambda role: "required" if role.mfa_required else "",
    "id": lambda role: role.role_id,
}
_FIELDS: Columns = {
    **_COLUMNS,
    "description": lambda role: role.description,
    "tenant": lambda role: role.tenant_id,
    "created": lambda role: when(role.created_at),
    "updated": lambda role: when(role.updated_at),
}
