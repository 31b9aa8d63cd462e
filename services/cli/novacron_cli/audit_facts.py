"""What the audit's rules are about: one reading of all services, and what contradicts itself in it. Data only."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

# A worker's lease and a minute for the sweep and for clocks that differ: nobody is about to take what is later than this.
LATEST = timedelta(seconds=70)

UNFINISHED = frozenset({"running", "compensating", "stuck"})
GONE = frozenset({"deleted", "error"})
ON_A_NODE = frozenset({"running", "stopped", "unknown"})

Amounts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Vm:
    """A VM, deleted ones as well."""

    vm_id: str
    name: str
    tenant_id: str
    state: str
    saga_id: str = ""
    node_id: str = ""
    # It gave way to another: of it only a disk and a domain that is off are on its node.
    displaced: bool = False

    @property
    def is_live(self) -> bool:
        return self.state not in GONE

    @property
    def is_gone(self) -> bool:
        """Nothing anywhere is its any more. One in error that once came to a node may still have its disk."""
        return not self.is_live and not (self.state == "error" and self.node_id)


@dataclass(frozen=True, slots=True)
class Saga:
    """A saga of the vm service. ``taken_or_due`` is until when its lease holds or when it is due, whichever is later."""

    saga_id: str
    name: str
    state: str
    vm_id: str
    taken_or_due: datetime | None = None
    error: str = ""

    @property
    def is_unfinished(self) -> bool:
        return self.state in UNFINISHED


@dataclass(frozen=True, slots=True)
class Reservation:
    """What a VM holds of a node."""

    vm_id: str
    node_id: str
    amounts: Amounts = field(default_factory=dict)
    decision_id: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """A node, with what it counts as taken and what may be taken."""

    node_id: str
    name: str
    allocatable: Amounts = field(default_factory=dict)
    allocated: Amounts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain on a node, as its agent has it."""

    vm_id: str
    name: str
    node_id: str
    runs: bool = False


@dataclass(frozen=True)
class Snapshot:
    """One reading of all services. ``monitored`` are ids of VMs; ``unread`` says of nodes why their domains are not known."""

    now: datetime
    vms: tuple[Vm, ...] = ()
    sagas: tuple[Saga, ...] = ()
    nodes: tuple[Node, ...] = ()
    reservations: tuple[Reservation, ...] = ()
    monitored: frozenset[str] = frozenset()
    # False: of a node's reservations only one tenant's were seen, so they may add up to less.
    whole: bool = True
    domains: tuple[Domain, ...] = ()
    unread: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def at_work(self) -> frozenset[str]:
        """VMs that an unfinished saga works on: what they have and lack is its business."""
        return frozenset(saga.vm_id for saga in self.sagas if saga.is_unfinished)

    @cached_property
    def node_names(self) -> Mapping[str, str]:
        """What people call the nodes, by their ids."""
        return {node.node_id: node.name for node in self.nodes}


class RepairAction(enum.IntEnum):
    """What is safe to do about a contradiction, in the order in which it is done: first what stands in the way of the next."""

    DESTROY_DOMAIN = 1
    RELEASE_RESERVATION = 2
    DELETE_MONITORING = 3
    RESTORE_MONITORING = 4


@dataclass(frozen=True, slots=True)
class Repair:
    """What --fix does about one breach, in words and for the RPC. ``unknown``: nothing was ever known of such a VM."""

    action: RepairAction
    words: str
    vm_id: str
    node_id: str = ""
    decision_id: str = ""
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class Breach:
    """One invariant that does not hold of one thing. ``invariant`` is a stable word.

    Breaches are equal when they are the same one, seen twice: ``evidence`` is what moves in a system that only works.
    """

    invariant: str
    subject_id: str
    subject: str = field(compare=False)
    what: str = field(compare=False)
    advice: str = field(compare=False)
    evidence: str = ""
    repair: Repair | None = field(default=None, compare=False)
