"""`node drain` and `node undrain`: what a person reads while a node is emptied, and what a script goes by."""

import pytest

from novacron.api.vm.v1 import NODE_DRAIN_STATE_FAILED, LeftBehind

ROOM = LeftBehind(vm_id="v1", name="web-1", reason="NO_CAPACITY", message="no node takes 4 vCPU")
DISK = LeftBehind(vm_id="v2", name="db-1", reason="UNAVAILABLE", message="the copy broke off")


async def test_a_drain_is_followed_to_its_end(novacron, logged_in):
    result = await novacron("node", "drain", "host-1", "--budget", "4", "--grace", "0", "-o", "json")
    assert result.code == 0, result.err
    assert (result.json["state"], result.json["moved"]) == ("NODE_DRAIN_STATE_DRAINED", 2)
    assert "0 moved, 0 on their way, 2 left on host-1" in result.err
    assert "2 moved, 0 on their way, 0 left on host-1" in result.err
    (asked,) = logged_in.drains.requests
    assert (asked.budget, asked.grace_seconds, len(asked.request_id)) == (4, 0, 36)


async def test_without_waiting_it_is_only_begun(novacron, logged_in):
    begun = await novacron("node", "drain", "host-1", "--no-wait", "-o", "json")
    assert (begun.code, begun.json["state"]) == (0, "NODE_DRAIN_STATE_RUNNING")
    again = await novacron("node", "drain", "host-1", "--no-wait")
    assert "host-1 is being drained already, 2 at once" in again.err


@pytest.mark.parametrize(("behind", "code"), [([ROOM], 5), ([ROOM, DISK], 7)], ids=["no room", "other reasons"])
async def test_vms_that_stay_are_named_with_their_reasons(novacron, logged_in, behind, code):
    logged_in.drains.left_behind, logged_in.drains.ends = behind, NODE_DRAIN_STATE_FAILED
    result = await novacron("node", "drain", "host-1")
    assert result.code == code
    assert "host-1 is not empty, and stays closed:" in result.err
    for one in behind:
        assert f"{one.name}: {one.message}" in result.err
        assert one.name in result.out


async def test_a_cancelled_drain_opens_the_node(novacron, logged_in):
    assert (await novacron("node", "drain", "host-1", "--cancel")).code == 3
    await novacron("node", "drain", "host-1", "--no-wait")
    refused = await novacron("node", "undrain", "host-1")
    assert refused.code == 1
    assert "novacron node drain host-1 --cancel" in refused.err
    cancelled = await novacron("node", "drain", "host-1", "--cancel")
    assert (cancelled.code, "cancelled" in cancelled.out) == (0, True), cancelled.err


async def test_a_node_may_be_closed_with_its_vms_on_it_and_opened_again(novacron, logged_in):
    closed = await novacron("node", "drain", "host-1", "--no-evict", "-o", "json")
    assert closed.json["status"] == "NODE_STATUS_MAINTENANCE"
    assert "takes no new VMs" in closed.err
    assert logged_in.drains.requests == []
    opened = await novacron("node", "undrain", "host-1", "-o", "json")
    assert opened.json["status"] == "NODE_STATUS_READY"
    assert (await novacron("node", "undrain", "host-9")).code == 3
