"""`novacron audit` on what the agents say: each rule of domains, and of places on other nodes, against one planted for it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from novacron_cli.audit_facts import Domain, Node, RepairAction, Reservation, Saga, Snapshot, Vm
from novacron_cli.audit_fix import outcomes, planned
from novacron_cli.audit_rules import breaches

NOW = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
CONSISTENT = Snapshot(
    now=NOW,
    vms=(
        Vm("v1", "web-1", "t", "running", node_id="n1"),
        Vm("v2", "web-2", "t", "stopped", node_id="n2"),
        Vm("v3", "web-3", "t", "creating", "v3"),
        Vm("v4", "web-4", "t", "deleted", node_id="n1"),
        Vm("v5", "web-5", "t", "error"),
        Vm("v6", "web-6", "t", "error", node_id="n2"),
    ),
    sagas=(Saga("v3", "create-vm", "running", "v3", NOW + timedelta(seconds=5)),),
    nodes=(Node("n1", "host-1"), Node("n2", "host-2")),
    reservations=tuple(
        Reservation(vm_id, node, decision_id=f"d-{vm_id}") for vm_id, node in (("v1", "n1"), ("v2", "n2"), ("v3", "n2"))
    ),
    monitored=frozenset({"v1", "v2"}),
    domains=(Domain("v1", "web-1", "n1"), Domain("v2", "web-2", "n2"), Domain("v3", "web-3", "n2")),
)


def found(**changes):
    """(invariant, id, what --fix would do) of everything broken once this is changed."""
    return [
        (one.invariant, one.subject_id, one.repair and one.repair.action)
        for one in breaches(replace(CONSISTENT, **changes))
    ]


def with_domain(*more):
    return (*CONSISTENT.domains, Domain(*more))


def test_domains_where_their_vms_are_contradict_nothing():
    assert found() == []


@pytest.mark.parametrize("vm_id", ["v4", "v5"], ids=["deleted", "its create was undone"])
def test_a_domain_that_outlived_its_vm_is_destroyed(vm_id):
    domains = with_domain(vm_id, "web", "n1")
    assert found(domains=domains) == [("domain-without-vm", vm_id, RepairAction.DESTROY_DOMAIN)]
    undoing = (*CONSISTENT.sagas, Saga("undo", "create-vm", "stuck", vm_id))
    assert [one[0] for one in found(domains=domains, sagas=undoing)] == ["stuck-saga"]


def test_a_domain_of_which_nothing_was_ever_known_is_destroyed_only_when_that_is_said():
    (breach,) = breaches(replace(CONSISTENT, domains=with_domain("v9", "lost", "n1")))
    assert (breach.invariant, breach.subject) == ("domain-without-vm", "domain lost")
    assert "an older backup" in breach.advice
    assert planned([breach], unknown=False) == []
    assert planned([breach], unknown=True) == [breach]


def test_what_is_left_of_a_vm_in_error_that_had_data_goes_by_its_delete_alone():
    left = (*CONSISTENT.reservations, Reservation("v6", "n2", decision_id="d-v6"))
    assert found(domains=with_domain("v6", "web-6", "n2")) == []
    broken = breaches(replace(CONSISTENT, reservations=left, monitored=CONSISTENT.monitored | {"v6"}))
    assert [(one.invariant, one.repair) for one in broken] == [
        ("reservation-without-vm", None),
        ("monitoring-without-vm", None),
    ]
    assert all("novacron vm delete v6" in one.advice for one in broken)


def test_a_second_domain_on_another_node_is_told_and_left_alone():
    assert found(domains=with_domain("v1", "web-1", "n2")) == [("domain-elsewhere", "v1", None)]


def test_a_vm_has_a_domain_on_its_node():
    rest = tuple(one for one in CONSISTENT.domains if one.vm_id != "v1")
    assert found(domains=rest) == [("vm-without-domain", "v1", None)]
    assert found(domains=rest, unread={"n1": "away"}) == [("node-unread", "n1", None)]


def test_a_node_that_vms_depend_on_has_to_answer_and_an_empty_one_need_not():
    nodes = (*CONSISTENT.nodes, Node("n3", "host-3"))
    assert found(nodes=nodes, unread={"n3": "away"}) == []


def test_who_sees_one_tenant_is_told_nothing_of_domains():
    assert found(domains=(), unread={"n1": "away", "n2": "away"}, whole=False) == []


def test_a_place_on_a_node_where_the_vm_is_not_is_given_back_unless_a_saga_needs_it():
    left = (*CONSISTENT.reservations, Reservation("v1", "n2", decision_id="d-move"))
    assert found(reservations=left) == [("reservation-elsewhere", "v1", RepairAction.RELEASE_RESERVATION)]
    moving = (*CONSISTENT.sagas, Saga("m", "move-vm", "running", "v1", NOW + timedelta(seconds=5)))
    assert found(reservations=left, sagas=moving) == []


def test_a_place_on_another_node_is_none_where_the_vm_is():
    moved = tuple(replace(one, node_id="n2") if one.vm_id == "v1" else one for one in CONSISTENT.reservations)
    assert [(one[0], one[1]) for one in found(reservations=moved)] == [
        ("reservation-elsewhere", "v1"),
        ("vm-without-reservation", "v1"),
    ]


def test_a_domain_goes_before_the_place_that_it_takes():
    broken = breaches(
        replace(
            CONSISTENT,
            reservations=(*CONSISTENT.reservations, Reservation("v4", "n1", decision_id="d-v4")),
            domains=with_domain("v4", "web-4", "n1"),
            monitored=frozenset({"v2", "v4"}),
        )
    )
    assert [one.repair.action for one in planned(broken, unknown=False)] == [
        RepairAction.DESTROY_DOMAIN,
        RepairAction.RELEASE_RESERVATION,
        RepairAction.DELETE_MONITORING,
        RepairAction.RESTORE_MONITORING,
    ]


def test_of_everything_broken_it_is_told_what_became_of_it():
    broken = breaches(
        replace(
            CONSISTENT,
            monitored=frozenset({"v2", "v4", "v5"}),
            domains=with_domain("v1", "web-1", "n2"),
        )
    )
    elsewhere, of_v4, of_v5, unmonitored = broken
    after = [elsewhere, of_v5, unmonitored]
    told = outcomes(broken, [of_v4, of_v5, unmonitored], {of_v5: "a saga works on it"}, after)
    assert [one.told for one in told] == [
        "still broken",
        "mended",
        "not mended: a saga works on it",
        "not mended: it came back",
    ]
    assert [one.told for one in outcomes([of_v4], [], {}, [elsewhere])] == ["no longer so", "still broken"]
