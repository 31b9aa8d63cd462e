"""Nodes as tables show them."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from novacron_cli.output import Columns
from novacron_cli.words import ago, pairs, size, when, word

NodeArgument = Annotated[str, typer.Argument(metavar="NODE", help="Id or name of the node.")]


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


COLUMNS: Columns = {
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
FIELDS: Columns = {
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
    "lost since": lambda node: when(node.lost_at),
    "recent failures": lambda node: str(node.recent_failures or ""),
    "epoch": lambda node: str(node.epoch or ""),
}


def _resources(resources: Any) -> str:
    gpus = f", {resources.gpu_count} GPU {resources.gpu_type}".rstrip() if resources.gpu_count else ""
    return f"{resources.cpu_cores} CPU, {_memory(resources)} memory, {_disk(resources)} disk{gpus}"
