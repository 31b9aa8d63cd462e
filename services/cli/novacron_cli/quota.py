"""``novacron quota``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from novacron_cli import quantities
from novacron_cli.connection import connect
from novacron_cli.failure import told
from novacron_cli.options import LimitOption
from novacron_cli.output import Columns, Output, OutputOption, write_list, write_one
from novacron_cli.words import size

app = typer.Typer(no_args_is_help=True, help="Quotas: what the VMs of a tenant may hold together.")

_UNLIMITED = "unlimited"


@app.command(epilog="Example:  novacron quota show acme")
@told
async def show(
    context: typer.Context,
    tenant: Annotated[
        str, typer.Argument(metavar="[TENANT]", help="Id or name of the tenant; your own unless given.")
    ] = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Show what a tenant holds of what it may."""
    from novacron.api.scheduler.v1 import GetQuotaRequest, QuotaServiceStub

    async with connect(context) as connection:
        request = GetQuotaRequest(tenant_id=await _tenant_id(connection, tenant))
        write_one(await connection.of_scheduler(QuotaServiceStub).GetQuota(request), FIELDS, output)


@app.command("set", epilog="Example:  novacron quota set acme --vms 20 --cpu 64 --memory 256G --gpu unlimited")
@told
async def set_quota(
    context: typer.Context,
    tenant: Annotated[str, typer.Argument(metavar="TENANT", help="Id or name of the tenant.")],
    vms: Annotated[str, typer.Option(metavar="COUNT", help="The most VMs.")] = "",
    cpu: Annotated[str, typer.Option(metavar="COUNT", help="The most virtual CPUs.")] = "",
    memory: Annotated[str, typer.Option(metavar="SIZE", help="The most memory: 512G; a bare number is MiB.")] = "",
    disk: Annotated[str, typer.Option(metavar="SIZE", help="The most disk: 10T; a bare number is GiB.")] = "",
    gpu: Annotated[str, typer.Option(metavar="COUNT", help="The most GPUs.")] = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Set limits; those that are not named stay as they are, and `unlimited` ends one.

    A limit below what the tenant holds takes nothing away: it gets no more until it holds less.
    """
    given = {
        "vms": _limit(vms, _count),
        "cpu_cores": _limit(cpu, _count),
        "memory_mib": _limit(memory, quantities.memory_mib),
        "storage_gib": _limit(disk, quantities.disk_gib),
        "gpu_count": _limit(gpu, _count),
    }
    named = {name: limit for name, limit in given.items() if limit != ""}
    if not named:
        raise typer.BadParameter("name at least one limit: --vms, --cpu, --memory, --disk or --gpu")
    from google.protobuf.field_mask_pb2 import FieldMask

    from novacron.api.scheduler.v1 import QuotaLimits, QuotaServiceStub, SetQuotaRequest

    limits = QuotaLimits(**{name: limit for name, limit in named.items() if isinstance(limit, int)})
    async with connect(context) as connection:
        request = SetQuotaRequest(
            tenant_id=await _tenant_id(connection, tenant), limits=limits, update_mask=FieldMask(paths=list(named))
        )
        write_one(await connection.of_scheduler(QuotaServiceStub).SetQuota(request), FIELDS, output)


@app.command("list")
@told
async def list_quotas(context: typer.Context, limit: LimitOption = 0, output: OutputOption = Output.TABLE) -> None:
    """List the quotas that were set: used of limit. A tenant that is not there has no limits."""
    from novacron.api.scheduler.v1 import ListQuotasRequest, QuotaServiceStub
    from novacron_cli import finding

    async with connect(context) as connection:
        call = connection.of_scheduler(QuotaServiceStub).ListQuotas
        write_list(await finding.everything(call, ListQuotasRequest(), "quotas", limit), COLUMNS, output)


async def _tenant_id(connection: Any, tenant: str) -> str:
    from uuid import UUID

    from novacron.api.auth.v1 import GetTenantRequest, TenantServiceStub

    if not tenant:
        return ""
    try:
        return str(UUID(tenant))
    except ValueError:
        found = await connection.of_auth(TenantServiceStub).GetTenant(GetTenantRequest(tenant=tenant))
        return str(found.tenant_id)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise typer.BadParameter(f"{text!r} is neither a number nor {_UNLIMITED}")
    return int(text)


def _limit(text: str, read: Callable[[str], int]) -> int | str | None:
    """An amount; None: no limit; an empty text: leave it as it is."""
    if text == _UNLIMITED:
        return None
    return read(text) if text else ""


def _used(name: str, unit: Callable[[int], str] = str) -> Callable[[Any], str]:
    def cell(quota: Any) -> str:
        limit = unit(getattr(quota.limits, name)) if quota.limits.HasField(name) else _UNLIMITED
        return f"{unit(getattr(quota.used, name))} of {limit}"

    return cell


COLUMNS: Columns = {
    "tenant": lambda quota: quota.tenant_id,
    "vms": _used("vms"),
    "cpu": _used("cpu_cores"),
    "memory": _used("memory_mib", lambda mib: size(mib * 1024**2)),
    "disk": _used("storage_gib", lambda gib: size(gib * 1024**3)),
    "gpu": _used("gpu_count"),
}
FIELDS = COLUMNS
