"""How long something that was taken away still works: every kind of it, at servers that each keep a cache of their own.

``Everywhere`` is for the test, which asserts the bound, and for the benchmark, which prints the figures (``revocation_s``).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc

from novacron.api.auth.v1 import (
    ApiKeyServiceStub,
    CreateApiKeyRequest,
    CreateRoleRequest,
    DisableUserRequest,
    GrantRoleRequest,
    LogoutRequest,
    RevokeApiKeyRequest,
    RevokeRoleRequest,
    RotateApiKeyRequest,
    SessionServiceStub,
    UpdateRoleRequest,
    UserServiceStub,
)
from novacron.api.registry.v1 import RegistryServiceServicer, add_RegistryServiceServicer_to_server
from novacron.testing.servers import Servers
from novacron_auth.users.account import Role

from .every_service import AskingServers
from .matrix_callers import bearer, shown
from .role_callers import admin, user_id

# Replicas of services: the more there are, the likelier that one hears last.
REPLICAS = ("vm", "scheduler", "monitoring")
METHOD = "/novacron.api.registry.v1.RegistryService/ListServices"
PERMISSION = "service:read"
NO_MESSAGE = b"\xff\xff\xff"

Revoke = Callable[[], Awaitable[Any]]


@dataclass(frozen=True)
class Taken:
    """What one user can do now, and the call that ends it."""

    metadata: tuple[tuple[str, str], ...]
    end: Revoke


class Everywhere:
    """Servers that ask ``auth``, and what may be taken away there."""

    def __init__(self, auth: Any, asking: AskingServers) -> None:
        self._auth = auth
        self._asking = asking
        self._made = 0
        self._wires: list[Any] = []

    async def start(self) -> None:
        for name in REPLICAS:
            door = (add_RegistryServiceServicer_to_server, RegistryServiceServicer())
            server = await self._asking.start(name, [door])
            credentials = grpc.ssl_channel_credentials(self._asking.identification("operator").ca)
            self._wires.append(grpc.aio.secure_channel(f"localhost:{server.port}", credentials))

    async def connected(self) -> None:
        """Every replica hears of invalidations."""
        async with asyncio.timeout(10):
            await asyncio.gather(*(bus.connected.wait() for bus in self._asking.buses))

    async def close(self) -> None:
        for wire in self._wires:
            await wire.close()

    async def seconds(self, what: str) -> float:
        """From the call that takes ``what`` away, to the moment since which every replica refuses it."""
        taken = await getattr(self, what)()
        for wire in self._wires:
            # Twice: the second answer is the cache's.
            for _ in range(2):
                assert await _admitted(wire, taken.metadata), f"{what}: refused before it was taken away"
        began = time.monotonic()
        ending = asyncio.create_task(taken.end())
        await asyncio.gather(*(_refused(wire, taken.metadata) for wire in self._wires))
        took = time.monotonic() - began
        await ending
        return took

    async def session(self) -> Taken:
        name = await self._user(Role.VIEWER)
        token = (await self._auth.login(name)).access_token
        sessions = self._auth.as_user(token, SessionServiceStub)
        return Taken(bearer(token), lambda: sessions.Logout(LogoutRequest()))

    async def user(self) -> Taken:
        name = await self._user(Role.VIEWER)
        users = await admin(self._auth, stub=UserServiceStub)
        named = await user_id(self._auth, name)
        token = (await self._auth.login(name)).access_token
        return Taken(bearer(token), lambda: users.DisableUser(DisableUserRequest(user_id=named)))

    async def grant(self) -> Taken:
        roles, named, role, token = await self._granted()
        request = RevokeRoleRequest(user_id=named, role_id=role)
        return Taken(bearer(token), lambda: roles.RevokeRole(request))

    async def role(self) -> Taken:
        roles, _, role, token = await self._granted()
        request = UpdateRoleRequest(role_id=role, permissions=["vm:read"])
        return Taken(bearer(token), lambda: roles.UpdateRole(request))

    async def api_key(self) -> Taken:
        keys, made = await self._key()
        request = RevokeApiKeyRequest(api_key_id=made.api_key.api_key_id)
        return Taken(shown(made.key), lambda: keys.RevokeApiKey(request))

    async def secret_of_an_api_key(self) -> Taken:
        keys, made = await self._key()
        request = RotateApiKeyRequest(api_key_id=made.api_key.api_key_id)
        return Taken(shown(made.key), lambda: keys.RotateApiKey(request))

    async def api_key_of_a_user(self) -> Taken:
        _, made = await self._key()
        users = await admin(self._auth, stub=UserServiceStub)
        request = DisableUserRequest(user_id=made.api_key.user_id)
        return Taken(shown(made.key), lambda: users.DisableUser(request))

    async def _user(self, role: Role) -> str:
        self._made += 1
        return str((await self._auth.user(f"someone-{self._made}", role)).username)

    async def _granted(self) -> tuple[Any, str, str, str]:
        roles, name = await admin(self._auth), await self._user(Role.USER)
        request = CreateRoleRequest(name=f"reader-{self._made}", permissions=[PERMISSION])
        role, named = (await roles.CreateRole(request)).role_id, await user_id(self._auth, name)
        await roles.GrantRole(GrantRoleRequest(user_id=named, role_id=role))
        return roles, named, role, (await self._auth.login(name)).access_token

    async def _key(self) -> tuple[Any, Any]:
        name = await self._user(Role.VIEWER)
        keys = self._auth.as_user((await self._auth.login(name)).access_token, ApiKeyServiceStub)
        return keys, await keys.CreateApiKey(CreateApiKeyRequest(name="key"))


KINDS = ("session", "user", "grant", "role", "api_key", "secret_of_an_api_key", "api_key_of_a_user")


@asynccontextmanager
async def everywhere(auth: Any, servers: Servers, redis: Any = None) -> AsyncIterator[Everywhere]:
    """Replicas of other services beside ``auth``, which hear of invalidations over ``redis``."""
    asking = AskingServers(servers, auth.server, redis)
    made = Everywhere(auth, asking)
    await made.start()
    try:
        yield made
    finally:
        await made.close()
        await asking.close()


async def measure(made: Everywhere, rounds: int = 3) -> dict[str, float]:
    """The longest of so many rounds, by what was taken away."""
    return {kind: max([await made.seconds(kind) for _ in range(rounds)]) for kind in KINDS}


async def _admitted(wire: Any, metadata: tuple[tuple[str, str], ...]) -> bool:
    """Whether the bytes, which are no message, were looked at."""
    while True:
        try:
            await wire.unary_unary(METHOD)(NO_MESSAGE, metadata=metadata, timeout=10)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.INVALID_ARGUMENT:
                return True
            if error.code() in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
                return False
            if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
                raise
        await asyncio.sleep(0.01)


async def _refused(wire: Any, metadata: tuple[tuple[str, str], ...]) -> None:
    async with asyncio.timeout(20):
        while await _admitted(wire, metadata):
            await asyncio.sleep(0.005)
