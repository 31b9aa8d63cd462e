"""What must hold of VMs that gave way to others: they are off, and hold no place."""

from __future__ import annotations

from collections.abc import Iterator

from novacron_cli.audit_facts import Breach, Snapshot


def displaced(snapshot: Snapshot) -> Iterator[Breach]:
    """Every VM without a place that uses one all the same. Of a VM that a saga works on nothing is said."""
    running = {domain.vm_id for domain in snapshot.domains if domain.runs}
    holding = {one.vm_id for one in snapshot.reservations}
    for vm in snapshot.vms:
        if not vm.displaced or not vm.is_live or vm.vm_id in snapshot.at_work:
            continue
        node = snapshot.node_names.get(vm.node_id, vm.node_id)
        if vm.state not in ("stopped", "unknown") or vm.vm_id in running:
            yield Breach(
                "displaced-vm-runs",
                vm.vm_id,
                f"vm {vm.name}",
                f"runs on {node}, where it gave its place to another, which was promised what it uses",
                f"novacron vm stop {vm.name}, then novacron vm start {vm.name}, which asks for a place again; a domain that"
                " runs though its VM is stopped was started on the host itself: shut it down there",
            )
        elif vm.vm_id in holding:
            yield Breach(
                "displaced-vm-holds-place",
                vm.vm_id,
                f"vm {vm.name}",
                f"gave its place on {node} to another, and holds one all the same",
                f"novacron vm delete {vm.name} gives it back; its decision tells since when: novacron vm why {vm.name}",
            )
