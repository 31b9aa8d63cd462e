"""Every choice and every refusal can be shown, with its reasons."""

from uuid import uuid4

import pytest

from novacron.api.scheduler.v1 import DrainNodeRequest, GetSchedulingDecisionRequest
from novacron.errors import NoCapacity, NotFound, PermissionDenied


async def newest(scheduler, vm_id, tenant):
    stub = scheduler.reservations_as(scheduler.user("reservation:read", tenant_id=tenant))
    return await stub.GetSchedulingDecision(GetSchedulingDecisionRequest(vm_id=str(vm_id)))


async def test_a_choice_is_kept_with_its_candidates_factors_and_words(scheduler, resources, tenant):
    await scheduler.beat("n1", capacity=resources(4, 4096, 100))
    await scheduler.beat("n2", capacity=resources(8, 8192, 100))
    await scheduler.beat("n3", region="us")
    vm_id = uuid4()
    made = await scheduler.reserve(vm_id, resources=resources(2, 2048, 0), region="", node_labels={})
    decision = await newest(scheduler, vm_id, tenant)
    assert (decision.decision_id, decision.vm_id) == (made.decision_id, str(vm_id))
    assert decision.requested_resources == resources(2, 2048, 0)
    assert decision.selected_node_id == made.node.node_id == decision.candidates[0].node_id
    assert [one.name for one in decision.candidates] == ["n2", "n3", "n1"]
    best = decision.candidates[0]
    assert decision.decision_score == best.score == pytest.approx(sum(best.factors.values()), abs=1e-3)
    assert set(best.factors) == {"headroom", "balance", "gpu_kept", "reliability"}
    assert decision.decision_algorithm == "filter-score-v1"
    assert decision.explanation.startswith(f"{made.node.name}: score ")
    assert decision.explanation.endswith("the best of 3 that fit (3 nodes)")
    assert decision.HasField("decision_time")


async def test_a_refusal_is_kept_and_tells_the_caller_the_same(scheduler, resources, tenant):
    await scheduler.beat("n1")
    await scheduler.beat("n2")
    await scheduler.beat("n3")
    await scheduler.lapse("n2")
    await scheduler.nodes("node:drain").DrainNode(DrainNodeRequest(node="n3"))
    vm_id = uuid4()
    with pytest.raises(NoCapacity) as caught:
        await scheduler.reserve(vm_id, resources=resources(9, 20000, 10))
    assert caught.value.message == (
        "no node takes 9 vCPU, 20000 MiB memory, 10 GiB storage"
        " (3 nodes: 1 in maintenance, 1 not ready (no heartbeat), 1 short of room);"
        " the closest, n1, lacks 1 vCPU (free: 8 of 8) and 3616 MiB memory (free: 16384 of 16384):"
        " it would fit with 1 vCPU and 3616 MiB memory less (n1)"
    )
    assert caught.value.metadata == {
        "nodes": "3",
        "removed.maintenance": "1",
        "removed.not_ready": "1",
        "removed.resources": "1",
        "closest_node": "n1",
        "lacking.cpu_cores": "1",
        "lacking.memory_mib": "3616",
        "remedy.1": "with 1 vCPU and 3616 MiB memory less (n1)",
    }
    decision = await newest(scheduler, vm_id, tenant)
    assert decision.explanation == caught.value.message
    assert dict(decision.removed_by_filter) == {"maintenance": 1, "not_ready": 1, "resources": 1}
    assert (decision.selected_node_id, decision.decision_score, len(decision.candidates)) == ("", 0, 0)


async def test_a_refusal_without_any_node_says_how_to_get_one(scheduler):
    with pytest.raises(NoCapacity, match="none is registered; start an agent"):
        await scheduler.reserve()


async def test_the_newest_decision_is_told(scheduler, tenant):
    vm_id = uuid4()
    with pytest.raises(NoCapacity):
        await scheduler.reserve(vm_id)
    await scheduler.beat("n1")
    made = await scheduler.reserve(vm_id)
    assert (await newest(scheduler, vm_id, tenant)).decision_id == made.decision_id


async def test_at_most_five_candidates_are_kept(scheduler, tenant):
    for number in range(12):
        await scheduler.beat(f"n{number:02}")
    vm_id = uuid4()
    await scheduler.reserve(vm_id)
    decision = await newest(scheduler, vm_id, tenant)
    assert len(decision.candidates) == 5
    assert "the best of 12 that fit (12 nodes)" in decision.explanation


async def test_a_vm_that_nobody_placed_has_no_decision(scheduler, tenant):
    vm_id = uuid4()
    with pytest.raises(NotFound, match=f"decision {vm_id} not found"):
        await newest(scheduler, vm_id, tenant)


async def test_services_do_not_read_decisions(scheduler):
    with pytest.raises(PermissionDenied):
        await scheduler.reservations.GetSchedulingDecision(GetSchedulingDecisionRequest(vm_id=str(uuid4())))
