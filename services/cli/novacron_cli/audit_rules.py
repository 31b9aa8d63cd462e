"""What must hold between the services, and what to do where it does not: a pure function of one reading of all of them.

Nothing here does I/O or knows the protos, so that every rule can be shown a contradiction that was planted for it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

# A worker's lease and a minute for the sweep and for clocks that differ: nobody is about to take what is later than this.
LATEST = timedelta(seconds=70)

UNFINISHED = frozenset({"running", "compensating", "stuck"})
GONE = frozenset({"deleted", "error"})
ON_A_NODE = frozenset({"running", "stopped"})

Amounts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Vm:
    """A VM, deleted ones as well."""

    vm_id: str
    name: str
    tenant_id: str
    state: str
    saga_id: str = ""

    @property
    def is_live(self) -> bool:
        return self.state not in GONE


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


@dataclass(frozen=True, slots=True)
class Node:
    """A node, with what it counts as taken and what may be taken."""

    node_id: str
    name: str
    allocatable: Amounts = field(default_factory=dict)
    allocated: Amounts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One reading of all services. ``monitored`` are ids of VMs."""

    now: datetime
    vms: tuple[Vm, ...] = ()
    sagas: tuple[Saga, ...] = ()
    nodes: tuple[Node, ...] = ()
    reservations: tuple[Reservation, ...] = ()
    monitored: frozenset[str] = frozenset()
    # False: of a node's reservations only one tenant's were seen, so they may add up to less.
    whole: bool = True


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


def breaches(snapshot: Snapshot) -> list[Breach]:
    """Everything that contradicts something else, sagas first, because what is wrong elsewhere often follows from them."""
    working = {saga.vm_id for saga in snapshot.sagas if saga.is_unfinished}
    vms = {vm.vm_id: vm for vm in snapshot.vms}
    return [
        *_stuck(snapshot, vms),
        *_abandoned(snapshot, vms),
        *_lock_of_a_finished_saga(snapshot),
        *_twins(snapshot),
        *_leaked(snapshot, vms, working),
        *_missing(snapshot, working),
        *_nodes(snapshot),
    ]


def _stuck(snapshot: Snapshot, vms: Mapping[str, Vm]) -> Iterator[Breach]:
    for saga in snapshot.sagas:
        if saga.state == "stuck":
            yield Breach(
                "stuck-saga",
                saga.saga_id,
                _saga(saga, vms),
                f"can go neither forward nor back: {saga.error or 'no reason was kept'}",
                f"novacron saga show {saga.saga_id}; mend the cause, then novacron saga retry {saga.saga_id}"
                " (or skip, compensate, resolve)",
            )


def _abandoned(snapshot: Snapshot, vms: Mapping[str, Vm]) -> Iterator[Breach]:
    for saga in snapshot.sagas:
        if saga.state not in ("running", "compensating"):
            continue
        if saga.taken_or_due is None:
            what, advice = "is unfinished, and neither leased nor due: no worker will ever take it", ""
        elif saga.taken_or_due + LATEST < snapshot.now:
            late = (snapshot.now - saga.taken_or_due).total_seconds()
            what, advice = (
                f"has been due for {late:.0f} s and no worker takes it",
                "is the vm service up? novacron status; ",
            )
        else:
            continue
        yield Breach(
            "abandoned-saga",
            saga.saga_id,
            _saga(saga, vms),
            what,
            f"{advice}novacron saga show {saga.saga_id}; its version may be one that no running worker knows",
            evidence=str(saga.taken_or_due),
        )


def _lock_of_a_finished_saga(snapshot: Snapshot) -> Iterator[Breach]:
    """A VM that a finished saga still holds takes no operation any more."""
    sagas = {saga.saga_id: saga for saga in snapshot.sagas}
    for vm in snapshot.vms:
        saga = sagas.get(vm.saga_id)
        if vm.saga_id and (saga is None or not saga.is_unfinished):
            yield Breach(
                "vm-held-by-finished-saga",
                vm.vm_id,
                _vm(vm),
                f"waits for the saga {vm.saga_id}, which {f'is {saga.state}' if saga else 'is not there'}",
                f"novacron saga show {vm.saga_id}; novacron vm delete {vm.vm_id} if it takes no other operation",
                evidence=vm.saga_id,
            )


def _twins(snapshot: Snapshot) -> Iterator[Breach]:
    named = defaultdict(list)
    for vm in snapshot.vms:
        if vm.state != "deleted":
            named[vm.tenant_id, vm.name].append(vm)
    for (tenant_id, name), found in named.items():
        if len(found) > 1:
            ids = sorted(vm.vm_id for vm in found)
            yield Breach(
                "two-vms-of-one-name",
                f"{tenant_id}/{name}",
                f"vm {name}",
                f"is the name of {len(ids)} VMs of the tenant {tenant_id}: {', '.join(ids)}",
                "novacron vm show each, and novacron vm delete ID the one that is not wanted",
            )


def _leaked(snapshot: Snapshot, vms: Mapping[str, Vm], working: set[str]) -> Iterator[Breach]:
    """What is held for no one: neither a live VM nor a saga that may yet give it back."""
    kept = {vm.vm_id for vm in snapshot.vms if vm.is_live} | working
    held = [("reservation-without-vm", "a reservation is held", one.vm_id) for one in snapshot.reservations]
    held += [("monitoring-without-vm", "its samples are kept", vm_id) for vm_id in sorted(snapshot.monitored)]
    for invariant, what, vm_id in held:
        if vm_id in kept:
            continue
        vm = vms.get(vm_id)
        why = f"it is {vm.state}" if vm else "there is no such VM"
        again = vm is not None and vm.state == "error"
        yield Breach(
            invariant,
            vm_id,
            _vm(vm) if vm else f"vm {vm_id}",
            f"{what} though {why}, and no saga works on it",
            f"novacron vm delete {vm_id}: a delete gives all of it back"
            if again
            else f"novacron saga show {vm_id} says how it came to this; no command gives it back",
        )


def _missing(snapshot: Snapshot, working: set[str]) -> Iterator[Breach]:
    """What a VM should have. One that a saga works on may lack it for now."""
    reserved = {one.vm_id for one in snapshot.reservations}
    for vm in snapshot.vms:
        if vm.vm_id in working:
            continue
        advice = f"novacron saga show {vm.vm_id}; delete the VM and create it again when its data can be spared"
        if vm.state in ON_A_NODE and vm.vm_id not in reserved:
            what = f"is {vm.state} and holds no reservation: its node may promise the same place to another"
            yield Breach("vm-without-reservation", vm.vm_id, _vm(vm), what, advice)
        if vm.state == "running" and vm.vm_id not in snapshot.monitored:
            what = "runs and its samples are dropped: nothing is monitored of it"
            yield Breach("vm-without-monitoring", vm.vm_id, _vm(vm), what, advice)


def _nodes(snapshot: Snapshot) -> Iterator[Breach]:
    sums: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for one in snapshot.reservations:
        sums[one.node_id].update(one.amounts)
    for node in snapshot.nodes:
        wrong = [
            (name, taken, sums[node.node_id][name])
            for name, taken in node.allocated.items()
            if taken < sums[node.node_id][name] or (snapshot.whole and taken > sums[node.node_id][name])
        ]
        if wrong:
            yield Breach(
                "node-sum",
                node.node_id,
                f"node {node.name}",
                "counts as taken what its reservations do not add up to: "
                + "; ".join(f"{name} {taken}, held {held}" for name, taken, held in wrong),
                f"novacron node drain {node.name} keeps new VMs away while it is looked into",
                # Where VMs come and go between the two reads the difference differs each time; a leak's does not.
                evidence=str([(name, taken - held) for name, taken, held in wrong]),
            )
        above = [
            f"{name} {taken} of {node.allocatable.get(name, 0)}"
            for name, taken in node.allocated.items()
            if taken > node.allocatable.get(name, 0)
        ]
        if above:
            yield Breach(
                "node-above-capacity",
                node.node_id,
                f"node {node.name}",
                f"has promised more than it may: {'; '.join(above)}",
                "did the host lose memory, disk or cores? give them back, or delete VMs that are on it",
            )


def in_both(first: Iterable[Breach], second: Iterable[Breach]) -> list[Breach]:
    """What was broken twice, as it was told the second time."""
    before = set(first)
    return [breach for breach in second if breach in before]


def _vm(vm: Vm) -> str:
    return f"vm {vm.name}"


def _saga(saga: Saga, vms: Mapping[str, Vm]) -> str:
    vm = vms.get(saga.vm_id)
    return f"{saga.name} of {vm.name if vm else saga.vm_id}"
