"""`novacron audit`: each rule against a contradiction planted for it, and the command against services."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from novacron.api.monitoring.v1 import VmMonitoring
from novacron.api.saga.v1 import SAGA_STATE_STUCK
from novacron.api.saga.v1 import Saga as ProtoSaga
from novacron.api.scheduler.v1 import Reservation as ProtoReservation
from novacron.api.vm.v1 import NodeDomain
from novacron.errors import Unimplemented
from novacron_cli.audit_facts import Node, Reservation, Saga, Snapshot, Vm
from novacron_cli.audit_rules import breaches, in_both

NOW = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
TWO = {"cpu_cores": 2, "memory_mib": 2048}
LEASED = NOW + timedelta(seconds=5)
CONSISTENT = Snapshot(
    now=NOW,
    vms=(
        Vm("v1", "web-1", "t", "running"),
        Vm("v2", "web-2", "t", "stopped"),
        Vm("v3", "web-3", "t", "creating", "v3"),
        Vm("v4", "web-1", "t", "deleted"),
        Vm("v5", "web-5", "t", "error"),
        Vm("v6", "web-1", "other tenant", "running", "d6"),
    ),
    sagas=(
        Saga("v1", "create-vm", "succeeded", "v1"),
        Saga("v3", "create-vm", "running", "v3", LEASED),
        Saga("v5", "create-vm", "compensated", "v5"),
        Saga("d6", "delete-vm", "running", "v6", LEASED),
    ),
    nodes=(Node("n1", "host-1", {"cpu_cores": 8, "memory_mib": 8192}, {"cpu_cores": 6, "memory_mib": 6144}),),
    reservations=tuple(Reservation(vm_id, "n1", TWO) for vm_id in ("v1", "v2", "v3")),
    monitored=frozenset({"v1", "v2"}),
)


def found(**changes):
    """(invariant, id) of everything broken once this is changed."""
    return [(one.invariant, one.subject_id) for one in breaches(replace(CONSISTENT, **changes))]


def with_saga(saga_id, **changes):
    return tuple(replace(one, **changes) if one.saga_id == saga_id else one for one in CONSISTENT.sagas)


def with_vm(vm_id, **changes):
    return tuple(replace(one, **changes) if one.vm_id == vm_id else one for one in CONSISTENT.vms)


def node(cpu_cores, allocatable=8):
    taken = {"cpu_cores": cpu_cores, "memory_mib": 6144}
    return (Node("n1", "host-1", {"cpu_cores": allocatable, "memory_mib": 8192}, taken),)


def test_vms_at_rest_and_sagas_at_work_contradict_nothing():
    assert breaches(CONSISTENT) == []


def test_a_stuck_saga_says_why_and_what_an_operator_may_do():
    (breach,) = breaches(replace(CONSISTENT, sagas=with_saga("v3", state="stuck", error="provision: disk is busy")))
    assert (breach.invariant, breach.subject) == ("stuck-saga", "create-vm of web-3")
    assert "disk is busy" in breach.what
    assert "novacron saga show v3" in breach.advice
    assert "novacron saga retry v3 (or skip, compensate, resolve)" in breach.advice


@pytest.mark.parametrize(
    ("due", "expected"),
    [
        (None, [("abandoned-saga", "v3")]),
        (NOW - timedelta(seconds=71), [("abandoned-saga", "v3")]),
        (NOW - timedelta(seconds=69), []),
        (NOW + timedelta(hours=1), []),
    ],
)
def test_an_unfinished_saga_is_leased_or_due_and_not_long_overdue(due, expected):
    assert found(sagas=with_saga("v3", taken_or_due=due)) == expected


@pytest.mark.parametrize("saga_id", ["v1", "nobody"])
def test_a_vm_that_waits_for_a_saga_that_is_over_or_gone_is_held_for_ever(saga_id):
    assert found(vms=with_vm("v1", saga_id=saga_id)) == [("vm-held-by-finished-saga", "v1")]


def test_two_vms_of_one_name_in_a_tenant_are_one_too_many():
    assert found(vms=with_vm("v2", name="web-1")) == [("two-vms-of-one-name", "t/web-1")]


@pytest.mark.parametrize("vm_id", ["v4", "v5", "v9"], ids=["deleted", "error", "no such VM"])
def test_what_is_held_for_a_vm_that_is_gone_was_leaked(vm_id):
    reservations = (*CONSISTENT.reservations, Reservation(vm_id, "n1", {}))
    assert found(reservations=reservations) == [("reservation-without-vm", vm_id)]
    assert found(monitored=CONSISTENT.monitored | {vm_id}) == [("monitoring-without-vm", vm_id)]
    undoing = (*CONSISTENT.sagas, Saga("undo", "create-vm", "compensating", vm_id, LEASED))
    assert found(reservations=reservations, sagas=undoing) == []


@pytest.mark.parametrize("vm_id", ["v1", "v2"])
def test_a_vm_on_a_node_holds_a_reservation(vm_id):
    rest = tuple(one for one in CONSISTENT.reservations if one.vm_id != vm_id)
    assert ("vm-without-reservation", vm_id) in found(reservations=rest)


def test_a_running_vm_is_monitored_and_a_stopped_one_need_not_be():
    assert found(monitored=frozenset()) == [("vm-without-monitoring", "v1")]


@pytest.mark.parametrize("cpu", [5, 7])
def test_a_node_counts_what_its_reservations_hold(cpu):
    assert found(nodes=node(cpu)) == [("node-sum", "n1")]


def test_who_sees_one_tenant_is_not_told_that_the_others_reservations_are_missing():
    assert found(nodes=node(7), whole=False) == []
    assert found(nodes=node(5), whole=False) == [("node-sum", "n1")]


def test_a_node_never_promises_more_than_it_may():
    (breach,) = breaches(replace(CONSISTENT, nodes=node(6, allocatable=4)))
    assert (breach.invariant, breach.what) == ("node-above-capacity", "has promised more than it may: cpu_cores 6 of 4")


def test_only_what_is_broken_in_both_readings_is_broken():
    leak = breaches(replace(CONSISTENT, nodes=node(7)))
    assert in_both(leak, leak) == leak
    assert in_both(leak, []) == in_both([], leak) == []
    assert in_both(leak, breaches(replace(CONSISTENT, nodes=node(8)))) == []  # VMs came between the two lists


def planted(installation):
    """One VM with all that it needs, and nothing that contradicts it."""
    vm = installation.vms.add("web-1")
    installation.repairs.domains.append(NodeDomain(vm_id=vm.vm_id, name=vm.name))
    held = ProtoReservation(vm_id=vm.vm_id)
    held.node.node_id = installation.nodes.node.node_id
    held.footprint.CopyFrom(installation.nodes.node.allocated)
    installation.reservations.reservations.append(held)
    installation.metrics.monitored.append(VmMonitoring(vm_id=vm.vm_id))
    return vm


async def test_nothing_is_broken_in_an_installation_whose_services_agree(novacron, logged_in):
    planted(logged_in)
    result = await novacron("audit")
    assert (result.code, result.out) == (0, "")
    assert result.err.strip() == "nothing is broken: 1 VMs, 0 sagas, 1 nodes, 1 domains, 1 reservations, 1 monitored"
    assert (await novacron("audit", "-o", "json")).json == []


async def test_a_service_that_knows_no_domains_yet_leaves_them_unseen_and_not_unsaid(novacron, logged_in):
    planted(logged_in)
    logged_in.repairs.fails = Unimplemented("this release has no such method")
    result = await novacron("audit")
    assert result.code == 1
    assert "node-unread" in result.out
    assert "not seen, what is on host-1" in result.err


async def test_what_is_broken_is_listed_with_what_to_do_and_exit_code_1(novacron, logged_in):
    vm, gone = planted(logged_in), str(uuid4())
    stuck = ProtoSaga(saga_id=str(uuid4()), name="stop-vm", state=SAGA_STATE_STUCK, error="power: the host says no")
    stuck.params["vm_id"] = vm.vm_id
    logged_in.sagas.sagas[stuck.saga_id] = stuck
    logged_in.metrics.monitored.append(VmMonitoring(vm_id=gone))
    result = await novacron("audit")
    assert result.code == 1
    heading, first, second = result.out.splitlines()
    assert heading.split() == ["INVARIANT", "SUBJECT", "WHAT", "ADVICE"]
    assert first.startswith("stuck-saga")
    assert "stop-vm of web-1" in first
    assert f"novacron saga retry {stuck.saga_id}" in first
    assert second.startswith("monitoring-without-vm")
    assert "2 broken: 1 VMs" in result.err
    told = await novacron("audit", "-o", "json")
    assert told.code == 1
    assert [one["subject_id"] for one in told.json] == [stuck.saga_id, gone]
    assert set(told.json[0]) == {"invariant", "subject_id", "subject", "what", "advice"}


async def test_the_help_names_every_invariant_and_says_when_something_is_mended(novacron):
    said = (await novacron("audit", "--help")).out
    assert "Nothing is mended unless --fix says so" in said
    for word in ("stuck-saga", "node-sum", "vm-without-reservation", "two-vms-of-one-name", "domain-elsewhere"):
        assert word in said
