"""What watchers of services are told."""

import asyncio
from uuid import uuid4

import pytest

from novacron.api.registry.v1 import DeregisterInstanceRequest, RegistryServiceStub, WatchServicesRequest
from novacron.errors import PermissionDenied


class Watcher:
    """Reads a stream into a list, in its own task."""

    def __init__(self, stub):
        self._stub = stub
        self.events = asyncio.Queue()
        self._task = asyncio.create_task(self._read())

    async def _read(self):
        async for event in self._stub.WatchServices(WatchServicesRequest()):
            await self.events.put(event)

    async def next(self, within=15.0):
        async with asyncio.timeout(within):
            event = await self.events.get()
        instances = [one.instance for one in event.service.instances]
        return event.service.service_name, event.service.service_version, instances, event.removed

    async def stop(self):
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


@pytest.fixture
async def watching(reader):
    made = []

    def start(one):
        made.append(Watcher(reader(one)))
        return made[-1]

    yield start
    for one in made:
        await one.stop()


async def test_a_watcher_gets_every_service_once_and_then_each_change_of_any_replica(
    replica, register, watching, servers
):
    here, there = await replica(checks=False), await replica(checks=False)
    await register(here, "vm", "vm-1")
    await register(here, "auth", "auth-1")
    watcher = watching(here)
    assert await watcher.next() == ("auth", "1.2.3", ["auth-1"], False)
    assert await watcher.next() == ("vm", "1.2.3", ["vm-1"], False)
    await register(there, "vm", "vm-2")
    assert await watcher.next() == ("vm", "1.2.3", ["vm-1", "vm-2"], False)
    await register(there, "vm", "vm-2")  # a renewal is no change
    stub = RegistryServiceStub(servers.as_service(there.server, "vm"))
    await stub.DeregisterInstance(DeregisterInstanceRequest(service_name="vm", instance="vm-1"))
    assert await watcher.next() == ("vm", "1.2.3", ["vm-2"], False)
    assert watcher.events.empty()


async def test_a_change_of_health_is_told(replica, register, watching, servers):
    registry = await replica(checks=False)
    await register(registry, "registry", "r-1", mesh=f"localhost:{registry.server.mesh_port}")
    watcher = watching(registry)
    await watcher.next()
    await registry.checker.turn()
    async with asyncio.timeout(15):
        event = await watcher.events.get()
    assert [one.status for one in event.service.instances] == [event.service.status] == [2]


async def test_a_service_that_is_forgotten_is_told_as_removed(replica, register, watching, database):
    registry = await replica(checks=False)
    await register(registry, "vm", "vm-1", version="1.0.0")
    await register(registry, "vm", "vm-1", version="1.1.0")
    watcher = watching(registry)
    assert [await watcher.next(), await watcher.next()] == [
        ("vm", "1.0.0", [], False),
        ("vm", "1.1.0", ["vm-1"], False),
    ]
    async with database.connection() as connection:
        await connection.execute("UPDATE service_registry SET updated_at = now() - interval '2 hours'")
    await registry.services.lapse()
    assert await watcher.next() == ("vm", "1.0.0", [], True)


async def test_transactions_that_commit_in_another_order_than_they_began_are_both_told(replica, watching, database):
    """A reader of "all changes after n" would lose the first to begin, which commits last."""
    registry = await replica(checks=False)
    watcher = watching(registry)
    insert = (
        "INSERT INTO service_registry (service_name, service_version, service_type, environment, base_url,"
        " health_check_url) VALUES (%s, '1.0.0', 'microservice', 'testing', 'grpcs://h:1', 'grpcs://h:1')"
    )
    async with database.transaction() as slow:
        await slow.execute(insert, ("slow",))
        async with database.transaction() as quick:
            await quick.execute(insert, ("quick",))
        assert (await watcher.next())[0] == "quick"
    assert (await watcher.next())[0] == "slow"


async def test_a_slow_watcher_is_given_the_newest_state_and_not_every_step(replica, register):
    registry = await replica(checks=False)
    await register(registry, "vm", "vm-0")
    changes = registry.watch.changes()
    first = await anext(changes)
    for number in range(1, 6):
        await register(registry, "vm", f"vm-{number}")
        await registry.watch._look()
    newest = await anext(changes)
    assert newest.service.revision - first.service.revision == 5
    assert len(newest.service.instances) == 6
    await changes.aclose()


async def test_nobody_watching_asks_the_database_nothing(replica, monkeypatch):
    registry = await replica(checks=False)
    asked = []
    real = registry.store.revisions

    async def counted():
        asked.append(1)
        return await real()

    monkeypatch.setattr(registry.store, "revisions", counted)
    changes = registry.watch.changes()
    waiting = asyncio.create_task(anext(changes))
    while len(asked) < 3:
        await asyncio.sleep(0.01)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    before = len(asked)
    await asyncio.sleep(0.35)  # three intervals in which nothing must happen
    assert len(asked) <= before + 1


async def test_watching_needs_the_permission_to_read(replica, reader):
    registry = await replica(checks=False)
    with pytest.raises(PermissionDenied, match="service:read"):
        async for _ in reader(registry, f"vm:{uuid4().hex}").WatchServices(WatchServicesRequest()):
            pass
