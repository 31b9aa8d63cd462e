"""`novacron breakers`, against a process with real breakers and a registry with a real database."""

from pathlib import Path
from uuid import uuid4

import pytest

from novacron.api.admin.v1 import add_AdminServiceServicer_to_server
from novacron.api.registry.v1 import (
    Instance,
    ListServicesResponse,
    RegistryServiceServicer,
    Service,
    add_CircuitBreakerServiceServicer_to_server,
    add_RegistryServiceServicer_to_server,
)
from novacron.api.scheduler.v1 import (
    GetReservationRequest,
    Reservation,
    ReservationServiceServicer,
    ReservationServiceStub,
    add_ReservationServiceServicer_to_server,
)
from novacron.db import MigrationSource
from novacron.errors import BreakerOpen
from novacron.mesh import Mesh
from novacron.paging import PageTokens
from novacron.rpc.admin_servicer import AdminServicer
from novacron.rpc.breaker_clients import BreakerFollower
from novacron.settings import ProcessSettings
from novacron.testing.patience import eventually
from novacron_registry.breaker_servicer import CircuitBreakerServicer
from novacron_registry.breaker_store import BreakerStore
from novacron_registry.breakers import Breakers, BreakerWatch

MIGRATIONS = MigrationSource("registry", Path(__file__).parents[2] / "services" / "registry" / "migrations")
WHY = ("--reason", "a test")


class Reservations(ReservationServiceServicer):
    async def GetReservation(self, request, context):
        return Reservation(vm_id=request.vm_id)


class Services(RegistryServiceServicer):
    """Knows the processes of vm."""

    def __init__(self, endpoints):
        self.endpoints = endpoints

    async def ListServices(self, request, context):
        instances = [Instance(instance=one, endpoint=one) for one in self.endpoints]
        return ListServicesResponse(services=[Service(service_name="vm", instances=instances)])


class Process:
    """A vm process that calls the scheduler over its mesh and follows the registry."""

    def __init__(self, servers, scheduler, registry, name):
        here = f"localhost:{scheduler.mesh_port}"
        settings = ProcessSettings(environment="testing", scheduler_address=here)
        self.mesh = Mesh(settings, servers.identification("vm"))
        self.name = name
        self.follower = BreakerFollower(servers.as_service(registry, "vm"), self.mesh.configure)

    @property
    def breaker(self):
        return next(iter(self.mesh.channel("scheduler").breakers.all().values()))

    async def call(self):
        stub = ReservationServiceStub(self.mesh.channel("scheduler"))
        return await stub.GetReservation(GetReservationRequest(vm_id=str(uuid4())))


@pytest.fixture
async def house(logged_in, servers, new_database):
    """Two processes of vm that have called the scheduler, and a registry, all in the profile of the user."""
    scheduler = await servers.start("scheduler", [(add_ReservationServiceServicer_to_server, Reservations())])
    store = BreakerStore(await new_database(MIGRATIONS), "testing")
    watch, services = BreakerWatch(store, 0.05), Services([])
    breakers = CircuitBreakerServicer(Breakers(store), store, watch, PageTokens(bytes(32)))
    registry = await servers.start(
        "registry",
        [
            (add_CircuitBreakerServiceServicer_to_server, breakers),
            (add_RegistryServiceServicer_to_server, services),
        ],
    )
    await watch.start()
    made = []
    for name in ("vm-1", "vm-2"):
        process = Process(servers, scheduler, registry, name)
        admin = AdminServicer("vm", name, process.mesh.channels, None)
        server = await servers.start("vm", [(add_AdminServiceServicer_to_server, admin)])
        admin._server = server
        services.endpoints.append(f"127.0.0.1:{server.port}")
        await process.call()
        await process.follower.start()
        made.append(process)
    profile = logged_in.profile
    profile["endpoints"] |= {"vm": services.endpoints[0], "registry": f"127.0.0.1:{registry.port}"}
    logged_in.write_profile(**profile)
    yield made
    for process in made:
        await process.follower.stop()
        await process.mesh.close()
    await watch.stop()


async def test_the_breakers_of_every_process_are_listed_and_what_does_not_answer_is_told(novacron, house):
    result = await novacron("breakers", "list")
    assert result.code == 0, result.err
    lines = result.out.splitlines()
    assert lines[0].split()[:5] == ["SERVICE", "TARGET", "CLASS", "STATE", "SINCE"]
    assert [line.split()[:4] for line in lines[1:]] == [["vm", "scheduler", "ReservationService", "closed"]] * 2
    assert "novacron: federation: " in result.err
    found = (await novacron("breakers", "list", "--service", "vm", "--target", "scheduler", "-o", "json")).json
    assert [(one["instance"], one["state"], one["calls"]) for one in found] == [
        ("vm-1", "BREAKER_STATE_CLOSED", 1),
        ("vm-2", "BREAKER_STATE_CLOSED", 1),
    ]
    assert found[0]["limits"]["bulkhead_limit"] == 256


async def test_a_breaker_is_opened_in_every_process_shown_with_its_reason_and_closed_again(novacron, house):
    result = await novacron("breakers", "open", "vm", "scheduler", "--reason", "it is being moved")
    assert result.code == 0, result.err
    assert "set in 2 processes of vm" in result.err
    for process in house:
        with pytest.raises(BreakerOpen):
            await process.call()
    shown = (await novacron("breakers", "show", "vm", "scheduler")).out
    assert "it is being moved" in shown
    assert "forced_open" in shown
    assert "failure_rate=0.5" in shown
    assert (await novacron("breakers", "close", "vm", "scheduler", *WHY)).code == 0
    for process in house:
        await process.call()


@pytest.mark.parametrize(
    ("command", "state"), [(("disable", "--metrics-only"), "metrics_only"), (("reset",), "closed")]
)
async def test_it_is_disabled_only_measured_or_reset(novacron, house, command, state):
    result = await novacron("breakers", command[0], "vm", "scheduler", *command[1:], *WHY, "-o", "json")
    assert result.code == 0, result.err
    assert {one["state"] for one in result.json} == {f"BREAKER_STATE_{state.upper()}"}


async def test_what_is_configured_holds_in_every_process_within_seconds_and_is_forgotten_when_cleared(novacron, house):
    what = ("--failure-rate", "0.2", "--recovery-strategy", "gradual", "--failure-criterion", "timeout")
    result = await novacron("breakers", "configure", "vm", "scheduler", *what, "--reason", "fail early")
    assert result.code == 0, result.err
    assert "failure_rate=0.2 failure_criteria=timeout recovery_strategy=gradual" in result.out

    def configured(rate):
        async def everywhere():
            return all(process.breaker.configuration.failure_rate == rate for process in house)

        return everywhere

    await eventually(configured(0.2))
    assert house[0].breaker.last_rates()[0] == 1, "nothing that was seen is lost"
    await novacron("breakers", "configure", "vm", "scheduler", "--state", "disabled", "--success-threshold", "1")

    async def disabled():
        return all(process.breaker.state == "disabled" for process in house)

    await eventually(disabled)
    listed = await novacron("breakers", "configurations", "-o", "json")
    assert listed.json[0]["settings"]["failure_rate"] == 0.2, "what is not named stays"
    assert listed.json[0]["reason"] == "fail early"
    assert (await novacron("breakers", "configure", "vm", "scheduler", "--clear")).code == 0
    await eventually(configured(0.5))
    assert house[0].breaker.state == "closed"


async def test_wrong_usage_says_what_would_be_right(novacron, house):
    for arguments, said in (
        (("open", "vn", "scheduler", *WHY), "there is no service vn"),
        (("configure", "vm", "scheduler"), "say what to configure"),
        (("configure", "vm", "scheduler", "--clear", "--failure-rate", "0.1"), "name no numbers beside it"),
        (("configure", "vm", "scheduler", "--minimum-request-threshold", "900"), "it would never open"),
    ):
        result = await novacron("breakers", *arguments)
        assert result.code == 2, (arguments, result.err)
        assert said in " ".join(result.err.split()), arguments


async def test_a_breaker_that_is_not_there_is_exit_code_3(novacron, house):
    result = await novacron("breakers", "open", "vm", "monitoring", *WHY)
    assert result.code == 3
    assert "breaker monitoring not found" in result.err
    assert "novacron breakers list" in result.err
