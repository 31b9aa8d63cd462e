"""Nodes on which VMs could not be made lately come after the others."""

from __future__ import annotations

from uuid import uuid4

import pytest

from novacron.api.scheduler.v1 import (
    GetNodeRequest,
    GetSchedulingDecisionRequest,
    NodeServiceStub,
    ReportNodeFailureRequest,
)
from novacron.errors import NotFound, PermissionDenied
from novacron.saga.key import SagaKey, set_current_key
from novacron_scheduler.inventory.live import Inventory


@pytest.fixture
async def nodes(scheduler):
    for name in ("n1", "n2"):
        await scheduler.beat(name)
    return {name: await node(scheduler, name) for name in ("n1", "n2")}


async def node(scheduler, name):
    return await scheduler.nodes().GetNode(GetNodeRequest(node=name))


async def report(scheduler, node_id, vm_id=None):
    stub = NodeServiceStub(scheduler.servers.as_service(scheduler.server, "vm"))
    return (
        await stub.ReportNodeFailure(ReportNodeFailureRequest(node_id=node_id, vm_id=vm_id or str(uuid4())))
    ).recent_failures


async def test_the_next_vms_go_elsewhere_and_the_decision_says_why(scheduler, nodes):
    failed = (await scheduler.reserve(uuid4())).node.name
    (other,) = nodes.keys() - {failed}
    assert await report(scheduler, nodes[failed].node_id) == 1
    vms = [str(uuid4()) for _ in range(3)]
    assert [(await scheduler.reserve(vm_id)).node.name for vm_id in vms] == [other] * 3
    decision = await scheduler.reservations_as(scheduler.user("*:*")).GetSchedulingDecision(
        GetSchedulingDecisionRequest(vm_id=vms[0])
    )
    factors = {one.name: one.factors["reliability"] for one in decision.candidates}
    assert factors == {other: 1.0, failed: 0.5}
    assert "reliability 1.00" in decision.explanation


async def test_who_has_failed_takes_a_vm_all_the_same_when_nobody_else_can(scheduler, nodes, resources):
    await report(scheduler, nodes["n1"].node_id)
    await scheduler.beat("n2", labels={"old": "yes"})
    await scheduler.beat("n1", labels={"new": "yes"})
    assert (await scheduler.reserve(uuid4(), node_labels={"new": "yes"})).node.name == "n1"


async def test_a_failure_counts_half_as_much_after_ten_minutes(scheduler, nodes):
    node_id = nodes["n1"].node_id
    counts = [await report(scheduler, node_id) for _ in range(4)]
    assert counts == [1, 2, 3, 4]
    await scheduler.rows("UPDATE nodes SET failed_at = failed_at - interval '10 minutes' RETURNING 1")
    assert (await node(scheduler, "n1")).recent_failures == 2
    assert await report(scheduler, node_id) == 3
    await scheduler.rows("UPDATE nodes SET failed_at = failed_at - interval '1 hour' RETURNING 1")
    assert (await node(scheduler, "n1")).recent_failures == 0


async def test_a_failure_that_is_told_again_while_its_step_is_undone_counts_once(scheduler, nodes):
    set_current_key(SagaKey(uuid4(), "provision", "compensation"))
    assert [await report(scheduler, nodes["n1"].node_id) for _ in range(3)] == [1, 1, 1]
    assert (await node(scheduler, "n1")).recent_failures == 1


async def test_the_memory_of_another_process_hears_of_it_with_its_next_reading(scheduler, nodes):
    inventory = Inventory(scheduler.database, fresh_seconds=0)
    await inventory.fresh()
    await report(scheduler, nodes["n1"].node_id)
    await inventory.fresh()
    ranking = inventory.rank(_demand())
    assert {one.scored.name: one.scored.factors["reliability"] for one in ranking.candidates} == {"n1": 0.5, "n2": 1.0}


async def test_a_node_that_was_lost_has_failed(scheduler, nodes):
    from novacron_scheduler.store import NodeEventStore

    await scheduler.lapse("n1")
    async with scheduler.database.transaction() as connection:
        assert await NodeEventStore().lose(connection, 0) == ["n1"]
    assert (await node(scheduler, "n1")).recent_failures == 1


async def test_only_the_vm_service_reports_and_only_of_nodes_that_there_are(scheduler, nodes):
    with pytest.raises(NotFound, match="node"):
        await report(scheduler, str(uuid4()))
    with pytest.raises(PermissionDenied):
        await scheduler.nodes("node:read").ReportNodeFailure(
            ReportNodeFailureRequest(node_id=nodes["n1"].node_id, vm_id=str(uuid4()))
        )


def _demand():
    from novacron_scheduler.reservation import Demand
    from novacron_scheduler.resources import Resources

    return Demand(uuid4(), uuid4(), Resources(1, 64, 1))
