"""What must hold between the services, and what to do where it does not: a pure function of one reading of all of them.

Nothing here does I/O or knows the protos, so that every rule can be shown a contradiction that was planted for it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

from novacron_cli.audit_displaced import displaced
from novacron_cli.audit_domains import domains
from novacron_cli.audit_facts import LATEST, ON_A_NODE, Breach, Repair, RepairAction, Saga, Snapshot, Vm


def breaches(snapshot: Snapshot) -> list[Breach]:
    """Everything that contradicts something else, sagas first, because what is wrong elsewhere often follows from them."""
    vms = {vm.vm_id: vm for vm in snapshot.vms}
    return [
        *_stuck(snapshot, vms),
        *_abandoned(snapshot, vms),
        *_lock_of_a_finished_saga(snapshot),
        *_twins(snapshot),
        *domains(snapshot, vms),
        *_leaked_reservations(snapshot, vms),
        *_leaked_monitoring(snapshot, vms),
        *_missing(snapshot),
        *displaced(snapshot),
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


def _leaked_reservations(snapshot: Snapshot, vms: Mapping[str, Vm]) -> Iterator[Breach]:
    """What is held for no one, or where its VM is not: nobody uses it, and no saga may yet give it back."""
    for one in snapshot.reservations:
        vm = vms.get(one.vm_id)
        if one.vm_id in snapshot.at_work:
            continue
        node = snapshot.node_names.get(one.node_id, one.node_id)
        if vm is None or not vm.is_live:
            invariant, what = "reservation-without-vm", f"a place on {node} is held though {_gone(vm)}"
        elif vm.node_id and one.node_id != vm.node_id:
            where = snapshot.node_names.get(vm.node_id, vm.node_id)
            invariant, what = "reservation-elsewhere", f"a place on {node} is held though the VM is on {where}"
        else:
            continue
        words = f"release the place on {node} of {_name(vm, one.vm_id)}"
        repair = Repair(RepairAction.RELEASE_RESERVATION, words, one.vm_id, one.node_id, one.decision_id)
        safe = vm is None or vm.is_live or vm.is_gone
        yield Breach(
            invariant,
            one.vm_id,
            _name(vm, one.vm_id),
            f"{what}, and no saga works on it",
            "novacron audit --fix gives it back, once no domain of it is on the node" if safe else _delete(one.vm_id),
            # The leak is this reservation: one that is made and moved while the audit looks is another each time.
            evidence=one.decision_id or one.node_id,
            repair=repair if safe else None,
        )


def _leaked_monitoring(snapshot: Snapshot, vms: Mapping[str, Vm]) -> Iterator[Breach]:
    for vm_id in sorted(snapshot.monitored - snapshot.at_work):
        vm = vms.get(vm_id)
        if vm is not None and vm.is_live:
            continue
        name, safe = _name(vm, vm_id), vm is None or vm.is_gone
        repair = Repair(RepairAction.DELETE_MONITORING, f"end the monitoring of {name}", vm_id)
        yield Breach(
            "monitoring-without-vm",
            vm_id,
            name,
            f"its samples are kept though {_gone(vm)}, and no saga works on it",
            "novacron audit --fix ends it" if safe else _delete(vm_id),
            repair=repair if safe else None,
        )


def _missing(snapshot: Snapshot) -> Iterator[Breach]:
    """What a VM should have. One that a saga works on may lack it for now."""
    places = defaultdict(set)
    for one in snapshot.reservations:
        places[one.vm_id].add(one.node_id)
    for vm in snapshot.vms:
        if vm.vm_id in snapshot.at_work:
            continue
        held = places[vm.vm_id]
        if vm.state in ON_A_NODE and not vm.displaced and not (vm.node_id in held if vm.node_id else held):
            yield Breach(
                "vm-without-reservation",
                vm.vm_id,
                _vm(vm),
                f"is {vm.state} and holds no place on its node, which may promise it to another",
                f"novacron saga show {vm.vm_id}; delete the VM and create it again when its data can be spared",
            )
        if vm.state == "running" and vm.vm_id not in snapshot.monitored:
            yield Breach(
                "vm-without-monitoring",
                vm.vm_id,
                _vm(vm),
                "runs and its samples are dropped: nothing is monitored of it",
                "novacron audit --fix has it monitored again",
                repair=Repair(RepairAction.RESTORE_MONITORING, f"monitor {_vm(vm)} again", vm.vm_id),
            )


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


def _gone(vm: Vm | None) -> str:
    return f"the VM is {vm.state}" if vm else "there is no such VM"


def _delete(vm_id: str) -> str:
    return f"novacron vm delete {vm_id}: a delete gives all of it back"


def _name(vm: Vm | None, vm_id: str) -> str:
    return _vm(vm) if vm else f"vm {vm_id}"


def _vm(vm: Vm) -> str:
    return f"vm {vm.name}"


def _saga(saga: Saga, vms: Mapping[str, Vm]) -> str:
    vm = vms.get(saga.vm_id)
    return f"{saga.name} of {vm.name if vm else saga.vm_id}"
