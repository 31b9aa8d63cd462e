"""Nodes that are heard no more: lost after a grace, told once, and back in a new epoch only."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from novacron.api.scheduler.v1 import (
    NODE_EVENT_KIND_LOST,
    NODE_EVENT_KIND_RETURNED,
    NODE_STATUS_MAINTENANCE,
    NODE_STATUS_READY,
    NODE_STATUS_UNKNOWN,
    DrainNodeRequest,
    GetNodeRequest,
    ListNodeEventsRequest,
    NodeEventServiceStub,
    add_NodeEventServiceServicer_to_server,
)
from novacron.errors import FailedPrecondition, InvalidArgument, NoCapacity, PermissionDenied
from novacron_scheduler.losses import Losses
from novacron_scheduler.node_event_servicer import NodeEventServicer

INCARNATION = 1_700_000_000_000_000


class Time:
    """A clock that the test moves."""

    seconds, suspended = 0.0, 0.0

    def monotonic(self):
        return self.seconds

    def now(self):
        return datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=self.seconds + self.suspended)


class Room:
    """A scheduler, and what declares losses beside it."""

    def __init__(self, scheduler, losses, time, events):
        self.scheduler, self.losses, self.time, self.events = scheduler, losses, time, events

    async def silent(self, name, seconds):
        await self.scheduler.rows(
            "UPDATE nodes SET lease_until = now() - make_interval(secs => %s) WHERE name = %s RETURNING id",
            seconds,
            name,
        )

    async def lose(self, name="n1"):
        """It was not heard for long enough."""
        await self.silent(name, 31)
        assert await self.losses.look_once() == [name]

    async def node(self, name="n1"):
        return await self.scheduler.nodes().GetNode(GetNodeRequest(node=name))

    async def told(self, after=0):
        found = (await self.events.ListNodeEvents(ListNodeEventsRequest(after_sequence=after))).events
        return [(one.node_name, one.kind, one.epoch) for one in found]


async def listening(losses, time, seconds=45.0):
    """Turn after turn, for so long."""
    await losses.look_once()
    until = time.seconds + seconds
    while time.seconds < until:
        time.seconds += 5
        assert await losses.look_once() == []


@pytest.fixture
async def room(scheduler):
    time = Time()
    losses = Losses(scheduler.database, time, lease_seconds=15, grace_seconds=30)
    registration = (add_NodeEventServiceServicer_to_server, NodeEventServicer(losses))
    server = await scheduler.servers.start("scheduler", [registration])
    await listening(losses, time)
    await scheduler.beat("n1")
    return Room(scheduler, losses, time, NodeEventServiceStub(scheduler.servers.as_service(server, "vm")))


async def test_a_node_is_lost_when_it_was_not_heard_for_the_grace_beyond_its_lease(room):
    await room.silent("n1", 29)
    assert await room.losses.look_once() == []
    assert await room.told() == []
    await room.lose()
    found = await room.node()
    assert (found.status, found.epoch) == (NODE_STATUS_UNKNOWN, 2)
    assert found.HasField("lost_at")
    assert await room.told() == [("n1", NODE_EVENT_KIND_LOST, 2)]
    assert await room.losses.look_once() == [], "it is told once"
    with pytest.raises(NoCapacity, match="not ready"):
        await room.scheduler.reserve()


async def test_a_lost_node_returns_once_its_agent_names_the_new_epoch(room):
    assert (await room.scheduler.beat("n1")).epoch == 1
    await room.lose()
    told = await room.scheduler.beat("n1", epoch=1)
    assert (told.epoch, told.status) == (2, NODE_STATUS_UNKNOWN)
    assert not told.lease.ToNanoseconds(), "no lease for who may still act in the old epoch"
    assert (await room.node()).status == NODE_STATUS_UNKNOWN
    taken = await room.scheduler.beat("n1", epoch=2)
    assert (taken.epoch, taken.status, taken.lease.seconds) == (2, NODE_STATUS_READY, 60)
    assert not (await room.node()).HasField("lost_at")
    assert await room.told() == [("n1", NODE_EVENT_KIND_LOST, 2), ("n1", NODE_EVENT_KIND_RETURNED, 2)]
    assert (await room.scheduler.reserve()).node.epoch == 2


async def test_a_beat_of_an_epoch_that_is_over_does_not_renew_the_lease(room):
    await room.lose()
    await room.scheduler.beat("n1", epoch=2)
    await room.silent("n1", 1)
    late = await room.scheduler.beat("n1", epoch=1)
    assert (late.epoch, late.lease.ToNanoseconds()) == (2, 0)
    assert (await room.told())[-1] == ("n1", NODE_EVENT_KIND_RETURNED, 2)


async def test_a_new_process_of_the_agent_takes_a_lost_node_back_at_once_and_the_old_one_does_not(room):
    await room.lose()
    taken = await room.scheduler.beat("n1", incarnation=INCARNATION + 1)
    assert (taken.epoch, taken.lease.seconds) == (2, 60)
    await room.lose()
    with pytest.raises(FailedPrecondition, match="a newer incarnation of the agent holds node n1"):
        await room.scheduler.beat("n1")


async def test_a_node_in_maintenance_may_be_away_and_its_loss_is_told_all_the_same(room):
    await room.scheduler.nodes().DrainNode(DrainNodeRequest(node="n1"))
    await room.lose()
    found = await room.node()
    assert (found.status, found.epoch) == (NODE_STATUS_MAINTENANCE, 2)
    assert await room.told() == [("n1", NODE_EVENT_KIND_LOST, 2)]


async def test_a_scheduler_that_has_just_begun_to_listen_declares_nothing(room):
    await room.silent("n1", 3600)
    fresh = Losses(room.scheduler.database, room.time, lease_seconds=15, grace_seconds=30)
    await listening(fresh, room.time, 40)
    room.time.seconds += 5
    assert await fresh.look_once() == ["n1"]


@pytest.mark.parametrize("clock", ["seconds", "suspended"])
async def test_a_scheduler_that_slept_begins_its_listening_anew(room, clock):
    await room.silent("n1", 3600)
    setattr(room.time, clock, getattr(room.time, clock) + 31)
    await listening(room.losses, room.time, 40)
    room.time.seconds += 5
    assert await room.losses.look_once() == ["n1"]


async def test_many_schedulers_declare_a_loss_once(room):
    others = [Losses(room.scheduler.database, room.time, 15, 30) for _ in range(3)]
    for other in others:
        other._listening_since, other._looked_at = 0.0, room.time.seconds  # each of them long enough
    await room.silent("n1", 31)
    found = await asyncio.gather(*(one.look_once() for one in (room.losses, *others)))
    assert sorted(found) == [[], [], [], ["n1"]]
    assert await room.told() == [("n1", NODE_EVENT_KIND_LOST, 2)]


async def test_events_are_read_on_from_the_last_one_known(room):
    await room.scheduler.beat("n2")
    for name in ("n1", "n2"):
        await room.lose(name)
    first = (await room.events.ListNodeEvents(ListNodeEventsRequest(page_size=1))).events
    assert [one.node_name for one in first] == ["n1"]
    assert await room.told(first[0].sequence) == [("n2", NODE_EVENT_KIND_LOST, 2)]
    with pytest.raises(InvalidArgument, match="after_sequence: must be greater than or equal to 0"):
        await room.told(-1)


async def test_no_agent_reads_what_became_of_others(room):
    server = await room.scheduler.servers.start(
        "scheduler", [(add_NodeEventServiceServicer_to_server, NodeEventServicer(room.losses))]
    )
    stub = NodeEventServiceStub(room.scheduler.servers.as_service(server, "agent/n1"))
    with pytest.raises(PermissionDenied):
        await stub.ListNodeEvents(ListNodeEventsRequest())
