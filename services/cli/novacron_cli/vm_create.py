"""``novacron vm create``: the one command in which a user watches a saga."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer

from novacron_cli import quantities, vm_table
from novacron_cli.connection import connect
from novacron_cli.failure import told
from novacron_cli.options import (
    AllocationOption,
    CpuOption,
    DiskOption,
    GroupsOption,
    IdOption,
    ImageOption,
    LabelsOption,
    MemoryOption,
    PriorityOption,
    SshKeysOption,
    TagsOption,
    UserDataOption,
    WaitOption,
    spec_fields,
)
from novacron_cli.output import Output, OutputOption, say

if TYPE_CHECKING:
    from novacron.errors import NovacronError
    from novacron_cli.connection import Connection
    from novacron_cli.settle import Settled

app = typer.Typer()


@app.command(
    epilog="Examples:  novacron vm create web-1 --template small --tag env=prod  |  "
    "novacron vm create db-1 --cpu 2 --memory 4G --disk 40G --image debian-12 --ssh-key ~/.ssh/id_ed25519.pub"
)
@told
async def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A host name: lower-case letters, digits and '-'.")],
    template: Annotated[str, typer.Option(help="Template to make it from: its name or id.")] = "",
    cpu: CpuOption = 0,
    memory: MemoryOption = "",
    disk: DiskOption = "",
    image: ImageOption = "",
    tag: TagsOption = None,
    label: LabelsOption = None,
    group: GroupsOption = None,
    allocation: AllocationOption = None,
    priority: PriorityOption = None,
    user_data: UserDataOption = None,
    ssh_key: SshKeysOption = None,
    display_name: Annotated[str, typer.Option(help="A name for people.")] = "",
    description: Annotated[str, typer.Option(help="A text for people.")] = "",
    id: IdOption = "",
    wait: WaitOption = True,
    output: OutputOption = Output.TABLE,
) -> None:
    """Create a VM, from a template or from what you ask for; with both, what you ask for goes before the template.

    With --group it belongs to groups that your placement policies speak of (novacron policy), such as to be kept apart.

    Where there is no room and a policy of yours preempts, VMs of a lower --priority are stopped to make some. They keep
    their disks; `novacron vm start` asks for a place again.

    It shows the steps of the saga while it waits. When one fails, all are undone: nothing is left behind, and the VM stays
    in the list with its reason until you delete it. Interrupted, the create goes on without you.
    """
    spec = spec_fields(cpu, memory, disk, image, label, group, allocation, priority, user_data, ssh_key)
    tags = quantities.pairs(tag or ())
    from novacron.api.vm.v1 import CreateVmRequest, VmSpec

    request = CreateVmRequest(
        vm_id=id or str(uuid4()),
        name=name,
        display_name=display_name,
        description=description,
        template=template,
        spec=VmSpec(**spec) if any(spec.values()) or priority is not None or not template else None,
        tags=tags,
        return_immediately=True,
    )
    async with connect(context) as connection:
        await _create(connection, request, wait, output)


async def _create(connection: Connection, request: Any, wait: bool, output: Output) -> None:
    import asyncio

    from novacron.api.vm.v1 import VM_STATE_DELETED, VM_STATE_ERROR
    from novacron.errors import DeadlineExceeded, Outcome, Unavailable
    from novacron_cli.progress import Progress
    from novacron_cli.settle import settle

    try:
        vm = await connection.vms.CreateVm(request, timeout=30)
    except (Unavailable, DeadlineExceeded) as error:
        if error.outcome is not Outcome.NOT_SENT:
            error.message += (
                f"\n  whether it was begun is not known: the same command with --id {request.vm_id} finds out"
            )
        raise
    if wait:
        try:
            with Progress(f"creating {vm.name} ({vm.vm_id})") as progress:
                settled = await settle(connection, vm, progress)
        except asyncio.CancelledError:
            say(f"the create goes on: `novacron vm watch {vm.name}`")
            raise
        vm = settled.vm
        if vm.state in (VM_STATE_ERROR, VM_STATE_DELETED) or not settled.succeeded:
            raise await _why(connection, request, settled)
    await vm_table.write_row(connection, vm, output)


async def _why(connection: Connection, request: Any, settled: Settled) -> NovacronError:
    """Why the create failed.

    The same request again does nothing more, and is answered with the step's error as the services know it.
    """
    from novacron.api.vm.v1 import VM_STATE_ERROR
    from novacron.errors import NoCapacity, NovacronError, QuotaExceeded, SagaFailed

    failure = settled.failure()
    if settled.vm.state == VM_STATE_ERROR:
        failure.message += f"\n  it stays in the list, with its reason, until `novacron vm delete {settled.vm.name}`"
    if type(failure) is SagaFailed:
        request.return_immediately = False
        try:
            await connection.vms.CreateVm(request, timeout=10)
        except (NoCapacity, QuotaExceeded) as error:
            return type(error)(failure.message, metadata=failure.metadata)
        except NovacronError:
            pass  # it says no more than the saga does
    return failure
