"""What every server lets its operators see and do about its breakers."""

import asyncio
from uuid import uuid4

import pytest

from novacron.api.admin.v1 import (
    BREAKER_ACTION_CLOSE,
    BREAKER_ACTION_DISABLE,
    BREAKER_ACTION_METRICS_ONLY,
    BREAKER_ACTION_OPEN,
    BREAKER_ACTION_RESET,
    AdminServiceStub,
    ListBreakersRequest,
    SetBreakerRequest,
)
from novacron.api.scheduler.v1 import (
    GetReservationRequest,
    Reservation,
    ReservationServiceServicer,
    ReservationServiceStub,
    add_ReservationServiceServicer_to_server,
)
from novacron.api.types.v1 import (
    BREAKER_STATE_CLOSED,
    BREAKER_STATE_DISABLED,
    BREAKER_STATE_FORCED_OPEN,
    BREAKER_STATE_METRICS_ONLY,
    BREAKER_STATE_OPEN,
)
from novacron.db import MigrationSource
from novacron.embedded.process import free_port
from novacron.errors import BreakerOpen, FailedPrecondition, InvalidArgument, NotFound, PermissionDenied, Unavailable
from novacron.foundation import Foundation
from novacron.rpc import admin_servicer
from novacron.rpc.breaker_configuration import BreakerConfiguration
from novacron.settings import ServiceSettings

CLASS = "novacron.api.scheduler.v1.ReservationService"
EAGER = BreakerConfiguration(minimum_request_threshold=2, failure_threshold=2, success_threshold=1)


class Reservations(ReservationServiceServicer):
    def __init__(self):
        self.down = False

    async def GetReservation(self, request, context):
        if self.down:
            raise Unavailable("down")
        return Reservation(vm_id=request.vm_id)


class Process:
    """A vm process that calls the scheduler, and its admin service."""

    def __init__(self, reservations, channel, server, admin):
        self.reservations = reservations
        self.channel = channel
        self.server = server
        self.admin = admin

    async def call(self):
        request = GetReservationRequest(vm_id=str(uuid4()))
        return await ReservationServiceStub(self.channel).GetReservation(request)

    async def trip(self):
        self.reservations.down = True
        for _ in range(2):
            with pytest.raises(Unavailable):
                await self.call()
        self.reservations.down = False

    async def list(self, **fields):
        return await self.admin.ListBreakers(ListBreakersRequest(**fields))

    async def set(self, action, **fields):
        wanted = {"target": self.channel.name, "reason": "a test", **fields}
        return await self.admin.SetBreaker(SetBreakerRequest(action=action, **wanted))

    async def state(self):
        return (await self.list()).breakers[0].state


@pytest.fixture
async def process(servers):
    reservations = Reservations()
    scheduler = await servers.start("scheduler", [(add_ReservationServiceServicer_to_server, reservations)])
    channel = servers.as_service(scheduler, "vm", attempts=1, breaker=EAGER)
    channels = [channel]

    def register(servicer, server):
        from novacron.api.admin.v1 import add_AdminServiceServicer_to_server

        add_AdminServiceServicer_to_server(servicer, server)

    servicer = admin_servicer.AdminServicer("vm", "vm-1", lambda: channels, None)
    server = await servers.start("vm", [(register, servicer)])
    servicer._server = server
    user = servers.users.add("breaker:*")
    made = Process(reservations, channel, server, AdminServiceStub(servers.as_user(server, user)))
    made.user = user
    return made


async def test_a_process_lists_its_breakers_its_retries_its_places_and_its_own_load(process):
    await process.call()
    await process.trip()
    with pytest.raises(BreakerOpen):
        await process.call()
    answer = await process.list()
    assert (answer.service, answer.instance) == ("vm", "vm-1")
    breaker = answer.breakers[0]
    assert (breaker.target, breaker.breaker_class) == (process.channel.name, CLASS)
    assert (breaker.state, breaker.opened, breaker.rejected) == (BREAKER_STATE_OPEN, 1, 1)
    assert 0 < breaker.retry_after.ToTimedelta().total_seconds() <= 60
    assert breaker.settings.minimum_request_threshold == 2
    target = answer.targets[0]
    assert (target.target, target.bulkhead_limit, target.bulkhead_in_flight) == (process.channel.name, 256, 0)
    assert target.retry_budget_left > 0
    assert answer.server.limit > 0
    assert answer.server.in_flight == 1, "this very question"


async def test_only_the_wanted_target_is_listed(process):
    await process.call()
    assert len((await process.list(target=process.channel.name)).breakers) == 1
    other = await process.list(target="nobody")
    assert (len(other.breakers), len(other.targets)) == (0, 0)


async def test_each_action_sets_its_state_and_the_calls_go_by_it(process):
    await process.call()
    await process.set(BREAKER_ACTION_OPEN, reason="the scheduler is being moved")
    with pytest.raises(BreakerOpen, match="is forced_open: the call was not sent"):
        await process.call()
    breaker = (await process.list()).breakers[0]
    assert breaker.state == BREAKER_STATE_FORCED_OPEN
    assert (breaker.set_by, breaker.set_reason) == (str(process.user.user_id), "the scheduler is being moved")
    await process.set(BREAKER_ACTION_CLOSE)
    await process.call()
    for action, state in (
        (BREAKER_ACTION_DISABLE, BREAKER_STATE_DISABLED),
        (BREAKER_ACTION_METRICS_ONLY, BREAKER_STATE_METRICS_ONLY),
    ):
        await process.set(action)
        await process.trip()
        assert await process.state() == state, "whatever comes of the calls"
        await process.call()


async def test_a_reset_forgets_what_was_counted_and_a_close_does_not(process):
    for action, opened in ((BREAKER_ACTION_CLOSE, 1), (BREAKER_ACTION_RESET, 0)):
        await process.trip()
        done = await process.set(action)
        assert [(one.state, one.opened) for one in done.breakers] == [(BREAKER_STATE_CLOSED, opened)]
        assert done.instance == "vm-1"
        await process.set(BREAKER_ACTION_RESET)


async def test_setting_the_same_twice_is_setting_it_once(process):
    await process.call()
    for _ in range(2):
        await process.set(BREAKER_ACTION_OPEN)
    assert await process.state() == BREAKER_STATE_FORCED_OPEN


async def test_what_has_never_been_called_has_no_breaker(process):
    with pytest.raises(NotFound, match="breaker nobody not found"):
        await process.set(BREAKER_ACTION_OPEN, target="nobody")
    await process.call()
    with pytest.raises(NotFound, match="/other not found"):
        await process.set(BREAKER_ACTION_OPEN, breaker_class="other")


async def test_nobody_locks_themselves_out_by_opening_the_way_to_auth(process):
    with pytest.raises(FailedPrecondition, match="who may close this breaker again"):
        await process.set(BREAKER_ACTION_OPEN, target="auth")


@pytest.mark.parametrize(
    ("fields", "field"), [({"reason": ""}, "reason"), ({"target": ""}, "target"), ({"action": 0}, "action")]
)
async def test_who_sets_a_breaker_says_which_and_what_and_why(process, fields, field):
    wanted = {"action": BREAKER_ACTION_OPEN, **fields}
    with pytest.raises(InvalidArgument) as caught:
        await process.set(**wanted)
    assert [one.field for one in caught.value.violations] == [field]


async def test_looking_and_setting_need_their_permissions_and_no_service_may(process, servers):
    await process.call()
    reads = AdminServiceStub(servers.as_user(process.server, servers.users.add("breaker:read")))
    await reads.ListBreakers(ListBreakersRequest())
    request = SetBreakerRequest(target=process.channel.name, action=BREAKER_ACTION_OPEN, reason="x")
    with pytest.raises(PermissionDenied, match="breaker:write"):
        await reads.SetBreaker(request)
    with pytest.raises(PermissionDenied, match="breaker:read"):
        await AdminServiceStub(servers.as_user(process.server, servers.users.add("vm:*"))).ListBreakers(
            ListBreakersRequest()
        )
    with pytest.raises(PermissionDenied, match="the service monitoring may not call"):
        await AdminServiceStub(servers.as_service(process.server, "monitoring")).SetBreaker(request)


async def test_every_server_of_a_foundation_has_it_and_no_service_does_a_thing_for_it(
    ca, new_database, servers, tmp_path
):
    database = await new_database(MigrationSource("none", tmp_path))
    identity = ca.identity("vm")
    settings = ServiceSettings(
        environment="testing",
        instance="vm-7",
        database_url=database.url,
        tls_ca=identity.ca,
        tls_cert=identity.certificate,
        tls_key=identity.key,
        drain_seconds=0,
        **{f"{service}_address": f"127.0.0.1:{free_port()}" for service in ("auth", "registry", "scheduler")},
    )
    async with Foundation("vm", settings, MigrationSource("none", tmp_path)) as base:
        server = base.server(servers.users)
        async with base.serving(server):
            admin = AdminServiceStub(servers.as_user(server, servers.users.add("breaker:*")))
            answer = await admin.ListBreakers(ListBreakersRequest())
            assert (answer.service, answer.instance) == ("vm", "vm-7")
            async with asyncio.timeout(10):
                while "registry" not in {
                    one.target for one in (await admin.ListBreakers(ListBreakersRequest())).targets
                }:
                    await asyncio.sleep(0.02)
