"""``novacron provider``."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from novacron_cli import quantities
from novacron_cli.connection import connect
from novacron_cli.failure import ExitCode, Refusal, told
from novacron_cli.options import IdOption, LimitOption
from novacron_cli.output import Columns, Output, OutputOption, say, write_list, write_one
from novacron_cli.words import ago, when, word

app = typer.Typer(no_args_is_help=True, help="Cloud providers: what lies beyond this NovaCron.")

ProviderArgument = Annotated[str, typer.Argument(metavar="PROVIDER", help="Id or name of the provider.")]


class Kind(StrEnum):
    """Whose cloud it is."""

    AWS = "aws"
    AZURE = "azure"
    GCP = "gcp"
    ON_PREMISE = "on_premise"
    HYBRID = "hybrid"


@app.command(
    epilog="Example:  novacron provider create berlin --vm-endpoint nc.example:7402 --auth-endpoint nc.example:7401 "
    "--username federation --password-file secret --remote-ca ca.pem --region eu-central"
)
@told
async def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits, '.', '_' and '-'.")],
    vm_endpoint: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Its API; of another NovaCron, its vm service.")
    ],
    auth_endpoint: Annotated[str, typer.Option(metavar="HOST:PORT", help="The auth service of another NovaCron.")] = "",
    username: Annotated[str, typer.Option(help="A user there.")] = "",
    password_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="That user's password; - is standard input. Default: ask.")
    ] = None,
    remote_tenant: Annotated[str, typer.Option(help="That user's tenant.", show_default="default")] = "",
    remote_ca: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="PEM of the CA that signs its certificates. Default: the system's."),
    ] = None,
    kind: Annotated[Kind, typer.Option("--type", help="Whose cloud it is.")] = Kind.ON_PREMISE,
    region: Annotated[list[str] | None, typer.Option(help="A region in use; may be repeated.")] = None,
    priority: Annotated[int, typer.Option(min=-1000, max=1000, help="Greater is preferred.")] = 0,
    id: IdOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Register a provider. Its credentials are sealed, and no command shows them again."""
    ca_pem = quantities.content(remote_ca) if remote_ca else ""
    password = _password(username, password_file) if kind is Kind.ON_PREMISE else ""
    from uuid import uuid4

    from novacron.api.federation.v1 import CreateCloudProviderRequest, OnPremiseCredentials

    credentials = OnPremiseCredentials(
        username=username, password=password, tenant=remote_tenant, auth_endpoint=auth_endpoint, ca_pem=ca_pem
    )
    request = CreateCloudProviderRequest(
        provider_id=id or str(uuid4()),
        name=name,
        provider_type=f"PROVIDER_TYPE_{kind.upper()}",
        regions=region or (),
        endpoint=vm_endpoint,
        priority=priority,
        on_premise=credentials if kind is Kind.ON_PREMISE else None,
    )
    async with connect(context) as connection:
        write_one(await connection.providers.CreateCloudProvider(request), _FIELDS, output)


@app.command("list")
@told
async def list_providers(context: typer.Context, limit: LimitOption = 0, output: OutputOption = Output.TABLE) -> None:
    """List providers, oldest first."""
    from novacron.api.federation.v1 import ListCloudProvidersRequest
    from novacron_cli import finding

    async with connect(context) as connection:
        call = connection.providers.ListCloudProviders
        write_list(await finding.everything(call, ListCloudProvidersRequest(), "providers", limit), _COLUMNS, output)


@app.command()
@told
async def show(context: typer.Context, provider: ProviderArgument, output: OutputOption = Output.TABLE) -> None:
    """Show one provider, without its credentials."""
    from novacron.api.federation.v1 import GetCloudProviderRequest

    async with connect(context) as connection:
        found = await connection.providers.GetCloudProvider(GetCloudProviderRequest(provider=provider))
        write_one(found, _FIELDS, output)


@app.command()
@told
async def delete(context: typer.Context, provider: ProviderArgument) -> None:
    """Forget a provider and its credentials. Refused while VMs are on it."""
    from novacron.api.federation.v1 import DeleteCloudProviderRequest, GetCloudProviderRequest
    from novacron_cli import finding

    async with connect(context) as connection:
        providers = connection.providers
        provider_id = provider
        if not finding.is_id(provider):
            provider_id = (await providers.GetCloudProvider(GetCloudProviderRequest(provider=provider))).provider_id
        await providers.DeleteCloudProvider(DeleteCloudProviderRequest(provider_id=provider_id))
        say(f"provider {provider} is forgotten")


@app.command()
@told
async def check(context: typer.Context, provider: ProviderArgument, output: OutputOption = Output.TABLE) -> None:
    """Ask a provider whether it answers with its credentials. Exit code 6 when it does not."""
    from novacron.api.federation.v1 import (
        PROVIDER_HEALTH_DEGRADED,
        PROVIDER_HEALTH_HEALTHY,
        CheckProviderHealthRequest,
    )

    async with connect(context) as connection:
        found = await connection.providers.CheckProviderHealth(CheckProviderHealthRequest(provider=provider))
        write_one(found, _FIELDS, output)
    if found.health_status not in (PROVIDER_HEALTH_HEALTHY, PROVIDER_HEALTH_DEGRADED):
        raise typer.Exit(ExitCode.UNREACHABLE)


def _password(username: str, file: Path | None) -> str:
    if file is not None:
        return quantities.content(file).rstrip("\r\n")
    if not sys.stdin.isatty():
        raise Refusal("no password", ExitCode.USAGE, "give --password-file FILE, or --password-file - to read it here")
    password: str = typer.prompt(f"Password of {username} there", hide_input=True, err=True)
    return password


def _health(provider: Any) -> str:
    from novacron.api.federation.v1 import ProviderHealth

    return word(ProviderHealth, provider.health_status)


def _kind(provider: Any) -> str:
    from novacron.api.federation.v1 import ProviderType

    return word(ProviderType, provider.provider_type)


_COLUMNS: Columns = {
    "name": lambda provider: provider.name,
    "type": _kind,
    "health": _health,
    "endpoint": lambda provider: provider.endpoint,
    "regions": lambda provider: ", ".join(provider.regions),
    "priority": lambda provider: str(provider.priority),
    "checked": lambda provider: (
        f"{ago(provider.last_health_check)} ago" if provider.last_health_check.seconds else "never"
    ),
    "id": lambda provider: provider.provider_id,
}
_FIELDS: Columns = {
    **_COLUMNS,
    "health message": lambda provider: provider.health_message,
    "enabled": lambda provider: "yes" if provider.enabled else "no",
    "created": lambda provider: when(provider.created_at),
}
