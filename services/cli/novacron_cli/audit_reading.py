"""All services read into one snapshot for the audit: every page of every list."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from novacron.api.auth.v1 import USER_ROLE_ADMIN, ValidateTokenRequest
from novacron.api.monitoring.v1 import ListVmMonitoringRequest
from novacron.api.saga.v1 import ListSagasRequest, SagaState
from novacron.api.scheduler.v1 import ListNodesRequest, ListReservationsRequest
from novacron.api.vm.v1 import ListNodeDomainsRequest, ListVmsRequest, VmState
from novacron.errors import NovacronError, PermissionDenied
from novacron_cli.audit_facts import Amounts, Domain, Node, Reservation, Saga, Snapshot, Vm
from novacron_cli.connection import Connection
from novacron_cli.finding import everything
from novacron_cli.words import word

_NODES_AT_ONCE = 16
_COUNTED = ("cpu_cores", "memory_mib", "storage_gib", "network_bandwidth_mbps", "gpu_count")


async def sees_all_tenants(connection: Connection) -> bool:
    """Whether the lists have every tenant's rows, as an admin's have, and not one tenant's alone."""
    ((_, bearer),) = await connection.session.metadata()
    token = bearer.removeprefix("Bearer ")
    answer = await connection.auth.ValidateToken(ValidateTokenRequest(access_token=token))
    return bool(answer.user.role == USER_ROLE_ADMIN)


async def read(connection: Connection, *, whole: bool) -> Snapshot:
    """Read everything once. The lists are not of one instant: what moves meanwhile may look broken, and is read again."""
    vms, sagas, nodes, reservations, monitorings = await asyncio.gather(
        everything(connection.vms.ListVms, ListVmsRequest(show_deleted=True), "vms"),
        everything(connection.sagas("vm").ListSagas, ListSagasRequest(), "sagas"),
        everything(connection.nodes.ListNodes, ListNodesRequest(), "nodes"),
        everything(connection.reservations.ListReservations, ListReservationsRequest(), "reservations"),
        everything(connection.metrics.ListVmMonitoring, ListVmMonitoringRequest(), "monitorings"),
    )
    found, unread = await _domains(connection, nodes) if whole else ([], {})
    return Snapshot(
        now=datetime.now(UTC),
        vms=tuple(map(_vm, vms)),
        sagas=tuple(map(_saga, sagas)),
        nodes=tuple(
            Node(node.node_id, node.name, _amounts(node.allocatable), _amounts(node.allocated)) for node in nodes
        ),
        reservations=tuple(
            Reservation(one.vm_id, one.node.node_id, _amounts(_counted(one)), one.decision_id) for one in reservations
        ),
        monitored=frozenset(one.vm_id for one in monitorings),
        whole=whole,
        domains=tuple(found),
        unread=unread if whole else {node.node_id: "only an admin may read it" for node in nodes},
    )


async def _domains(connection: Connection, nodes: Sequence[Any]) -> tuple[list[Domain], dict[str, str]]:
    """What all nodes' agents have, and why that of some is not known."""
    found: list[Domain] = []
    unread: dict[str, str] = {}
    few = asyncio.Semaphore(_NODES_AT_ONCE)

    async def ask(node: Any) -> None:
        try:
            async with few:
                answer = await connection.repairs.ListNodeDomains(ListNodeDomainsRequest(node_id=node.node_id))
        except PermissionDenied:
            raise
        except NovacronError as error:
            unread[node.node_id] = error.message
        else:
            if answer.unreachable:
                unread[node.node_id] = answer.unreachable
            found.extend(_domain(one, node.node_id) for one in answer.domains)

    await asyncio.gather(*map(ask, nodes))
    return found, unread


def _vm(vm: Any) -> Vm:
    state, displaced = word(VmState, vm.state), vm.HasField("displaced_at")
    return Vm(vm.vm_id, vm.name, vm.tenant_id, state, vm.saga_id, vm.node_id, displaced)


def _domain(domain: Any, node_id: str) -> Domain:
    return Domain(domain.vm_id, domain.name, node_id, runs=domain.power_state == "running")


def _saga(saga: Any) -> Saga:
    # A create has its VM's id for its own; every other saga of a VM names it in its parameters.
    vm_id = str(saga.params["vm_id"]) if "vm_id" in saga.params else saga.saga_id
    state = word(SagaState, saga.state)
    error = f"{saga.error}; it had turned back because of {saga.cause}" if saga.cause else saga.error
    return Saga(saga.saga_id, saga.name, state, vm_id, _latest((saga.lease_until, saga.due_at)), error)


def _latest(timestamps: Sequence[Any]) -> datetime | None:
    return max((one.ToDatetime(UTC) for one in timestamps if one.seconds), default=None)


def _counted(reservation: Any) -> Any:
    """What it counts for on its node; for an older scheduler that is all that it holds."""
    return reservation.footprint if reservation.HasField("footprint") else reservation.resources


def _amounts(resources: Any) -> Amounts:
    return {name: getattr(resources, name) for name in _COUNTED}
