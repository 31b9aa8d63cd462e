"""How a VM looks in a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from novacron_cli.connection import Connection
from novacron_cli.output import Columns, Output, as_json, write_data, write_list, write_one
from novacron_cli.words import ago, gib, mib, pairs, when, word


async def write_vms(connection: Connection, vms: Sequence[Any], output: Output) -> None:
    """A row for each VM, or an array of them."""
    write_list(vms, _columns(await _nodes(connection, vms, output)), output)


async def write_row(connection: Connection, vm: Any, output: Output) -> None:
    """One VM as a table of one row, or as an object: what a command that changed it answers."""
    if output is Output.TABLE:
        await write_vms(connection, [vm], output)
    else:
        write_data(as_json(vm), output)


async def write_vm(connection: Connection, vm: Any, output: Output) -> None:
    """Everything about one VM."""
    write_one(vm, _fields(await _nodes(connection, [vm], output)), output)


async def _nodes(connection: Connection, vms: Sequence[Any], output: Output) -> dict[str, str]:
    from novacron_cli import finding

    return await finding.node_names(connection, (vm.node_id for vm in vms)) if output is Output.TABLE else {}


def _state(vm: Any) -> str:
    from novacron.api.vm.v1 import VmState

    # A stopped VM has its place, one that gave way to another has not.
    return word(VmState, vm.state) + (", gave way" if vm.displaced_at.seconds else "")


def _columns(nodes: Mapping[str, str]) -> Columns:
    return {
        "name": lambda vm: vm.name,
        "state": _state,
        "node": lambda vm: nodes.get(vm.node_id, vm.node_id),
        "address": lambda vm: vm.ip_address,
        "cpu": lambda vm: str(vm.spec.cpu_cores or ""),
        "memory": lambda vm: mib(vm.spec.memory_mib),
        "disk": lambda vm: gib(vm.spec.storage_gib),
        "age": lambda vm: ago(vm.created_at),
        "id": lambda vm: vm.vm_id,
    }


def _fields(nodes: Mapping[str, str]) -> Columns:
    from novacron.api.types.v1 import AllocationType, HypervisorType

    return {
        "name": lambda vm: vm.name,
        "id": lambda vm: vm.vm_id,
        "display name": lambda vm: vm.display_name,
        "description": lambda vm: vm.description,
        "state": _state,
        "error": lambda vm: vm.error,
        "operation": lambda vm: f"{vm.operation} (novacron saga show {vm.saga_id})" if vm.saga_id else "",
        "node": lambda vm: nodes.get(vm.node_id, vm.node_id),
        "address": lambda vm: vm.ip_address,
        "cpu": lambda vm: str(vm.spec.cpu_cores or ""),
        "memory": lambda vm: mib(vm.spec.memory_mib),
        "disk": lambda vm: gib(vm.spec.storage_gib),
        "image": lambda vm: vm.spec.base_image,
        "hypervisor": lambda vm: word(HypervisorType, vm.hypervisor_type),
        "node labels": lambda vm: pairs(vm.spec.node_labels),
        "groups": lambda vm: ", ".join(vm.spec.groups),
        "allocation": lambda vm: word(AllocationType, vm.spec.allocation_type),
        "priority": lambda vm: str(vm.spec.priority),
        "gave way": lambda vm: when(vm.displaced_at),
        "template": lambda vm: vm.template_id,
        "tags": lambda vm: pairs(vm.tags),
        "owner": lambda vm: vm.owner_id,
        "tenant": lambda vm: vm.tenant_id,
        "created": lambda vm: when(vm.created_at),
        "updated": lambda vm: when(vm.updated_at),
        "deleted": lambda vm: when(vm.deleted_at),
    }
