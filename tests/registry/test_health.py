"""How the registry finds out how processes are."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from grpc_health.v1 import health_pb2

from novacron.api.vm.v1 import VmServiceServicer, add_VmServiceServicer_to_server
from novacron.errors import Unavailable
from novacron.testing.patience import eventually
from novacron_registry.service import Health, Status, status_of


@pytest.fixture
async def process(servers):
    """``await process("vm")``: a real server with the certificate of that service."""

    async def start(service):
        return await servers.start(service, [(add_VmServiceServicer_to_server, VmServiceServicer())])

    return start


@pytest.fixture
def until(replica):
    """Waits until the registry says of a service what is wanted: its state, and each instance's state and message."""

    async def wait(one, service, status, instances, within=10.0):
        async def said():
            found = await one.store.named(service)
            return (
                found.status == status
                and {i.instance: (i.status, i.status_message) for i in found.instances} == instances
            )

        await eventually(said, within=within, message=f"{await one.store.named(service)}")

    return wait


HEALTHY = ("healthy", "")


async def age_leases(database, seconds):
    async with database.connection() as connection:
        await connection.execute(
            "UPDATE service_instances SET lease_until = lease_until - %s * interval '1 s'", (seconds,)
        )
        await connection.execute(
            "UPDATE service_registry SET updated_at = updated_at - %s * interval '1 s'", (seconds,)
        )


async def test_a_process_that_serves_is_healthy_and_one_that_went_is_not_and_back_again(
    replica, register, process, until, servers
):
    registry, vm = await replica(), await process("vm")
    await register(registry, "vm", "vm-1", mesh=f"localhost:{vm.mesh_port}")
    await until(registry, "vm", "healthy", {"vm-1": HEALTHY})
    assert (await registry.store.named("vm")).instances[0].last_health_check is not None
    await vm._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)
    said = "says NOT_SERVING: it is starting, draining or in trouble"
    await until(registry, "vm", "unhealthy", {"vm-1": ("unhealthy", said)})
    await vm._set_health(health_pb2.HealthCheckResponse.SERVING)
    await until(registry, "vm", "healthy", {"vm-1": HEALTHY})


async def test_a_service_is_degraded_while_one_of_its_processes_does_not_answer(replica, register, process):
    registry, first, second = await replica(), await process("vm"), await process("vm")
    await register(registry, "vm", "vm-1", mesh=f"localhost:{first.mesh_port}")
    await register(registry, "vm", "vm-2", mesh=f"localhost:{second.mesh_port}")

    async def status():
        return (await registry.store.named("vm")).status

    async def healthy():
        return await status() == "healthy" and all(
            one.status == "healthy" for one in (await registry.store.named("vm")).instances
        )

    async def degraded():
        return await status() == "degraded"

    await eventually(healthy)
    await second.stop()
    await eventually(degraded)
    broken = (await registry.store.named("vm")).instances[1]
    assert (broken.instance, broken.status) == ("vm-2", "unhealthy")
    assert broken.status_message.startswith("does not answer: ")


async def test_many_failures_do_not_keep_the_registry_from_seeing_a_process_come_back(
    replica, register, process, until, servers
):
    """Ten failures open the breaker of a calling channel for a minute; the health check has none of that."""
    registry, vm = await replica(interval=0.001, checks=False), await process("vm")
    await register(registry, "vm", "vm-1", mesh=f"localhost:{vm.mesh_port}")
    await vm.stop()
    while len(registry.probe.asked) < 15:
        await registry.checker.turn()
    assert (await registry.store.named("vm")).status == "unhealthy"
    await servers.start(
        "vm",
        [(add_VmServiceServicer_to_server, VmServiceServicer())],
        mesh_listen=f"127.0.0.1:{vm.mesh_port}",
    )
    await registry.checker.start()
    await until(registry, "vm", "healthy", {"vm-1": HEALTHY})


async def test_a_process_that_hangs_is_unhealthy_after_a_second_and_holds_up_no_one(replica, register, process, until):
    connections = []

    async def swallow(reader, writer):
        connections.append(writer)

    hanging = await asyncio.start_server(swallow, "127.0.0.1", 0)
    async with hanging:
        registry, vm = await replica(), await process("vm")
        await register(registry, "scheduler", "s-1", mesh=f"127.0.0.1:{hanging.sockets[0].getsockname()[1]}")
        await register(registry, "vm", "vm-1", mesh=f"localhost:{vm.mesh_port}")
        await until(registry, "scheduler", "unhealthy", {"s-1": ("unhealthy", "did not answer within 1 s")})
        await until(registry, "vm", "healthy", {"vm-1": HEALTHY})
        await registry.checker.stop()
    for connection in connections:
        connection.close()
    await asyncio.gather(*(connection.wait_closed() for connection in connections), return_exceptions=True)


async def test_a_process_with_a_certificate_of_another_ca_is_not_healthy(replica, register, tmp_path, servers, until):
    from novacron.rpc import Identification, Server
    from novacron.settings import ProcessSettings
    from novacron_local.certificates import DevelopmentCA

    issued = DevelopmentCA(tmp_path, "testing").identity("vm")
    stranger = Server(
        ProcessSettings(environment="testing", drain_seconds=0),
        servers.users,
        Identification.read(issued.ca, issued.certificate, issued.key),
    )
    stranger.add(add_VmServiceServicer_to_server, VmServiceServicer())
    await stranger.start()
    await stranger.serving()
    registry = await replica()
    await register(registry, "vm", "vm-1", mesh=f"127.0.0.1:{stranger.mesh_port}")

    async def refused():
        [instance] = (await registry.store.named("vm")).instances
        return instance.status == "unhealthy" and "CERTIFICATE_VERIFY_FAILED" in instance.status_message

    await eventually(refused)
    await stranger.stop()


async def test_a_lapsed_lease_makes_an_instance_unhealthy_and_a_renewal_brings_it_back(
    replica, register, process, until, database
):
    registry, vm = await replica(), await process("vm")
    await register(registry, "vm", "vm-1", mesh=f"localhost:{vm.mesh_port}")
    await until(registry, "vm", "healthy", {"vm-1": HEALTHY})
    await age_leases(database, 60)
    await until(registry, "vm", "unhealthy", {"vm-1": ("unhealthy", "lease lapsed")})
    revision = (await registry.store.named("vm")).revision
    await registry.checker.turn()
    assert (await registry.store.named("vm")).revision == revision
    await register(registry, "vm", "vm-1", mesh=f"localhost:{vm.mesh_port}")
    await until(registry, "vm", "healthy", {"vm-1": HEALTHY})


async def test_what_is_gone_for_an_hour_is_forgotten_and_its_service_an_hour_later(replica, register, reader, database):
    registry = await replica(checks=False)
    await register(registry, "vm", "vm-1")
    await register(registry, "scheduler", "s-1")
    await age_leases(database, 3500)
    await registry.checker.turn()
    assert [one.status_message for one in (await registry.store.named("vm")).instances] == ["lease lapsed"]
    await age_leases(database, 200)
    await registry.checker.turn()
    assert (await registry.store.named("vm")).instances == ()
    await register(registry, "scheduler", "s-1")
    await age_leases(database, 3601)
    await registry.services.lapse()
    assert await registry.store.named("vm") is None
    assert await registry.store.named("scheduler") is not None


async def test_replicas_share_the_work_and_ask_no_process_twice_in_an_interval(replica, register):
    replicas = [await replica(interval=3600, checks=False) for _ in range(3)]
    for number in range(100):
        await register(replicas[0], "vm", f"vm-{number}", mesh=f"localhost:{number + 1}")
    for _ in range(2):
        await asyncio.gather(*(one.checker.turn() for one in replicas))
    asked = [address for one in replicas for address in one.probe.asked]
    assert len(asked) == 100
    assert len(set(asked)) == 100
    assert sum(1 for one in replicas if one.probe.asked) > 1


async def test_an_answer_of_a_process_that_was_replaced_meanwhile_is_not_written(replica, register, process):
    registry, vm = await replica(checks=False), await process("vm")
    await register(registry, "vm", "vm-1", mesh="localhost:1")
    [asked] = await registry.store.take_due(5, 10)
    await register(registry, "vm", "vm-1", mesh=f"localhost:{vm.mesh_port}")
    await registry.services.judge(asked, await registry.probe.ask("vm", asked.mesh_endpoint))
    assert [one.status for one in (await registry.store.named("vm")).instances] == ["unknown"]


async def test_two_answers_at_once_make_one_state_of_both(replica, register, database):
    """The second must not work the service's state out of what the first has not committed yet."""
    registry = await replica(checks=False)
    for number in (1, 2):
        await register(registry, "vm", f"vm-{number}", mesh=f"localhost:{number}")
    first, second = await registry.store.take_due(5, 10)
    async with registry.store.changing("vm") as connection:
        assert await registry.store.record(connection, first, Health(Status.HEALTHY))
        await registry.store.settle(connection, first.service_id)
        judging = asyncio.create_task(registry.services.judge(second, Health(Status.UNHEALTHY, "away")))

        async def waits():
            async with database.connection() as looking:
                query = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
                return await (await looking.execute(query)).fetchone()

        await eventually(waits)
    await judging
    assert (await registry.store.named("vm")).status == "degraded"


async def test_an_operators_maintenance_stays_whatever_the_processes_say(replica, register, process, database):
    registry, vm = await replica(checks=False), await process("vm")
    await register(registry, "vm", "vm-1", mesh=f"localhost:{vm.mesh_port}")
    async with database.connection() as connection:
        await connection.execute("UPDATE service_registry SET status = 'maintenance'")
    await registry.checker.turn()
    service = await registry.store.named("vm")
    assert (service.status, service.instances[0].status) == ("maintenance", "healthy")


async def test_the_checker_outlives_an_outage_of_its_database(replica, register, process, until, monkeypatch):
    registry, vm = await replica(), await process("vm")
    await register(registry, "vm", "vm-1", mesh=f"localhost:{vm.mesh_port}")
    await until(registry, "vm", "healthy", {"vm-1": HEALTHY})
    refused = []

    # The world outside: the database refuses for a while.
    @asynccontextmanager
    async def away():
        refused.append(1)
        raise Unavailable("the database does not answer")
        yield

    with monkeypatch.context() as outage:
        outage.setattr(registry.store._database, "connection", away)

        async def seen():
            return len(refused) > 2

        await eventually(seen)
    await vm._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)

    async def unhealthy():
        return (await registry.store.named("vm")).status == "unhealthy"

    await eventually(unhealthy)


@pytest.mark.parametrize(
    ("instances", "status"),
    [
        ([], "unhealthy"),
        (["unknown"], "unknown"),
        (["healthy", "healthy"], "healthy"),
        (["healthy", "unknown"], "healthy"),
        (["healthy", "unhealthy"], "degraded"),
        (["healthy", "unhealthy", "unknown"], "degraded"),
        (["unhealthy", "unknown"], "unhealthy"),
        (["unhealthy"], "unhealthy"),
    ],
)
def test_a_services_state_follows_from_its_instances(instances, status):
    assert status_of([Status(one) for one in instances]) == status
