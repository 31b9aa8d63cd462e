"""``novacron vm``: what there is, and starting, stopping, rebooting, deleting it."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated, Any
from uuid import uuid4

import typer

from novacron_cli import quantities, vm_console, vm_create, vm_table, vm_watch, vm_why
from novacron_cli.connection import connect
from novacron_cli.failure import told
from novacron_cli.options import (
    CpuOption,
    FilterOption,
    GraceOption,
    LimitOption,
    MemoryOption,
    RestartOption,
    TagsOption,
    VmArgument,
    WaitOption,
)
from novacron_cli.output import Output, OutputOption
from novacron_cli.vm_operate import operate

app = typer.Typer(no_args_is_help=True, help="Virtual machines.")
app.add_typer(vm_create.app)


@app.command("list", epilog="Example:  novacron vm list --state running --tag env=prod -o json | jq -r '.[].name'")
@told
async def list_vms(
    context: typer.Context,
    state: Annotated[str, typer.Option(help="Only VMs in this state, such as running or error.")] = "",
    node: Annotated[str, typer.Option(help="Only VMs on this node: its name or id.")] = "",
    tag: TagsOption = None,
    filter: FilterOption = "",
    deleted: Annotated[bool, typer.Option("--deleted", help="Deleted VMs as well.")] = False,
    limit: LimitOption = 0,
    output: OutputOption = Output.TABLE,
) -> None:
    """List VMs, oldest first."""
    tags = quantities.pairs(tag or ())
    from novacron.api.vm.v1 import ListVmsRequest
    from novacron_cli import finding

    async with connect(context) as connection:
        conditions = finding.conditions(
            f"state = {finding.quoted(state.lower())}" if state else "",
            f"node_id = {finding.quoted(await finding.node_id(connection, node))}" if node else "",
            *(f"tags.{key} = {finding.quoted(value)}" for key, value in tags.items()),
            filter,
        )
        request = ListVmsRequest(filter=conditions, show_deleted=deleted)
        vms = await finding.everything(connection.vms.ListVms, request, "vms", limit, "VMs")
        await vm_table.write_vms(connection, vms, output)


@app.command(epilog="Example:  novacron vm show web-1 -o yaml")
@told
async def show(context: typer.Context, vm: VmArgument, output: OutputOption = Output.TABLE) -> None:
    """Show one VM."""
    from novacron.api.vm.v1 import GetVmRequest
    from novacron_cli import finding

    async with connect(context) as connection:
        found = await connection.vms.GetVm(GetVmRequest(vm_id=await finding.vm_id(connection, vm)))
        await vm_table.write_vm(connection, found, output)


app.add_typer(vm_watch.app)
app.add_typer(vm_why.app)


@app.command()
@told
async def start(
    context: typer.Context, vm: VmArgument, wait: WaitOption = True, output: OutputOption = Output.TABLE
) -> None:
    """Start a stopped VM. One that runs is left as it is.

    One that gave way to another is given a place on its node again first; where there is no room it stays stopped.
    """
    from novacron.api.vm.v1 import VM_STATE_RUNNING, StartVmRequest

    def begin(vms: Any, vm_id: str) -> Awaitable[Any]:
        return vms.StartVm(StartVmRequest(vm_id=vm_id, return_immediately=True))

    await operate(context, vm, "starting", begin, VM_STATE_RUNNING, wait, output)


@app.command(epilog="Example:  novacron vm stop web-1 --grace 120")
@told
async def stop(
    context: typer.Context,
    vm: VmArgument,
    grace: GraceOption = None,
    wait: WaitOption = True,
    output: OutputOption = Output.TABLE,
) -> None:
    """Stop a running VM: ask the guest, then pull the plug. Its disk and its place are kept."""
    from novacron.api.vm.v1 import VM_STATE_STOPPED, StopVmRequest

    def begin(vms: Any, vm_id: str) -> Awaitable[Any]:
        return vms.StopVm(StopVmRequest(vm_id=vm_id, grace_seconds=grace, return_immediately=True))

    await operate(context, vm, "stopping", begin, VM_STATE_STOPPED, wait, output)


@app.command()
@told
async def reboot(
    context: typer.Context,
    vm: VmArgument,
    grace: GraceOption = None,
    wait: WaitOption = True,
    output: OutputOption = Output.TABLE,
) -> None:
    """Reboot a running VM."""
    from novacron.api.vm.v1 import VM_STATE_RUNNING, RebootVmRequest

    once = str(uuid4())  # an attempt whose answer was lost is repeated, the reboot is not

    def begin(vms: Any, vm_id: str) -> Awaitable[Any]:
        return vms.RebootVm(RebootVmRequest(vm_id=vm_id, grace_seconds=grace, request_id=once, return_immediately=True))

    await operate(context, vm, "rebooting", begin, VM_STATE_RUNNING, wait, output)


@app.command(epilog="Example:  novacron vm resize web-1 --cpu 4 --memory 8G --restart")
@told
async def resize(
    context: typer.Context,
    vm: VmArgument,
    cpu: CpuOption = 0,
    memory: MemoryOption = "",
    restart: RestartOption = False,
    grace: GraceOption = None,
    wait: WaitOption = True,
    output: OutputOption = Output.TABLE,
) -> None:
    """Give a VM other vCPUs or other memory, where it is. What you leave out stays; so does its disk.

    A VM that runs is refused unless it may be restarted; one that does not start at its new size runs at its old one again.
    When its node has no room, nothing has changed, and the refusal says whether a move to another node would help.
    """
    if not cpu and not memory:
        raise typer.BadParameter("say --cpu, --memory or both: nothing is asked for")
    memory_mib = quantities.memory_mib(memory) if memory else 0
    from novacron.api.vm.v1 import VM_STATE_RUNNING, VM_STATE_STOPPED, ResizeVmRequest

    request = ResizeVmRequest(
        cpu_cores=cpu,
        memory_mib=memory_mib,
        restart=restart,
        grace_seconds=grace,
        request_id=str(uuid4()),
        return_immediately=True,
    )

    def begin(vms: Any, vm_id: str) -> Awaitable[Any]:
        request.vm_id = vm_id
        return vms.ResizeVm(request)

    await operate(context, vm, "resizing", begin, (VM_STATE_RUNNING, VM_STATE_STOPPED), wait, output)


@app.command(epilog="Example:  novacron vm move web-1 --node host-2")
@told
async def move(
    context: typer.Context,
    vm: VmArgument,
    node: Annotated[str, typer.Option(help="Where to: its id or name; any other node that fits without it.")] = "",
    grace: GraceOption = None,
    wait: WaitOption = True,
    output: OutputOption = Output.TABLE,
) -> None:
    """Move a VM to another node with its disk. A running one is shut down, moved and started again. For operators."""
    from novacron.api.vm.v1 import VM_STATE_RUNNING, VM_STATE_STOPPED, MoveVmRequest

    once = str(uuid4())

    def begin(vms: Any, vm_id: str) -> Awaitable[Any]:
        request = MoveVmRequest(vm_id=vm_id, node=node, grace_seconds=grace, request_id=once, return_immediately=True)
        return vms.MoveVm(request)

    await operate(context, vm, "moving", begin, (VM_STATE_RUNNING, VM_STATE_STOPPED), wait, output)


@app.command()
@told
async def delete(
    context: typer.Context, vm: VmArgument, wait: WaitOption = True, output: OutputOption = Output.TABLE
) -> None:
    """Delete a VM in any state, with its disk. One that is still being created is turned round first."""
    from novacron.api.vm.v1 import VM_STATE_DELETED, DeleteVmRequest

    def begin(vms: Any, vm_id: str) -> Awaitable[Any]:
        return vms.DeleteVm(DeleteVmRequest(vm_id=vm_id, return_immediately=True))

    await operate(context, vm, "deleting", begin, VM_STATE_DELETED, wait, output)


app.add_typer(vm_console.app)
