"""``novacron placement``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from novacron_cli import quantities
from novacron_cli.connection import connect
from novacron_cli.failure import told
from novacron_cli.options import AllocationOption, LabelsOption, allocation_type
from novacron_cli.output import Output, OutputOption, write_one, write_table

app = typer.Typer(no_args_is_help=True, help="Placement: where a VM would go, and why it would not.")


@app.callback()
def _group() -> None:
    """A group, though it has one command."""


@app.command(epilog="Example:  novacron placement explain --cpu 4 --memory 8G --disk 20G --label disk=ssd")
@told
async def explain(
    context: typer.Context,
    cpu: Annotated[int, typer.Option(metavar="COUNT", min=1, help="Virtual CPUs.")] = 1,
    memory: Annotated[str, typer.Option(metavar="SIZE", help="Memory: 512M, 2G; a bare number is MiB.")] = "1G",
    disk: Annotated[str, typer.Option(metavar="SIZE", help="Disk: 20G, 1T; a bare number is GiB.")] = "0",
    gpu: Annotated[int, typer.Option(metavar="COUNT", min=0, help="GPUs.")] = 0,
    gpu_type: Annotated[str, typer.Option(metavar="MODEL", help="Model of the GPUs, such as a100.")] = "",
    label: LabelsOption = None,
    tolerate: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="A taint that it bears; may be repeated.")
    ] = None,
    region: Annotated[str, typer.Option(help="Region it must be in.")] = "",
    zone: Annotated[str, typer.Option(help="Zone it must be in.")] = "",
    node: Annotated[str, typer.Option(help="Id or name of the one node that it may be.")] = "",
    group: Annotated[
        list[str] | None, typer.Option(help="A group of VMs that it belongs to, for policies; may be repeated.")
    ] = None,
    hypervisor: Annotated[str, typer.Option(help="What must run it: kvm, xen, vmware, hyper-v, container.")] = "",
    allocation: AllocationOption = None,
    priority: Annotated[
        int, typer.Option(min=-1000, max=1000, help="VMs of a lower one may have to give way, if a policy says so.")
    ] = 0,
    tenant: Annotated[str, typer.Option(metavar="UUID", help="Whose VM it would be; your tenant's unless given.")] = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Say where a VM like this would go now. Nothing is claimed.

    Where nothing fits it says how many nodes each condition removed, what the closest nodes lack, and the smallest change with
    which it would fit. Where VMs of lower priority would have to give way, it says which.
    """
    labels, tolerations = quantities.pairs(label or ()), quantities.pairs(tolerate or ())
    from novacron.api.scheduler.v1 import ExplainPlacementRequest, PlacementServiceStub, Taint
    from novacron.api.types.v1 import Resources

    request = ExplainPlacementRequest(
        tenant_id=tenant,
        resources=Resources(
            cpu_cores=cpu,
            memory_mib=quantities.memory_mib(memory),
            storage_gib=quantities.disk_gib(disk),
            gpu_count=gpu,
            gpu_type=gpu_type,
        ),
        hypervisor_type=_hypervisor(hypervisor),
        node_labels=labels,
        tolerations=[Taint(key=key, value=value) for key, value in tolerations.items()],
        region=region,
        availability_zone=zone,
        node=node,
        groups=group or (),
        allocation_type=allocation_type(allocation),
        priority=priority,
    )
    async with connect(context) as connection:
        answer = await connection.of_scheduler(PlacementServiceStub).ExplainPlacement(request)
    if output is not Output.TABLE:
        write_one(answer, {}, output)
        return
    typer.echo(answer.explanation)
    if answer.node_id:
        rows = [(one.name, f"{one.score:.2f}", _factors(one)) for one in answer.candidates]
        write_table(("node", "score", "factors"), rows)
        if answer.yielding:
            write_table(
                ("gives way", "priority", "id"), [(one.name, str(one.priority), one.vm_id) for one in answer.yielding]
            )
    elif answer.remedies:
        write_table(("it would fit", "node"), [(one.words, one.node_name) for one in answer.remedies])


def _hypervisor(text: str) -> str | None:
    from novacron.api.types.v1 import HypervisorType

    name = "HYPERVISOR_TYPE_" + text.upper().replace("-", "_")
    if text and name not in HypervisorType.keys():  # noqa: SIM118 - an enum of protobuf is no mapping
        raise typer.BadParameter(f"{text!r} is none of kvm, xen, vmware, hyper-v, container")
    return name if text else None


def _factors(candidate: Any) -> str:
    return ", ".join(f"{name} {value:.2f}" for name, value in sorted(candidate.factors.items()))
