"""What the registry keeps of breakers: written by operators, followed by every process."""

import asyncio
from uuid import uuid4

import pytest
from google.protobuf.struct_pb2 import Struct

from novacron.api.registry.v1 import (
    CircuitBreakerConfiguration,
    CircuitBreakerServiceStub,
    CreateCircuitBreakerConfigurationRequest,
    DeleteCircuitBreakerConfigurationRequest,
    GetCircuitBreakerConfigurationRequest,
    ListCircuitBreakerConfigurationsRequest,
    UpdateCircuitBreakerConfigurationRequest,
)
from novacron.api.types.v1 import (
    BREAKER_STATE_CLOSED,
    BREAKER_STATE_FORCED_OPEN,
    BREAKER_STATE_OPEN,
    FAILURE_CRITERION_TIMEOUT,
    RECOVERY_STRATEGY_GRADUAL,
    BreakerSettings,
)
from novacron.errors import AlreadyExists, Conflict, InvalidArgument, NotFound, PermissionDenied
from novacron.rpc.breaker import State
from novacron.rpc.breaker_clients import BreakerFollower
from novacron.testing.patience import eventually


@pytest.fixture
async def registry(replica):
    return await replica(checks=False)


@pytest.fixture
def operator(servers):
    def of(one, *permissions):
        user = servers.users.add(*(permissions or ("breaker:*",)))
        return CircuitBreakerServiceStub(servers.as_user(one.server, user))

    return of


def configuration(**fields):
    wanted = {"service_name": "vm", "target_service_name": "scheduler", **fields}
    return CircuitBreakerConfiguration(**wanted)


async def create(stub, **fields):
    request = CreateCircuitBreakerConfigurationRequest(configuration=configuration(**fields))
    return await stub.CreateCircuitBreakerConfiguration(request)


async def test_what_is_created_is_what_is_read_and_says_who_wrote_it_and_why(registry, operator, servers):
    user = servers.users.add("breaker:*")
    stub = CircuitBreakerServiceStub(servers.as_user(registry.server, user))
    settings = BreakerSettings(
        failure_threshold=2,
        failure_rate=0.25,
        failure_criteria=[FAILURE_CRITERION_TIMEOUT],
        recovery_strategy=RECOVERY_STRATEGY_GRADUAL,
        timeout_duration_seconds=1.5,
        fallback_enabled=False,
    )
    made = await create(stub, settings=settings, breaker_class="reads", reason="the link is bad")
    assert made.settings == settings
    assert (made.revision, made.current_state, made.reason) == (1, BREAKER_STATE_CLOSED, "the link is bad")
    assert made.updated_by == str(user.user_id)
    read = GetCircuitBreakerConfigurationRequest(circuit_breaker_id=made.circuit_breaker_id)
    assert await stub.GetCircuitBreakerConfiguration(read) == made


async def test_creating_the_same_again_gives_what_is_there_and_anything_else_is_already_exists(registry, operator):
    stub = operator(registry)
    made = await create(stub, settings=BreakerSettings(failure_threshold=2))
    assert await create(stub, settings=BreakerSettings(failure_threshold=2)) == made
    with pytest.raises(AlreadyExists, match=f"vm to scheduler are configured already, by {made.circuit_breaker_id}"):
        await create(stub, settings=BreakerSettings(failure_threshold=3))
    with pytest.raises(AlreadyExists):
        await create(stub, circuit_breaker_id=made.circuit_breaker_id, target_service_name="auth")


async def test_of_many_that_create_at_once_one_is_first_and_the_others_are_told(replica, registry, operator):
    other = await replica(checks=False)
    stubs = [operator(registry), operator(other)]
    done = await asyncio.gather(
        *(create(stubs[n % 2], settings=BreakerSettings(failure_threshold=n % 4 + 1)) for n in range(12)),
        return_exceptions=True,
    )
    made = [one for one in done if isinstance(one, CircuitBreakerConfiguration)]
    assert len({one.circuit_breaker_id for one in made}) == 1
    assert all(isinstance(one, AlreadyExists) for one in done if one not in made)
    assert len(made) == 3, "those that wanted just this"


async def test_an_update_puts_the_whole_in_place_and_a_stale_revision_is_refused(registry, operator):
    stub = operator(registry)
    made = await create(stub, settings=BreakerSettings(failure_threshold=2, slow_rate=0.9))
    request = UpdateCircuitBreakerConfigurationRequest(configuration=made)
    wanted = request.configuration
    wanted.settings.CopyFrom(BreakerSettings(success_threshold=1))
    changed = await stub.UpdateCircuitBreakerConfiguration(request)
    assert (changed.settings, changed.revision) == (BreakerSettings(success_threshold=1), 2)
    assert await stub.UpdateCircuitBreakerConfiguration(request) == changed, "a repeated attempt is the same update"
    wanted.settings.success_threshold = 2
    with pytest.raises(Conflict, match="changed by somebody else: read them again"):
        await stub.UpdateCircuitBreakerConfiguration(request)
    wanted.revision = 0
    assert (await stub.UpdateCircuitBreakerConfiguration(request)).revision == 3
    wanted.target_service_name = "auth"
    with pytest.raises(InvalidArgument, match="is for vm to scheduler"):
        await stub.UpdateCircuitBreakerConfiguration(request)


async def test_what_is_deleted_is_gone_and_may_be_deleted_again(registry, operator):
    stub = operator(registry)
    made = await create(stub)
    for _ in range(2):
        await stub.DeleteCircuitBreakerConfiguration(
            DeleteCircuitBreakerConfigurationRequest(circuit_breaker_id=made.circuit_breaker_id)
        )
    for call, request in (
        (stub.GetCircuitBreakerConfiguration, GetCircuitBreakerConfigurationRequest),
        (
            stub.UpdateCircuitBreakerConfiguration,
            lambda **_: UpdateCircuitBreakerConfigurationRequest(configuration=made),
        ),
    ):
        with pytest.raises(NotFound, match=f"breaker configuration {made.circuit_breaker_id} not found"):
            await call(request(circuit_breaker_id=made.circuit_breaker_id))


@pytest.mark.parametrize(
    ("fields", "path", "said"),
    [
        ({"service_name": "VM!"}, "configuration.service_name", "pattern"),
        ({"breaker_class": "a b"}, "configuration.breaker_class", "pattern"),
        ({"circuit_breaker_id": "x"}, "configuration.circuit_breaker_id", "UUID"),
        (
            {"settings": {"failure_threshold": 0}},
            "configuration.settings.failure_threshold",
            "greater than or equal to 1",
        ),
        ({"settings": {"failure_rate": 1.5}}, "configuration.settings.failure_rate", "less than or equal to 1"),
        (
            {"settings": {"half_open_permits": -1}},
            "configuration.settings.half_open_permits",
            "greater than or equal to 1",
        ),
        ({"settings": {"permit_seconds": float("nan")}}, "configuration.settings.permit_seconds", "greater than 0"),
        ({"settings": {"failure_criteria": [0]}}, "configuration.settings.failure_criteria[0]", "must not be in list"),
        (
            {"settings": {"minimum_request_threshold": 500}},
            "configuration.settings.minimum_request_threshold",
            "more than the 100 calls of the window: it would never open; use metrics_only",
        ),
        (
            {"settings": {"timeout_duration_seconds": 30}},
            "configuration.settings.longest_open_seconds",
            "make it at least 30",
        ),
        ({"current_state": BREAKER_STATE_OPEN}, "configuration.current_state", "must not be in list"),
        (
            {"current_state": BREAKER_STATE_FORCED_OPEN, "target_service_name": "registry"},
            "configuration.current_state",
            "could not be undone",
        ),
        ({"fallback_service_name": "scheduler"}, "configuration.fallback_service_name", "is the target itself"),
    ],
)
async def test_a_field_that_makes_no_sense_is_named_and_nothing_is_written(registry, operator, fields, path, said):
    stub = operator(registry)
    fields = dict(fields)
    if "settings" in fields:
        fields["settings"] = BreakerSettings(**fields["settings"])
    with pytest.raises(InvalidArgument, match=said) as caught:
        await create(stub, **fields)
    assert path in [one.field for one in caught.value.violations]
    listed = await stub.ListCircuitBreakerConfigurations(ListCircuitBreakerConfigurationsRequest())
    assert list(listed.configurations) == []


@pytest.mark.parametrize(
    "method",
    [
        "novacron.api.auth.v1.AuthService.GetUserPermissions",
        "novacron.api.scheduler.v1.NodeService.GetNode",
        "nonsense",
    ],
)
async def test_an_answer_for_a_method_that_declares_none_is_refused_above_all_for_permissions(
    registry, operator, method
):
    answers = Struct()
    answers.update({method: {"permissions": ["*:*"]}})
    with pytest.raises(InvalidArgument, match="is no method that declares a default fallback"):
        await create(operator(registry), fallback_response=answers)


async def test_pages_go_by_caller_target_and_class(registry, operator):
    stub = operator(registry)
    for caller in ("vm", "federation"):
        for target in ("scheduler", "auth"):
            for breaker_class in ("", "reads"):
                await create(stub, service_name=caller, target_service_name=target, breaker_class=breaker_class)
    seen, token = [], ""
    while True:
        request = ListCircuitBreakerConfigurationsRequest(page_size=3, page_token=token)
        page = await stub.ListCircuitBreakerConfigurations(request)
        seen += [(one.service_name, one.target_service_name, one.breaker_class) for one in page.configurations]
        if not (token := page.next_page_token):
            break
    assert seen == sorted(seen)
    assert len(seen) == 8
    of_vm = await stub.ListCircuitBreakerConfigurations(ListCircuitBreakerConfigurationsRequest(service_name="vm"))
    assert len(of_vm.configurations) == 4


async def test_reading_and_writing_need_their_permissions(registry, operator):
    with pytest.raises(PermissionDenied, match="breaker:write"):
        await create(operator(registry, "breaker:read"))
    with pytest.raises(PermissionDenied, match="breaker:read"):
        await operator(registry, "service:*").ListCircuitBreakerConfigurations(
            ListCircuitBreakerConfigurationsRequest()
        )


async def test_a_process_follows_its_own_configuration_through_whichever_replica_and_keeps_the_last_known(
    replica, registry, operator, servers
):
    other = await replica(checks=False)
    stub, states = operator(other), []
    follower = BreakerFollower(servers.as_service(registry.server, "vm"), states.append)
    await follower.start()

    async def told(number):
        return len(states) >= number

    await eventually(lambda: told(1))
    assert states == [{}]
    made = await create(stub, settings=BreakerSettings(failure_threshold=2), current_state=BREAKER_STATE_FORCED_OPEN)
    await create(stub, service_name="monitoring")
    await eventually(lambda: told(2))
    override = states[-1]["scheduler"][""]
    assert (override.values, override.state) == ({"failure_threshold": 2}, State.FORCED_OPEN)
    await registry.server.stop()
    await stub.DeleteCircuitBreakerConfiguration(
        DeleteCircuitBreakerConfigurationRequest(circuit_breaker_id=made.circuit_breaker_id)
    )
    assert len(states) == 2, "the last known stays, and monitoring's is not vm's business"
    await follower.stop()


async def test_a_user_cannot_watch_what_processes_follow(registry, operator):
    from novacron.api.registry.v1 import WatchCircuitBreakerConfigurationsRequest

    with pytest.raises(PermissionDenied, match="service's certificate"):
        async for _ in operator(registry, "*:*").WatchCircuitBreakerConfigurations(
            WatchCircuitBreakerConfigurationsRequest()
        ):
            pass


async def test_one_that_is_not_there_is_not_found(registry, operator):
    with pytest.raises(NotFound):
        await operator(registry).GetCircuitBreakerConfiguration(
            GetCircuitBreakerConfigurationRequest(circuit_breaker_id=str(uuid4()))
        )
