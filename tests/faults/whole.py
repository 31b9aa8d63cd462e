"""The truth about a stack, read where it is kept: every service's database, and the agents.

``Whole.broken`` is the list of all that contradicts itself. It is empty when each VM either runs exactly once, with its
allocation and its samples, or is gone everywhere. It knows nothing of what was done to the stack, and so serves any test.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from novacron.api.agent.v1 import POWER_STATE_RUNNING, AgentServiceStub, Domain, ListVmsRequest
from novacron.rpc.channel import Channel
from novacron.testing.patience import eventually
from novacron_local.layout import DATABASES

from ..e2e.stack import Stack

Row = dict[str, Any]
_RESOURCES = {"cpu_cores": "cpu_cores", "memory_mb": "memory_mib", "storage_gb": "storage_gib"}  # column -> in the spec


@dataclass(frozen=True)
class Whole:
    """What each part of the stack says at one moment."""

    vms: list[Row]
    sagas: list[Row]
    allocations: list[Row]
    nodes: list[Row]
    targets: list[UUID]
    domains: list[tuple[UUID, Domain]]  # with the node that each is on

    @property
    def live(self) -> dict[UUID, Row]:
        """The VMs that exist, running or stopped."""
        return {vm["id"]: vm for vm in self.vms if vm["state"] in ("running", "stopped")}

    @property
    def displaced(self) -> set[UUID]:
        """The VMs that gave way to others: stopped, and without a place."""
        return {vm_id for vm_id, vm in self.live.items() if vm["displaced_at"] is not None}

    def broken(self) -> list[str]:
        """Each contradiction as a sentence; the numbers are those of the saga's invariants."""
        return [*self._sagas(), *self._vms(), *self._domains(), *self._allocations(), *self._targets()]

    def _sagas(self) -> Iterator[str]:
        for saga in self.sagas:  # 1
            if saga["state"] not in ("succeeded", "compensated"):
                yield f"saga {saga['saga_id']} ({saga['name']}) is {saga['state']}: {saga['error']}"

    def _vms(self) -> Iterator[str]:
        created = {saga["saga_id"]: saga["state"] for saga in self.sagas if saga["name"] == "create-vm"}
        for vm in self.vms:
            if vm["state"] not in ("running", "stopped", "error", "deleted"):
                yield f"VM {vm['id']} stays {vm['state']}"
            if vm["saga_id"] is not None:
                yield f"VM {vm['id']} is held by saga {vm['saga_id']}, which does not work on it"
            if vm["id"] in self.live and created.get(vm["id"]) != "succeeded":  # 3
                yield f"VM {vm['id']} is {vm['state']}, and its create is {created.get(vm['id'])}"

    def _domains(self) -> Iterator[str]:
        counted = Counter(UUID(domain.vm_id) for _, domain in self.domains)
        for vm_id, count in counted.items():  # 3, 4
            if vm_id not in self.live:
                yield f"domain {vm_id} has no VM"
            if count > 1:
                yield f"VM {vm_id} has {count} domains"
        power = {UUID(domain.vm_id): (node, domain.power_state) for node, domain in self.domains}
        for vm_id, vm in self.live.items():
            node, power_state = power.get(vm_id, (None, None))
            if node != vm["node_id"]:
                yield f"VM {vm_id} is {vm['state']} on node {vm['node_id']}, and its domain on {node}"
            elif (power_state == POWER_STATE_RUNNING) != (vm["state"] == "running"):
                yield f"VM {vm_id} is {vm['state']}, and its domain is in power state {power_state}"

    def _allocations(self) -> Iterator[str]:
        held = {row["vm_id"]: row for row in self.allocations if row["status"] != "deallocated"}
        places = Counter(row["vm_id"] for row in self.allocations if row["status"] != "deallocated")
        for vm_id, count in places.items():  # 2: a move gives one of them back
            if count > 1:
                yield f"VM {vm_id} holds {count} places"
            elif vm_id in self.live and held[vm_id]["node_id"] != self.live[vm_id]["node_id"]:
                yield f"VM {vm_id} is on node {self.live[vm_id]['node_id']}, and its place on {held[vm_id]['node_id']}"
        for vm_id in held.keys() - self.live.keys():  # 2
            yield f"an allocation for VM {vm_id}, which does not exist"
        for vm_id in self.live.keys() - held.keys() - self.displaced:  # 3
            yield f"no allocation for VM {vm_id}"
        for vm_id in held.keys() & self.displaced:
            yield f"VM {vm_id} gave its place to another, and holds one"
        for row in held.values():
            if row["yields_to"] is not None:
                yield f"VM {row['vm_id']} has yet to give way to VM {row['yields_to']}"
        for vm_id in self.live.keys() & held.keys():
            if held[vm_id]["confirmed_at"] is None:
                yield f"the allocation of VM {vm_id} was never confirmed"
            for column, field in _RESOURCES.items():
                has, holds = self.live[vm_id]["resource_config"][field], held[vm_id][column]
                if has != holds:
                    yield f"VM {vm_id} has {has} {field}, and holds {holds}"
        for node in self.nodes:  # 6
            there = [row["footprint"] for row in held.values() if row["node_id"] == node["id"]]
            for number, column in enumerate(_RESOURCES):
                figures = {
                    "the node": node[f"allocated_{column}"],
                    "its allocations": sum(footprint[number] for footprint in there),
                }
                if len(set(figures.values())) > 1:
                    yield f"{column} of node {node['name']}: {figures}"

    def _targets(self) -> Iterator[str]:
        for vm_id in set(self.targets) - self.live.keys():  # 5
            yield f"monitoring waits for samples of VM {vm_id}, which does not exist"
        for vm_id in self.live.keys() - set(self.targets):
            yield f"nobody monitors VM {vm_id}"


# What is read of each service's database.
QUERIES = {
    "vm": (
        "SELECT id, name, state::text, node_id, saga_id, operation, resource_config, error, displaced_at FROM vms",
        "SELECT saga_id, name, state, error FROM saga",
    ),
    "scheduler": (
        """SELECT vm_id, node_id, cpu_cores, memory_mb, storage_gb, footprint, confirmed_at, yields_to, status::text
           FROM resource_allocations""",
        "SELECT id, name, agent_address, allocated_cpu_cores, allocated_memory_mb, allocated_storage_gb FROM nodes",
    ),
    "monitoring": ("SELECT vm_id FROM vm_monitoring",),
}


async def look(stack: Stack) -> Whole:
    """Read everything. Fails while any part of the stack is down."""
    vms, sagas = await _read(stack, "vm")
    allocations, nodes = await _read(stack, "scheduler")
    (targets,) = await _read(stack, "monitoring")
    domains = [(node["id"], domain) for node in nodes for domain in await _domains(stack, node["agent_address"])]
    return Whole(vms, sagas, allocations, nodes, [row["vm_id"] for row in targets], domains)


async def becomes_whole(stack: Stack, *, within: float = 60.0) -> Whole:
    """Wait, without a command to anyone, until nothing is broken; fails with the list of what still is."""
    return await whole_within(within, lambda: look(stack))


async def whole_within(seconds: float, look_at: Callable[[], Awaitable[Whole]]) -> Whole:
    """The same for whatever can be looked at."""
    last: list[str] = []

    async def whole() -> Whole | None:
        seen = await look_at()
        last[:] = seen.broken()
        return None if last else seen

    try:
        found = await eventually(whole, within=seconds, every=0.2)
    except AssertionError as error:
        raise AssertionError("\n".join([f"not whole within {seconds} s ({error}):", *last])) from None
    assert found is not None
    return found


async def _read(stack: Stack, service: str) -> list[list[Row]]:
    """The rows of each of the service's queries, all as of one moment."""
    url = stack.database_url(DATABASES[service])
    async with await psycopg.AsyncConnection.connect(url, row_factory=dict_row, connect_timeout=5) as connection:
        await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        return [await (await connection.execute(query)).fetchall() for query in QUERIES[service]]


async def _domains(stack: Stack, address: str) -> list[Domain]:
    identification = await asyncio.to_thread(stack.identification, "vm")
    channel = Channel("agent", address, identification.client())
    try:
        return list((await AgentServiceStub(channel).ListVms(ListVmsRequest(), timeout=5)).domains)
    finally:
        await channel.close()
