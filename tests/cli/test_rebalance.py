"""``novacron rebalance``: a proposal as a person reads it, and what comes of carrying it out."""

from uuid import uuid4

import pytest

from novacron.api.scheduler.v1 import (
    REBALANCE_KIND_CONSOLIDATION,
    REBALANCE_KIND_HOTSPOT,
    RebalanceMove,
    RebalanceProposal,
    RebalanceServiceServicer,
    add_RebalanceServiceServicer_to_server,
)

from .vm_service import NODE_ID

TARGET = str(uuid4())


class Proposing(RebalanceServiceServicer):
    """Proposes to move these VMs from host-1 to host-2."""

    def __init__(self):
        self.requests, self.moves = [], []

    def move(self, vm):
        reason = "host-1 is at 94% of its CPU; without this VM's 5.0 cores it is at 62%; host-2 has room for it"
        names = {"source_node_name": "host-1", "target_node_name": "host-2"}
        ids = {"vm_id": vm.vm_id, "source_node_id": NODE_ID, "target_node_id": TARGET}
        self.moves.append(RebalanceMove(**ids, **names, gain=0.13, reason=reason))

    async def ProposeRebalance(self, request, context):
        self.requests.append(request)
        words = "1 nodes are above 80% of what they have; after 1 moves 0 would be"
        return RebalanceProposal(moves=self.moves, gain=0.13, solver="highs", explanation=words, unmeasured_vms=3)


@pytest.fixture
def proposing():
    return Proposing()


@pytest.fixture
async def rebalance(novacron, logged_in, servers, proposing):
    server = await servers.start("scheduler", [(add_RebalanceServiceServicer_to_server, proposing)])

    async def run(*arguments, **named):
        return await novacron("--endpoint", f"scheduler=127.0.0.1:{server.port}", "rebalance", *arguments, **named)

    return run


async def test_a_proposal_names_each_move_its_gain_and_why_and_moves_nothing(rebalance, proposing, logged_in):
    proposing.move(logged_in.vms.add("web-1"))
    shown = await rebalance("propose", "--policy", "hotspot", "--max-moves", "3", "--time-limit", "5s")
    assert shown.code == 0, shown.err
    heading, row = shown.out.splitlines()
    assert heading.split() == ["VM", "FROM", "TO", "GAIN", "WHY"]
    assert row.split()[:4] == ["web-1", "host-1", "host-2", "0.13"]
    assert "host-1 is at 94% of its CPU" in row
    assert "after 1 moves 0 would be (gain 0.13, by highs)" in shown.err
    assert "3 VMs were not measured lately, and count for all that they hold" in shown.err
    (asked,) = proposing.requests
    assert (asked.kind, asked.max_moves, asked.time_limit.seconds) == (REBALANCE_KIND_HOTSPOT, 3, 5)
    assert not logged_in.vms.requests


async def test_what_was_proposed_is_applied_out_of_its_file_and_each_move_may_fail_alone(
    rebalance, proposing, logged_in, tmp_path
):
    vms = logged_in.vms
    good, bad, gone = vms.add("web-1"), vms.add("web-2", tags={"fails": "yes"}), vms.add("web-3")
    for vm in (good, bad, gone):
        proposing.move(vm)
    plan = tmp_path / "plan.json"
    plan.write_text((await rebalance("propose", "--policy", "consolidation", "-o", "json")).out)
    assert proposing.requests[0].kind == REBALANCE_KIND_CONSOLIDATION
    gone.node_id = str(uuid4())

    applied = await rebalance("apply", str(plan), "--yes", "-o", "json")
    assert applied.code == 1
    assert [(one["name"], one["moved"]) for one in applied.json] == [
        ("web-1", True),
        ("web-2", False),
        ("web-3", False),
    ]
    assert "the host says no" in applied.json[1]["why"]
    assert applied.json[2]["why"] == "it is not on host-1 any more"
    assert "2 of 3 VMs were not moved, and are where they were" in applied.err
    assert {(one.vm_id, one.node) for one in vms.requests} == {(good.vm_id, TARGET), (bad.vm_id, TARGET)}
    assert len(proposing.requests) == 1, "it is the proposal that was read, not a new one"


async def test_nothing_is_moved_without_a_yes_and_no_more_than_was_asked_for(rebalance, proposing, logged_in):
    for name in ("web-1", "web-2"):
        proposing.move(logged_in.vms.add(name))
    refused = await rebalance("apply", "--policy", "hotspot", typed="n\n")
    assert refused.code == 1
    assert "move 2 VMs, 2 at a time?" in refused.err
    assert not logged_in.vms.requests
    agreed = await rebalance("apply", "--policy", "hotspot", "--max-moves", "1", typed="y\n")
    assert agreed.code == 0, agreed.err
    assert len(logged_in.vms.requests) == 1


async def test_a_wrong_word_is_told_with_what_would_do(rebalance, tmp_path):
    (tmp_path / "plan").write_text("{]")
    for arguments, says in (
        (("propose", "--policy", "heat"), "'heat' is no policy: say hotspot or consolidation"),
        (("apply",), "name a FILE with a proposal, or make one with --policy"),
        (("apply", str(tmp_path / "plan")), "`novacron rebalance propose -o json` writes one"),
        (("propose", "--policy", "hotspot", "--time-limit", "soon"), "'soon' is not a duration"),
    ):
        result = await rebalance(*arguments)
        assert result.code == 2
        assert says in " ".join(result.err.replace("│", " ").split())
