"""What must hold of domains: each belongs to a VM that lives, is where that VM is, and is there but once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from novacron_cli.audit_facts import ON_A_NODE, Breach, Domain, Repair, RepairAction, Snapshot, Vm


def domains(snapshot: Snapshot, vms: Mapping[str, Vm]) -> Iterator[Breach]:
    """Every contradiction between VMs and what is on the nodes. Of a VM that a saga works on nothing is said."""
    yield from _unread(snapshot)
    for domain in snapshot.domains:
        vm = vms.get(domain.vm_id)
        if domain.vm_id in snapshot.at_work:
            continue
        if vm is None:
            yield _unknown(snapshot, domain)
        elif vm.is_gone:
            yield _left_behind(snapshot, domain, vm)
        elif vm.node_id and domain.node_id != vm.node_id:
            yield _elsewhere(snapshot, domain, vm)
    yield from _missing(snapshot)


def _unread(snapshot: Snapshot) -> Iterator[Breach]:
    """A node on which nothing should be may be away; one that VMs depend on may not."""
    if not snapshot.whole:  # whoever sees one tenant is shown no domains
        return
    used = {one.node_id for one in snapshot.reservations} | {vm.node_id for vm in snapshot.vms if vm.is_live}
    for node in snapshot.nodes:
        if node.node_id in snapshot.unread and node.node_id in used:
            yield Breach(
                "node-unread",
                node.node_id,
                f"node {node.name}",
                f"VMs have their places there, and what it runs cannot be known: {snapshot.unread[node.node_id]}",
                f"novacron node show {node.name}; bring its agent back, then audit again",
            )


def _unknown(snapshot: Snapshot, domain: Domain) -> Breach:
    """Nobody knows of such a VM. Perhaps nobody knows any more, so this one is destroyed only when that is said."""
    node = snapshot.node_names.get(domain.node_id, domain.node_id)
    words = f"destroy the domain {domain.name} on {node}, with its disks, of which nothing is known"
    return Breach(
        "domain-without-vm",
        domain.vm_id,
        f"domain {domain.name}",
        f"is on {node}, and no such VM was ever known",
        "was an older backup of the vm service's database restored? then it is somebody's; else"
        " novacron audit --fix --destroy-unknown",
        evidence=domain.node_id,
        repair=Repair(RepairAction.DESTROY_DOMAIN, words, domain.vm_id, domain.node_id, unknown=True),
    )


def _left_behind(snapshot: Snapshot, domain: Domain, vm: Vm) -> Breach:
    node = snapshot.node_names.get(domain.node_id, domain.node_id)
    words = f"destroy the domain {domain.name} on {node}, with its disks"
    return Breach(
        "domain-without-vm",
        domain.vm_id,
        f"domain {domain.name}",
        f"is on {node} though its VM is {vm.state}, and no saga works on it",
        "novacron audit --fix destroys it, with its disks",
        evidence=domain.node_id,
        repair=Repair(RepairAction.DESTROY_DOMAIN, words, domain.vm_id, domain.node_id),
    )


def _elsewhere(snapshot: Snapshot, domain: Domain, vm: Vm) -> Breach:
    node, home = (snapshot.node_names.get(one, one) for one in (domain.node_id, vm.node_id))
    return Breach(
        "domain-elsewhere",
        domain.vm_id,
        f"vm {vm.name}",
        f"is {vm.state} on {home}, and a domain of it is on {node}",
        f"novacron vm console {vm.name} shows the one on {home}: look on both hosts which has the data, and remove the other",
        evidence=domain.node_id,
    )


def _missing(snapshot: Snapshot) -> Iterator[Breach]:
    found = defaultdict(set)
    for domain in snapshot.domains:
        found[domain.vm_id].add(domain.node_id)
    read = snapshot.node_names.keys() - snapshot.unread.keys()
    for vm in snapshot.vms:
        if vm.state not in ON_A_NODE or vm.vm_id in snapshot.at_work or vm.node_id not in read:
            continue
        if vm.node_id not in found[vm.vm_id]:
            yield Breach(
                "vm-without-domain",
                vm.vm_id,
                f"vm {vm.name}",
                f"is {vm.state} on {snapshot.node_names[vm.node_id]}, which has no such domain",
                f"was the host rebuilt? its disk is gone then: novacron vm delete {vm.name}, and create it again",
            )
