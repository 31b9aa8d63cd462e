"""``novacron tenant``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from novacron_cli.connection import connect
from novacron_cli.failure import told
from novacron_cli.options import FilterOption, IdOption, LimitOption
from novacron_cli.output import Columns, Output, OutputOption, say, write_list, write_one
from novacron_cli.words import ago, when

app = typer.Typer(no_args_is_help=True, help="Tenants: who owns users, VMs and templates.")

TenantArgument = Annotated[str, typer.Argument(metavar="TENANT", help="Id or name of the tenant.")]
DisplayOption = Annotated[str, typer.Option("--display-name", metavar="TEXT", help="Its name for people.")]


@app.command(epilog='Example:  novacron tenant create acme --display-name "Acme Corporation"')
@told
async def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits and '-': what users give at login.")],
    display_name: DisplayOption = "",
    id: IdOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Create a tenant."""
    from uuid import uuid4

    from novacron.api.auth.v1 import CreateTenantRequest, TenantServiceStub

    request = CreateTenantRequest(tenant_id=id or str(uuid4()), name=name, display_name=display_name)
    async with connect(context) as connection:
        write_one(await connection.of_auth(TenantServiceStub).CreateTenant(request), _FIELDS, output)


@app.command("list")
@told
async def list_tenants(
    context: typer.Context,
    filter: FilterOption = "",
    limit: LimitOption = 0,
    output: OutputOption = Output.TABLE,
) -> None:
    """List the tenants that you see, oldest first. Filters: name, display_name, disabled."""
    from novacron.api.auth.v1 import ListTenantsRequest, TenantServiceStub
    from novacron_cli import finding

    async with connect(context) as connection:
        call = connection.of_auth(TenantServiceStub).ListTenants
        write_list(
            await finding.everything(call, ListTenantsRequest(filter=filter), "tenants", limit), _COLUMNS, output
        )


@app.command()
@told
async def show(context: typer.Context, tenant: TenantArgument, output: OutputOption = Output.TABLE) -> None:
    """Show one tenant."""
    async with connect(context) as connection:
        write_one(await _get(connection, tenant), _FIELDS, output)


@app.command()
@told
async def update(
    context: typer.Context, tenant: TenantArgument, display_name: DisplayOption, output: OutputOption = Output.TABLE
) -> None:
    """Change a tenant's name for people."""
    from google.protobuf.field_mask_pb2 import FieldMask

    from novacron.api.auth.v1 import TenantServiceStub, UpdateTenantRequest

    async with connect(context) as connection:
        held = await _get(connection, tenant)
        request = UpdateTenantRequest(
            tenant_id=held.tenant_id,
            display_name=display_name,
            update_mask=FieldMask(paths=["display_name"]),
            etag=held.etag,
        )
        write_one(await connection.of_auth(TenantServiceStub).UpdateTenant(request), _FIELDS, output)


@app.command()
@told
async def disable(context: typer.Context, tenant: TenantArgument) -> None:
    """End every session of a tenant's users, and let none of them in. Its VMs run on."""
    from novacron.api.auth.v1 import DisableTenantRequest, TenantServiceStub

    async with connect(context) as connection:
        request = DisableTenantRequest(tenant_id=(await _get(connection, tenant)).tenant_id)
        await connection.of_auth(TenantServiceStub).DisableTenant(request)
    say(f"tenant {tenant} is disabled; `novacron tenant enable {tenant}` lets its users in again")


@app.command()
@told
async def enable(context: typer.Context, tenant: TenantArgument) -> None:
    """Let a tenant's users in again."""
    from novacron.api.auth.v1 import EnableTenantRequest, TenantServiceStub

    async with connect(context) as connection:
        request = EnableTenantRequest(tenant_id=(await _get(connection, tenant)).tenant_id)
        await connection.of_auth(TenantServiceStub).EnableTenant(request)
    say(f"tenant {tenant} is enabled")


@app.command()
@told
async def delete(context: typer.Context, tenant: TenantArgument) -> None:
    """Delete a tenant that has no users. Delete its VMs first: `novacron audit` finds what was left."""
    from novacron.api.auth.v1 import DeleteTenantRequest, TenantServiceStub

    async with connect(context) as connection:
        request = DeleteTenantRequest(tenant_id=(await _get(connection, tenant)).tenant_id)
        await connection.of_auth(TenantServiceStub).DeleteTenant(request)
    say(f"tenant {tenant} is deleted")


async def _get(connection: Any, tenant: str) -> Any:
    from novacron.api.auth.v1 import GetTenantRequest, TenantServiceStub

    return await connection.of_auth(TenantServiceStub).GetTenant(GetTenantRequest(tenant=tenant))


_COLUMNS: Columns = {
    "name": lambda tenant: tenant.name,
    "display name": lambda tenant: tenant.display_name,
    "state": lambda tenant: "disabled" if tenant.disabled_at.seconds else "enabled",
    "age": lambda tenant: ago(tenant.created_at),
    "id": lambda tenant: tenant.tenant_id,
}
_FIELDS: Columns = {
    **_COLUMNS,
    "created": lambda tenant: when(tenant.created_at),
    "updated": lambda tenant: when(tenant.updated_at),
    "disabled": lambda tenant: when(tenant.disabled_at),
}
