"""`novacron audit` and VMs that gave way to others."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from novacron_cli.audit_facts import Domain, Node, Reservation, Saga, Snapshot, Vm
from novacron_cli.audit_rules import breaches

NOW = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
TWO = {"cpu_cores": 2}
CONSISTENT = Snapshot(
    now=NOW,
    vms=(
        Vm("v1", "web-1", "t", "running", node_id="n1"),
        Vm("v2", "batch-1", "t", "stopped", node_id="n1", displaced=True),
        Vm("v3", "batch-2", "t", "unknown", node_id="n1", displaced=True),
        Vm("v4", "batch-3", "t", "deleted", node_id="n1", displaced=True),
    ),
    nodes=(Node("n1", "host-1", {"cpu_cores": 2}, TWO),),
    reservations=(Reservation("v1", "n1", TWO),),
    domains=(Domain("v1", "web-1", "n1", runs=True), Domain("v2", "batch-1", "n1"), Domain("v3", "batch-2", "n1")),
    monitored=frozenset({"v1", "v2", "v3"}),
)


def found(**changes):
    return [(one.invariant, one.subject_id) for one in breaches(replace(CONSISTENT, **changes))]


def with_vm(vm_id, **changes):
    return tuple(replace(one, **changes) if one.vm_id == vm_id else one for one in CONSISTENT.vms)


def test_a_vm_that_gave_way_and_keeps_off_contradicts_nothing():
    assert breaches(CONSISTENT) == []


def test_one_that_runs_without_a_place_is_found_by_its_state_and_by_its_domain():
    assert found(vms=with_vm("v2", state="running")) == [("displaced-vm-runs", "v2")]
    domains = tuple(replace(one, runs=True) if one.vm_id == "v2" else one for one in CONSISTENT.domains)
    assert found(domains=domains) == [("displaced-vm-runs", "v2")]
    (breach,) = breaches(replace(CONSISTENT, domains=domains))
    assert "runs on host-1, where it gave its place to another" in breach.what
    assert "novacron vm start batch-1" in breach.advice


def test_one_that_holds_a_place_all_the_same_is_found():
    nodes = (Node("n1", "host-1", {"cpu_cores": 4}, {"cpu_cores": 4}),)
    reservations = (*CONSISTENT.reservations, Reservation("v2", "n1", TWO))
    assert found(nodes=nodes, reservations=reservations) == [("displaced-vm-holds-place", "v2")]
    readmitted = Saga("s", "readmit-vm", "running", "v2", NOW + timedelta(seconds=5))
    assert found(nodes=nodes, reservations=reservations, sagas=(readmitted,)) == [], "it is being given one"


@pytest.mark.parametrize("state", ["stopped", "unknown"])
def test_one_without_a_place_that_gave_way_to_nobody_is_found(state):
    assert found(vms=with_vm("v2", displaced=False, state=state)) == [("vm-without-reservation", "v2")]
