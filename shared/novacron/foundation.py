"""What every service with a database stands on, opened in order and closed in reverse.

A service's ``__main__`` builds its own parts on this and reads top to bottom::

    async with Foundation("scheduler", settings, barrier.MIGRATIONS, service_migrations("scheduler", __file__)) as base:
        store = Store(base.database)
        server = base.server()
        server.add(add_NodeServiceServicer_to_server, NodeServicer(store))
        async with base.serving(server):
            await stopping.wait()
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

import redis.asyncio as redis_client

from . import logs
from .cache import InvalidationBus, TieredCache
from .db import Database, MigrationSource, migrate
from .errors import Overloaded, Unavailable
from .mesh import Mesh
from .registration import Registration
from .rpc import admin_servicer
from .rpc.api_keys import KeyDoor
from .rpc.authentication import AuthClient
from .rpc.breaker_clients import BreakerFollower
from .rpc.identity import Authenticator
from .rpc.server import Server
from .rpc.tls import Identification
from .settings import ServiceSettings

__all__ = ["Foundation", "Mesh"]

log = logs.logger(__name__)
PERMISSIONS_TTL_SECONDS = 30.0


class Foundation:
    """Database migrated and open, Redis, the permission cache and its bus, the mesh."""

    def __init__(self, service: str, settings: ServiceSettings, *migrations: MigrationSource) -> None:
        self.service = service
        self.settings = settings
        self._migrations = migrations
        self._stack = AsyncExitStack()
        self.instance = settings.instance or f"{service}@{socket.gethostname()}:{os.getpid()}"
        self.identification = Identification.from_settings(settings)
        self.mesh = Mesh(settings, self.identification)
        self.database = Database.from_settings(settings)
        self.redis: redis_client.Redis | None = None
        if settings.redis_url is not None:
            self.redis = redis_client.Redis.from_url(
                str(settings.redis_url), socket_connect_timeout=1.0, health_check_interval=15
            )
        self.permissions = TieredCache("permissions", ttl_seconds=PERMISSIONS_TTL_SECONDS, redis=self.redis)

    async def __aenter__(self) -> Foundation:
        await self._migrated()
        await self.database.open()
        self._stack.push_async_callback(self.database.close)
        if self.redis is not None:
            self._stack.push_async_callback(self.redis.aclose)
        self._stack.push_async_callback(self.mesh.close)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def bus(self, *caches: TieredCache) -> InvalidationBus:
        """The invalidation bus, started, over the permission cache and these."""
        bus = InvalidationBus(self.redis, (self.permissions, *caches))
        await bus.start()
        self._stack.push_async_callback(bus.stop)
        return bus

    def server(self, authenticator: Authenticator | None = None) -> Server:
        """A server that asks auth who callers are; auth itself brings its own authenticator. Operators reach its breakers."""
        server = Server(
            self.settings,
            authenticator or AuthClient(self.mesh.channel("auth"), self.permissions, KeyDoor(self.service, self.redis)),
            self.identification,
        )
        admin_servicer.serve(server, self.service, self.instance, self.mesh.channels)
        return server

    @asynccontextmanager
    async def serving(self, server: Server, background: Iterable[object] = ()) -> AsyncIterator[None]:
        """Serve, say SERVING and stay registered until the block ends; then drain and stop.

        ``background`` are components with ``start`` and ``stop``: started before the first call is taken, stopped after the
        last has ended.
        """
        async with AsyncExitStack() as stack:
            for component in background:
                await component.start()  # type: ignore[attr-defined]
                stack.push_async_callback(component.stop)  # type: ignore[attr-defined]
            await server.start()
            stack.push_async_callback(server.stop)
            registration = Registration(
                self.mesh.channel("registry"),
                self.service,
                self.instance,
                endpoint=self._advertised(self.settings.listen, server.port),
                mesh_endpoint=self._advertised(self.settings.mesh_listen, server.mesh_port),
            )
            await server.serving()
            await registration.start()
            stack.push_async_callback(registration.stop)
            follower = BreakerFollower(self.mesh.channel("registry"), self.mesh.configure)
            await follower.start()
            stack.push_async_callback(follower.stop)
            log.info("serving", port=server.port, mesh_port=server.mesh_port)
            yield

    def _advertised(self, listen: str, port: int) -> str:
        return f"{self.settings.advertise_host or listen.rpartition(':')[0]}:{port}"

    async def _migrated(self) -> None:
        """Services start in any order: the database may come up after them."""
        while True:
            try:
                applied = await migrate(str(self.settings.database_url), self._migrations)
            except (Unavailable, Overloaded) as error:
                log.warning("waiting for the database", reason=error.reason)
                await asyncio.sleep(0.5)
            else:
                log.info("database is at the newest migration", applied=applied)
                return
