"""Proposals out of what is held and what was measured: the loader, and the RPC over it."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from novacron.api.monitoring.v1 import (
    GetVmMetricsQuantilesResponse,
    MetricsServiceServicer,
    VmMetricsQuantile,
    add_MetricsServiceServicer_to_server,
)
from novacron.api.scheduler.v1 import (
    REBALANCE_KIND_CONSOLIDATION,
    REBALANCE_KIND_HOTSPOT,
    ConfirmReservationRequest,
    ProposeRebalanceRequest,
    RebalanceServiceStub,
    add_RebalanceServiceServicer_to_server,
)
from novacron.errors import InvalidArgument, PermissionDenied
from novacron.ids import derived_id
from novacron_scheduler.clients import MonitoringClient
from novacron_scheduler.overcommit import UNSHARED
from novacron_scheduler.rebalance_servicer import RebalanceServicer
from novacron_scheduler.rebalances import Rebalances

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Measured(MetricsServiceServicer):
    """Monitoring, with the cores used by each VM."""

    def __init__(self):
        self.cores, self.questions = {}, 0

    async def GetVmMetricsQuantiles(self, request, context):
        self.questions += 1
        assert request.end_time.seconds - request.start_time.seconds == 900
        assert request.quantile == 0.9
        quantiles = []
        for vm_id in request.vm_ids:
            if UUID(vm_id) in self.cores:
                used, of = self.cores[UUID(vm_id)]
                value = 100 * used / of if request.metric == "cpu_usage_percent" else 1024.0**2 * 256
                quantiles.append(VmMetricsQuantile(vm_id=vm_id, value=value))
        return GetVmMetricsQuantilesResponse(quantiles=quantiles)


class Clock:
    def now(self):
        return NOW

    def monotonic(self):
        raise AssertionError("a proposal is of one instant")


class Room:
    def __init__(self, scheduler, measured, server, resources):
        self.scheduler, self.measured, self.server, self.resources = scheduler, measured, server, resources

    async def vm(self, node, cpu, used=None, *, confirmed=True, **changes):
        """A VM on this node that used so many cores."""
        vm_id = uuid4()
        await self.scheduler.reserve(vm_id, node=node, resources=self.resources(cpu, 512, 1), **changes)
        if confirmed:
            await self.scheduler.reservations.ConfirmReservation(ConfirmReservationRequest(vm_id=str(vm_id)))
        if used is not None:
            self.measured.cores[vm_id] = (used, cpu)
        return str(vm_id)

    async def propose(self, kind=REBALANCE_KIND_HOTSPOT, *permissions, **asked):
        user = self.scheduler.user(*(permissions or ("node:drain",)))
        stub = RebalanceServiceStub(self.scheduler.servers.as_user(self.server, user))
        return await stub.ProposeRebalance(ProposeRebalanceRequest(kind=kind, **asked))


@pytest.fixture
async def room(scheduler, resources):
    measured = Measured()
    monitoring = await scheduler.servers.start("monitoring", [(add_MetricsServiceServicer_to_server, measured)])
    client = MonitoringClient(scheduler.servers.as_service(monitoring, "scheduler"))
    servicer = RebalanceServicer(Rebalances(scheduler.database, client, Clock(), UNSHARED))
    server = await scheduler.servers.start("scheduler", [(add_RebalanceServiceServicer_to_server, servicer)])
    for name in ("n1", "n2"):
        await scheduler.beat(name)
    return Room(scheduler, measured, server, resources)


async def test_a_node_that_is_hot_by_what_was_measured_is_cooled_and_the_proposal_says_why(room):
    vms = {await room.vm("n1", 2, used=2), await room.vm("n1", 3, used=3), await room.vm("n1", 2, used=2)}
    proposal = await room.propose()
    (move,) = proposal.moves
    assert move.vm_id in vms
    assert (move.source_node_name, move.target_node_name) == ("n1", "n2")
    assert UUID(move.target_node_id) == derived_id("node", "n2")
    assert move.reason.startswith("n1 is at 88% of its CPU; without this VM's")
    assert proposal.gain == pytest.approx(7 / 8 - 0.8 - 0.01)
    assert proposal.explanation == "1 nodes are above 80% of what they have; after 1 moves 0 would be"
    assert proposal.solver in ("highs", "best-fit")
    assert not proposal.unmeasured_vms
    taken = await room.scheduler.rows("SELECT name, allocated_cpu_cores FROM nodes ORDER BY name")
    assert taken == [("n1", 7), ("n2", 0)], "nothing is claimed"


async def test_claims_alone_make_no_node_hot_and_what_was_never_measured_counts_in_full(room):
    for _ in range(2):
        await room.vm("n1", 4, used=0.5)
    assert not (await room.propose()).moves
    room.measured.cores.clear()
    proposal = await room.propose()
    assert proposal.unmeasured_vms == 2
    assert len(proposal.moves) == 1


async def test_a_thousand_vms_are_measured_with_as_many_calls_as_one(room):
    await room.scheduler.beat("n1", capacity=room.resources(2048, 2**20, 4096))
    vm_id = await room.vm("n1", 1)
    for vms, calls in ((1, 2), (1000, 2), (1001, 4)):
        await room.scheduler.rows(
            "INSERT INTO resource_allocations SELECT (jsonb_populate_record("
            "one, jsonb_build_object('id', gen_random_uuid(), 'vm_id', gen_random_uuid()))).*"
            " FROM resource_allocations one, generate_series((SELECT count(*) FROM resource_allocations) + 1, %s)"
            " WHERE vm_id = %s RETURNING id",
            vms,
            vm_id,
        )
        room.measured.questions = 0
        assert (await room.propose()).unmeasured_vms == vms
        assert room.measured.questions == calls


async def test_a_consolidation_empties_the_node_with_the_fewest_vms(room):
    await room.vm("n1", 2)
    for _ in range(2):
        await room.vm("n2", 2)
    proposal = await room.propose(REBALANCE_KIND_CONSOLIDATION)
    assert [(move.source_node_name, move.target_node_name) for move in proposal.moves] == [("n1", "n2")]
    assert proposal.explanation == "1 of 2 nodes would be emptied by 1 moves"


async def test_what_a_vm_asked_for_when_it_was_placed_holds_for_a_move_as_well(room):
    await room.scheduler.beat("n1", labels={"disk": "ssd"})
    await room.vm("n1", 2, node_labels={"disk": "ssd"})
    for _ in range(2):
        await room.vm("n2", 2)
    moves = (await room.propose(REBALANCE_KIND_CONSOLIDATION)).moves
    assert {move.source_node_name for move in moves} <= {"n2"}, "n2 has no ssd"


async def test_a_vm_that_a_saga_holds_and_one_on_a_node_that_is_not_heard_stay(room):
    await room.vm("n1", 2, confirmed=False)
    for _ in range(2):
        await room.vm("n2", 3)
    moves = (await room.propose(REBALANCE_KIND_CONSOLIDATION)).moves
    assert {move.source_node_name for move in moves} <= {"n2"}
    await room.scheduler.lapse("n2")
    assert not (await room.propose(REBALANCE_KIND_CONSOLIDATION)).moves


async def test_at_most_so_many_moves_are_proposed(room):
    await room.scheduler.beat("n3")
    for _ in range(8):
        await room.vm("n1", 1, used=1)
    assert len((await room.propose(hot_share=0.3, max_moves=2)).moves) == 2


async def test_what_nobody_can_want_is_told_by_its_field_and_who_may_not_move_vms_sees_no_proposal(room):
    for asked, says in (
        ({"kind": 0}, "kind: "),
        ({"max_moves": 1001}, "max_moves: must be greater than or equal to 0 and less than or equal to 1000"),
        ({"hot_share": 1.5}, "hot_share: "),
    ):
        with pytest.raises(InvalidArgument) as refused:
            await room.propose(**{"kind": REBALANCE_KIND_HOTSPOT, **asked})
        assert refused.value.message.startswith(says)
    with pytest.raises(PermissionDenied):
        await room.propose(REBALANCE_KIND_HOTSPOT, "node:read")
