"""Real servers on free ports, and channels to them as a service or as a user."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID, uuid4

import grpc

from ..errors import Unauthenticated
from ..rpc.channel import Channel
from ..rpc.identity import Authenticator, Subject
from ..rpc.server import Server
from ..rpc.tls import Identification
from ..settings import ProcessSettings

ENVIRONMENT: Final = "testing"
Registration = tuple[Callable[[Any, grpc.aio.Server], None], Any]


@dataclass(frozen=True)
class TestUser:
    """A user whom the test's authenticator knows; ``token`` is what to send."""

    __test__ = False

    permissions: frozenset[str]
    tenant_id: UUID = field(default_factory=uuid4)
    user_id: UUID = field(default_factory=uuid4)
    token: str = field(default_factory=lambda: uuid4().hex)

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.token}"),)


class KnownUsers:
    """An authenticator for tests of services other than auth: it knows the users that the test made."""

    def __init__(self) -> None:
        self._users: dict[str, TestUser] = {}

    def add(self, *permissions: str, tenant_id: UUID | None = None) -> TestUser:
        user = TestUser(frozenset(permissions), tenant_id or uuid4())
        self._users[user.token] = user
        return user

    async def subject(self, token: str) -> Subject:
        if token not in self._users:
            raise Unauthenticated("the token is not valid: log in again")
        user = self._users[token]
        return Subject(user.user_id, user.tenant_id, "somebody", uuid4())

    async def permissions(self, subject: Subject) -> frozenset[str]:
        return next(user.permissions for user in self._users.values() if user.user_id == subject.user_id)

    async def api_key(self, key: str) -> tuple[Subject, frozenset[str]]:
        """Here a user's token is an API key too."""
        subject = replace(await self.subject(key), api_key_id=uuid4())
        return subject, await self.permissions(subject)


class Servers:
    """Starts servers and opens channels; everything ends with the test."""

    def __init__(self, identify: Callable[[str], Identification]) -> None:
        self._identify = identify
        self._stack = AsyncExitStack()
        self.users = KnownUsers()

    async def start(
        self,
        service: str,
        registrations: Iterable[Registration],
        *,
        authenticator: Authenticator | None = None,
        **settings: Any,
    ) -> Server:
        """A server with the certificate of ``service`` and these ``(add_*_to_server, servicer)`` pairs.

        It knows the users of :attr:`users`, unless it brings an authenticator of its own.
        """
        configured = ProcessSettings(environment=ENVIRONMENT, drain_seconds=0, **settings)
        server = Server(configured, authenticator or self.users, self._identify(service))
        for register, servicer in registrations:
            server.add(register, servicer)
        await server.start()
        self._stack.push_async_callback(server.stop)
        await server.serving()
        return server

    def as_service(self, server: Server, service: str, **options: Any) -> Channel:
        """A channel to the mesh port with the certificate of ``service`` (an agent's is ``agent/<node>``)."""
        address = f"localhost:{server.mesh_port}"
        return self._opened(Channel(address, address, self._identify(service).client(), **options))

    def as_user(self, server: Server, user: TestUser | None = None, **options: Any) -> Channel:
        """A channel to the users' port, with the user's token on every call."""
        address = f"localhost:{server.port}"
        credentials = grpc.ssl_channel_credentials(self._identify("operator").ca)
        metadata = user.metadata if user is not None else ()
        return self._opened(Channel(address, address, credentials, metadata=lambda: metadata, **options))

    def identification(self, service: str) -> Identification:
        return self._identify(service)

    async def close(self) -> None:
        await self._stack.aclose()

    def _opened(self, channel: Channel) -> Channel:
        self._stack.push_async_callback(channel.close)
        return channel
