"""``novacron secret-key``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from novacron_cli.connection import connect
from novacron_cli.failure import told
from novacron_cli.output import Columns, Output, OutputOption, as_json, say, write_data, write_list
from novacron_cli.words import when, word

if TYPE_CHECKING:
    from novacron_cli.connection import Connection

app = typer.Typer(
    no_args_is_help=True,
    help="The rings of keys that seal secrets at rest: second factors, providers' credentials, signing keys.",
)

TenantOption = Annotated[str, typer.Option(metavar="TENANT", help="The ring of this tenant: id or name.")]


@app.command("list")
@told
async def list_keys(context: typer.Context, tenant: TenantOption = "", output: OutputOption = Output.TABLE) -> None:
    """List keys, newest first, with how many secrets each still seals."""
    from novacron.api.auth.v1 import ListSecretKeysRequest, SigningKeyServiceStub

    async with connect(context) as connection:
        request = ListSecretKeysRequest(tenant_id=await _tenant_id(connection, tenant))
        found = await connection.of_auth(SigningKeyServiceStub).ListSecretKeys(request)
    write_list(found.secret_keys, _COLUMNS, output)


@app.command(epilog="Example:  novacron secret-key rotate --tenant acme")
@told
async def rotate(context: typer.Context, tenant: TenantOption = "", output: OutputOption = Output.TABLE) -> None:
    """Make a new key that seals, and seal everything anew under it while the service runs.

    The platform's, unless a tenant is named: its first rotation gives a tenant a ring of its own.
    """
    from novacron.api.auth.v1 import KeyState, ListSecretKeysRequest, RotateSecretKeysRequest, SigningKeyServiceStub

    async with connect(context) as connection:
        keys, tenant_id = connection.of_auth(SigningKeyServiceStub), await _tenant_id(connection, tenant)
        ring = (await keys.ListSecretKeys(ListSecretKeysRequest(tenant_id=tenant_id))).secret_keys
        seals = [
            key.secret_key_id
            for key in ring
            if key.state == KeyState.KEY_STATE_PRIMARY and (tenant_id or not key.tenant_id)
        ]
        # Named, so that an attempt that is made again turns the ring once.
        request = RotateSecretKeysRequest(tenant_id=tenant_id, primary_key_id=seals[0] if seals else "")
        made = await keys.RotateSecretKeys(request)
    if output is Output.TABLE:
        say(
            f"secret key {made.secret_key_id} seals now; `novacron secret-key list` shows how far the others are emptied"
        )
    else:
        write_data(as_json(made), output)


async def _tenant_id(connection: Connection, tenant: str) -> str:
    from novacron.api.auth.v1 import GetTenantRequest, TenantServiceStub
    from novacron_cli import finding

    if not tenant or finding.is_id(tenant):
        return tenant
    found: str = (await connection.of_auth(TenantServiceStub).GetTenant(GetTenantRequest(tenant=tenant))).tenant_id
    return found


def _state(key: Any) -> str:
    from novacron.api.auth.v1 import KeyState

    return word(KeyState, key.state)


_COLUMNS: Columns = {
    "key": lambda key: key.secret_key_id,
    "state": _state,
    "tenant": lambda key: key.tenant_id or "platform",
    "seals": lambda key: str(key.sealed_count),
    "created": lambda key: when(key.created_at),
}
