"""The house of the vm service's tests with a wire before each of its servers and databases, and sagas as they are deployed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

from psycopg.rows import dict_row

from novacron.db import Database, MigrationSource
from novacron.rpc.server import Server
from novacron.saga import Coordinator
from novacron.saga.definition import Step
from novacron.testing.faultproxy import FaultProxy
from novacron.testing.sagas import Disturbed
from novacron.testing.servers import Registration, Servers
from novacron_agent.messages import domain_to_proto

from ..vm import house as ordinary
from .whole import QUERIES, Row, Whole


class AsDeployed(Disturbed):
    """Undisturbed, with the retries that the sagas declare."""

    def _step(self, saga: str, step: Step) -> Step:
        return step


class WiredServers(Servers):
    """Servers that are reached through a wire: ``wires["scheduler"]``, ``wires["agent/n1"]``; users' as ``wires["user"]``."""

    def __init__(self, servers: Servers, wires: dict[str, FaultProxy], stack: AsyncExitStack) -> None:
        super().__init__(servers.identification)
        self._wires = wires
        self._wiring = stack

    async def start(self, service: str, registrations: Iterable[Registration], **settings: Any) -> Server:
        server = await super().start(service, registrations, **settings)
        server.mesh_port = await self._wired(service, server.mesh_port)
        if service == "vm":
            server.port = await self._wired("user", server.port)
        return server

    async def _wired(self, name: str, port: int) -> int:
        self._wires[name] = await self._wiring.enter_async_context(FaultProxy("127.0.0.1", port))
        return self._wires[name].port


class WiredHouse:
    """A house, its wires by the name of what is behind them, and the truth about it, read past all wires."""

    def __init__(self, house: ordinary.House, wires: dict[str, FaultProxy], direct: dict[str, Database]) -> None:
        self.house = house
        self.wires = wires
        self._direct = direct

    async def look(self) -> Whole:
        read: dict[str, list[list[Row]]] = {}
        for service, queries in QUERIES.items():
            async with self._direct[service].transaction() as connection:
                await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                cursor = connection.cursor(row_factory=dict_row)
                read[service] = [await (await cursor.execute(query)).fetchall() for query in queries]
        (vms, sagas), (allocations, nodes), (targets,) = read["vm"], read["scheduler"], read["monitoring"]
        domains = [
            (host.node_id, domain_to_proto(one))
            for host in self.house.hosts.values()
            for one in await host.driver.list()
        ]
        return Whole(vms, sagas, allocations, nodes, [row["vm_id"] for row in targets], domains)


@asynccontextmanager
async def wired_house(
    servers: Servers, new_database_url: Callable[..., str], directory: Path
) -> AsyncIterator[WiredHouse]:
    """A house with one host. Databases are behind ``wires["postgres of vm"]`` and so on."""
    wires: dict[str, FaultProxy] = {}
    direct: dict[str, Database] = {}
    async with AsyncExitStack() as stack:

        async def database(*sources: MigrationSource) -> Database:
            service = {ordinary.VM: "vm", ordinary.SCHEDULER: "scheduler", ordinary.MONITORING: "monitoring"}[sources]
            url = await asyncio.to_thread(new_database_url, *sources)
            port = urlsplit(url).port
            wire = await stack.enter_async_context(FaultProxy("127.0.0.1", port or 5432))
            wires[f"postgres of {service}"] = wire
            direct[service] = Database(url)
            wired = Database(url.replace(f":{port}/", f":{wire.port}/"), max_connections=32)
            for one in (direct[service], wired):
                await one.open()
                stack.push_async_callback(one.close)
            return wired

        wired = WiredServers(servers, wires, stack)
        stack.push_async_callback(wired.close)
        # A saga whose owner lost its lease is taken up soon: nothing here takes long.
        coordinator = partial(Coordinator, lease_seconds=2)
        with patch.object(ordinary, "Disturbed", AsDeployed), patch.object(ordinary, "Coordinator", coordinator):
            house = await ordinary.build(wired, database, directory)
        stack.push_async_callback(house.close)
        await house.add_host()
        yield WiredHouse(house, wires, direct)
