"""``novacron node``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from novacron_cli import quantities
from novacron_cli.connection import connect
from novacron_cli.failure import told
from novacron_cli.options import FilterOption, LimitOption
from novacron_cli.output import Columns, Output, OutputOption, say, write_list, write_one
from novacron_cli.words import ago, pairs, size, when, word

app = typer.Typer(no_args_is_help=True, help="Nodes: the hosts that run VMs.")

NodeArgument = Annotated[str, typer.Argument(metavar="NODE", help="Id or name of the node.")]


@app.command("list", epilog="Example:  novacron node list --status ready --label disk=ssd")
@told
async def list_nodes(
    context: typer.Context,
    status: Annotated[str, typer.Option(help="Only nodes in this state: ready, not_ready, maintenance.")] = "",
    label: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="Only nodes with this label.")] = None,
    filter: FilterOption = "",
    limit: LimitOption = 0,
    output: OutputOption = Output.TABLE,
) -> None:
    """List nodes by name, with what VMs have taken of what they may take."""
    labels = quantities.pairs(label or ())
    from novacron.api.scheduler.v1 import ListNodesRequest
    from novacron_cli import finding

    async with connect(context) as connection:
        conditions = finding.conditions(
            f"status = {finding.quoted(status.lower())}" if status else "",
            *(f"labels.{key} = {finding.quoted(value)}" for key, value in labels.items()),
            filter,
        )
        request = ListNodesRequest(filter=conditions)
        nodes = await finding.everything(connection.nodes.ListNodes, request, "nodes", limit)
        write_list(nodes, _COLUMNS, output)


@app.command()
@told
async def show(context: typer.Context, node: NodeArgument, output: OutputOption = Output.TABLE) -> None:
    """Show one node."""
    from novacron.api.scheduler.v1 import GetNodeRequest

    async with connect(context) as connection:
        write_one(await connection.nodes.GetNode(GetNodeRequest(node=node)), _FIELDS, output)


@app.command(epilog="Example:  novacron node drain host-1;  later  novacron node drain host-1 --undo")
@told
async def drain(
    context: typer.Context,
    node: NodeArgument,
    undo: Annotated[bool, typer.Option("--undo", help="Let it take VMs again.")] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Let a node take no new VMs. Those on it stay where they are."""
    from novacron.api.scheduler.v1 import DrainNodeRequest

    async with connect(context) as connection:
        drained = await connection.nodes.DrainNode(DrainNodeRequest(node=node, undo=undo))
        say(f"{drained.name} takes VMs again" if undo else f"{drained.name} takes no new VMs")
        write_one(drained, _FIELDS, output)


def _status(node: Any) -> str:
    from novacron.api.scheduler.v1 import NodeStatus

    return word(NodeStatus, node.status)


def _kind(node: Any) -> str:
    from novacron.api.scheduler.v1 import NodeType

    return word(NodeType, node.node_type)


def _hypervisors(node: Any) -> str:
    from novacron.api.types.v1 import HypervisorType

    return ", ".join(word(HypervisorType, one) for one in node.hypervisor_types)


def _memory(resources: Any) -> str:
    return size(resources.memory_mib * 1024**2)


def _disk(resources: Any) -> str:
    return size(resources.storage_gib * 1024**3)


_COLUMNS: Columns = {
    "name": lambda node: node.name,
    "status": _status,
    "cpu": lambda node: f"{node.allocated.cpu_cores} of {node.allocatable.cpu_cores}",
    "memory": lambda node: f"{_memory(node.allocated)} of {_memory(node.allocatable)}",
    "disk": lambda node: f"{_disk(node.allocated)} of {_disk(node.allocatable)}",
    "hypervisor": _hypervisors,
    "region": lambda node: node.region,
    "zone": lambda node: node.availability_zone,
    "heard": lambda node: f"{ago(node.last_heartbeat)} ago" if node.last_heartbeat.seconds else "never",
}
_FIELDS: Columns = {
    "name": lambda node: node.name,
    "id": lambda node: node.node_id,
    "status": _status,
    "description": lambda node: node.description,
    "type": _kind,
    "hostname": lambda node: node.hostname,
    "address": lambda node: node.ip_address,
    "agent": lambda node: node.agent_address,
    "cluster": lambda node: node.cluster_id,
    "region": lambda node: node.region,
    "zone": lambda node: node.availability_zone,
    "hypervisors": _hypervisors,
    "capacity": lambda node: _resources(node.capacity),
    "allocatable": lambda node: _resources(node.allocatable),
    "allocated": lambda node: _resources(node.allocated),
    "labels": lambda node: pairs(node.labels),
    "taints": lambda node: ", ".join(f"{taint.key}={taint.value}" for taint in node.taints),
    "last heartbeat": lambda node: when(node.last_heartbeat),
}


def _resources(resources: Any) -> str:
    gpus = f", {resources.gpu_count} GPU {resources.gpu_type}".rstrip() if resources.gpu_count else ""
    return f"{resources.cpu_cores} CPU, {_memory(resources)} memory, {_disk(resources)} disk{gpus}"
