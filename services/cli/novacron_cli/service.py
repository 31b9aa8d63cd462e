"""``novacron service``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from novacron_cli.connection import connect
from novacron_cli.failure import told
from novacron_cli.options import LimitOption
from novacron_cli.output import Columns, Output, OutputOption, write_list, write_one
from novacron_cli.words import ago, pairs, when, word

app = typer.Typer(no_args_is_help=True, help="NovaCron's own services, as the registry knows them.")


@app.command("list")
@told
async def list_services(context: typer.Context, limit: LimitOption = 0, output: OutputOption = Output.TABLE) -> None:
    """List services by name."""
    from novacron.api.registry.v1 import ListServicesRequest
    from novacron_cli import finding

    async with connect(context) as connection:
        found = await finding.everything(connection.registry.ListServices, ListServicesRequest(), "services", limit)
        write_list(found, _COLUMNS, output)


@app.command()
@told
async def show(
    context: typer.Context,
    service: Annotated[str, typer.Argument(metavar="SERVICE", help="Its name, such as scheduler.")],
    output: OutputOption = Output.TABLE,
) -> None:
    """Show one service with its instances."""
    from novacron.api.registry.v1 import GetServiceRequest

    async with connect(context) as connection:
        found = await connection.registry.GetService(GetServiceRequest(service_name=service))
        write_one(found, _FIELDS, output)
        if output is Output.TABLE:
            typer.echo()
            write_list(found.instances, _INSTANCE_COLUMNS, output)


def _status(thing: Any) -> str:
    from novacron.api.registry.v1 import ServiceStatus

    return word(ServiceStatus, thing.status)


def _kind(service: Any) -> str:
    from novacron.api.registry.v1 import ServiceType

    return word(ServiceType, service.service_type)


_COLUMNS: Columns = {
    "name": lambda service: service.service_name,
    "version": lambda service: service.service_version,
    "type": _kind,
    "environment": lambda service: service.environment,
    "status": _status,
    "instances": lambda service: str(len(service.instances)),
    "changed": lambda service: f"{ago(service.updated_at)} ago" if service.updated_at.seconds else "",
}
_FIELDS: Columns = {
    "name": lambda service: service.service_name,
    "id": lambda service: service.service_id,
    "version": lambda service: service.service_version,
    "type": _kind,
    "environment": lambda service: service.environment,
    "status": _status,
    "labels": lambda service: pairs(service.labels),
    "registered": lambda service: when(service.created_at),
    "changed": lambda service: when(service.updated_at),
}
_INSTANCE_COLUMNS: Columns = {
    "instance": lambda instance: instance.instance,
    "status": _status,
    "for users": lambda instance: instance.endpoint,
    "for services": lambda instance: instance.mesh_endpoint,
    "started": lambda instance: when(instance.started_at),
    "lease until": lambda instance: when(instance.lease_until),
    "message": lambda instance: instance.status_message,
}
