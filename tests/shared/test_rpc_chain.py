"""The two chains against each other: a real server, a real channel, both ports."""

import asyncio
from uuid import UUID, uuid4

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

from novacron.api.scheduler.v1 import (
    GetReservationRequest,
    ReleaseReservationRequest,
    ReleaseReservationResponse,
    Reservation,
    ReservationServiceServicer,
    ReservationServiceStub,
    add_ReservationServiceServicer_to_server,
)
from novacron.api.vm.v1 import (
    GetVmRequest,
    Vm,
    VmEvent,
    VmServiceServicer,
    VmServiceStub,
    WatchVmRequest,
    add_VmServiceServicer_to_server,
)
from novacron.errors import (
    BreakerOpen,
    DeadlineExceeded,
    Internal,
    InvalidArgument,
    NoCapacity,
    NotFound,
    PermissionDenied,
    Unauthenticated,
    Unavailable,
)
from novacron.rpc import current, deadline
from novacron.rpc.breaker import BreakerConfiguration
from novacron.saga.key import SagaKey, current_key, set_current_key
from novacron.testing.servers import Servers


class Reservations(ReservationServiceServicer):
    """Answers as each test told it."""

    def __init__(self):
        self.calls = 0
        self.seen = None
        self.answer = lambda: Reservation()

    async def GetReservation(self, request, context):
        self.calls += 1
        self.seen = (current(), current_key(), deadline.remaining())
        made = self.answer()
        return await made if asyncio.iscoroutine(made) else made

    async def ReleaseReservation(self, request, context):
        return ReleaseReservationResponse(released=True)


class Vms(VmServiceServicer):
    async def GetVm(self, request, context):
        return Vm(vm_id=request.vm_id, tenant_id=str(current().user.tenant_id))

    async def WatchVm(self, request, context):
        yield VmEvent(reason="first")
        raise NotFound.named("vm", request.vm_id)


@pytest.fixture
async def reservations():
    return Reservations()


@pytest.fixture
async def server(servers: Servers, reservations):
    return await servers.start(
        "scheduler",
        [(add_ReservationServiceServicer_to_server, reservations), (add_VmServiceServicer_to_server, Vms())],
    )


def ask(channel, **named):
    return ReservationServiceStub(channel).GetReservation(GetReservationRequest(vm_id=str(uuid4())), **named)


async def test_a_typed_error_is_the_same_error_on_the_other_side_with_its_metadata(servers, server, reservations):
    def refuse():
        raise NoCapacity("no node fits", metadata={"nodes": "3"})

    reservations.answer = refuse
    with pytest.raises(NoCapacity, match="no node fits") as caught:
        await ask(servers.as_service(server, "vm"))
    assert caught.value.metadata == {"nodes": "3"}


async def test_an_untyped_error_leaves_as_internal_with_a_correlation_id_and_no_detail(servers, server, reservations):
    def break_down():
        raise ZeroDivisionError("a secret inside")

    reservations.answer = break_down
    with pytest.raises(Internal) as caught:
        await ask(servers.as_service(server, "vm"))
    assert "secret" not in caught.value.message
    assert caught.value.metadata["correlation_id"] in caught.value.message


async def test_only_the_services_that_the_proto_names_may_call(servers, server):
    await ask(servers.as_service(server, "vm"))
    with pytest.raises(PermissionDenied, match="monitoring may not call"):
        await ask(servers.as_service(server, "monitoring"))


async def test_a_user_needs_a_token_and_the_permission(servers, server):
    with pytest.raises(Unauthenticated):
        await ask(servers.as_user(server))
    with pytest.raises(PermissionDenied, match="reservation:read"):
        await ask(servers.as_user(server, servers.users.add("vm:read")))
    await ask(servers.as_user(server, servers.users.add("reservation:*")))


async def test_an_internal_method_is_closed_to_every_user(servers, server):
    channel = servers.as_user(server, servers.users.add("*:*"))
    with pytest.raises(PermissionDenied, match="service's certificate"):
        await ReservationServiceStub(channel).ReleaseReservation(ReleaseReservationRequest(vm_id=str(uuid4())))


async def test_validation_names_the_field_but_only_to_those_who_may_call(servers, server):
    bad = GetReservationRequest(vm_id="not-a-uuid")
    with pytest.raises(InvalidArgument) as caught:
        await ReservationServiceStub(servers.as_service(server, "vm")).GetReservation(bad)
    assert [one.field for one in caught.value.violations] == ["vm_id"]
    with pytest.raises(PermissionDenied):
        await ReservationServiceStub(servers.as_service(server, "monitoring")).GetReservation(bad)


async def test_a_service_certificate_alone_reads_nothing_that_a_tenant_owns(servers, server):
    with pytest.raises(PermissionDenied):
        await VmServiceStub(servers.as_service(server, "federation")).GetVm(GetVmRequest(vm_id=str(uuid4())))


async def test_a_request_without_an_id_is_told_the_one_that_it_got_and_a_refusal_tells_it_always(servers, server):
    credentials = servers.identification("vm").client()
    told = []
    async with grpc.aio.secure_channel(f"localhost:{server.mesh_port}", credentials) as channel:
        get = ReservationServiceStub(channel).GetReservation
        for vm_id in (str(uuid4()), "not-a-uuid"):
            for sent in ((), (("x-request-id", "mine"),)):
                call = get(GetReservationRequest(vm_id=vm_id), metadata=sent)
                told.append(dict(await call.trailing_metadata()).get("x-request-id"))
    assert UUID(told[0]).version == UUID(told[2]).version == 7
    assert told[1::2] == [None, "mine"]


async def test_the_callers_deadline_is_known_to_the_handler_and_cuts_the_call(servers, server, reservations):
    async def hang():
        await asyncio.Event().wait()

    reservations.answer = hang
    with pytest.raises(DeadlineExceeded):
        await ask(servers.as_service(server, "vm", attempts=1), timeout=0.2)
    assert 0 < reservations.seen[2] <= 0.2


async def test_an_inherited_deadline_cuts_what_the_call_asked_for(servers, server, reservations):
    with deadline.within(1.0):
        await ask(servers.as_service(server, "vm"), timeout=60)
    assert reservations.seen[2] < 1.0


async def test_an_idempotent_call_is_repeated_and_says_so(servers, server, reservations):
    def flaky():
        if reservations.calls < 3:
            raise Unavailable("not yet")
        return Reservation(vm_id="x")

    reservations.answer = flaky
    assert (await ask(servers.as_service(server, "vm"))).vm_id == "x"
    assert reservations.calls == 3


async def test_with_every_attempt_failing_the_budget_holds_the_amplification_to_a_fifth(servers, server, reservations):
    def down():
        raise Unavailable("down", retry_after_seconds=0.001)

    reservations.answer = down
    channel = servers.as_service(server, "vm", breaker=BreakerConfiguration(minimum_request_threshold=10**6))
    asked = 300
    for _ in range(asked):
        with pytest.raises(Unavailable):
            await ask(channel)
    assert asked < reservations.calls <= asked * 1.2


async def test_a_breaker_opens_and_answers_at_once_without_sending(servers, server, reservations):
    def down():
        raise Unavailable("down")

    reservations.answer = down
    channel = servers.as_service(server, "vm", attempts=1)
    for _ in range(10):
        with pytest.raises(Unavailable):
            await ask(channel)
    sent = reservations.calls
    with pytest.raises(BreakerOpen, match="was not sent"):
        await ask(channel)
    assert reservations.calls == sent


async def test_a_sagas_key_travels_with_its_calls_but_is_not_taken_from_users(servers, server, reservations):
    key = SagaKey(uuid4(), "reserve", "action")
    set_current_key(key)
    await ask(servers.as_service(server, "vm"))
    assert reservations.seen[1] == key
    await ask(servers.as_user(server, servers.users.add("*:*")))
    assert reservations.seen[1] is None


async def test_a_stream_ends_with_its_typed_error(servers, server):
    stub = VmServiceStub(servers.as_user(server, servers.users.add("vm:read")))
    seen = []
    with pytest.raises(NotFound):
        async for event in stub.WatchVm(WatchVmRequest(vm_id=str(uuid4()))):
            seen.append(event.reason)
    assert seen == ["first"]


async def test_health_and_both_reflections_answer_users_without_a_token(servers, server, identify):
    credentials = grpc.ssl_channel_credentials(identify("operator").ca)
    async with grpc.aio.secure_channel(f"localhost:{server.port}", credentials) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        request = health_pb2.HealthCheckRequest(service="novacron.api.scheduler.v1.ReservationService")
        assert (await health.Check(request)).status == health_pb2.HealthCheckResponse.SERVING
        for version in ("v1", "v1alpha"):
            call = channel.stream_stream(
                f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
                request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
                response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
            )([reflection_pb2.ServerReflectionRequest(list_services="")])
            names = [one.name async for answer in call for one in answer.list_services_response.service]
            assert "novacron.api.scheduler.v1.ReservationService" in names
            assert f"grpc.reflection.{version}.ServerReflection" in names


async def test_a_peer_without_our_certificate_does_not_reach_the_mesh_port(servers, server, identify):
    credentials = grpc.ssl_channel_credentials(identify("operator").ca)
    async with grpc.aio.secure_channel(f"localhost:{server.mesh_port}", credentials) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
