"""The way to the services: one channel each, opened when first used, every call signed with the session's token or a key."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from novacron_cli import profile as profiles
from novacron_cli.failure import ExitCode, Refusal
from novacron_cli.profile import Choices, Profile

if TYPE_CHECKING:
    import grpc
    import typer

    from novacron.rpc.channel import Channel
    from novacron_cli.session import KeyInHand, Session

# What is away may be behind the service that answers, which has waited for it already.
_ATTEMPTS = 5


class SignedChannel:
    """A drop-in for a channel under generated stubs: calls carry the token, and one that was refused is made once more
    with a new token where the session can have one."""

    def __init__(self, channel: Channel, session: Session | KeyInHand, target: str) -> None:
        self._channel = channel
        self._session = session
        self._target = target
        # Generated stubs ask for all four; this command streams nothing up.
        self.stream_unary = channel.stream_unary
        self.stream_stream = channel.stream_stream

    def unary_unary(self, method: str, *serializers: Any, **named: Any) -> Callable[..., Any]:
        from novacron.errors import NovacronError, Unauthenticated

        call = self._channel.unary_unary(method, *serializers, **named)

        async def signed(request: Any, **options: Any) -> Any:
            metadata = await self._session.metadata()
            try:
                try:
                    return await call(request, metadata=metadata, **options)
                except Unauthenticated:
                    if not await self._session.renew():
                        raise
                return await call(request, metadata=await self._session.metadata(), **options)
            except NovacronError as error:
                error.metadata.setdefault("target", self._target)
                raise

        return signed

    def unary_stream(self, method: str, *serializers: Any, **named: Any) -> Callable[..., Any]:
        from novacron.errors import NovacronError, Unauthenticated

        call = self._channel.unary_stream(method, *serializers, **named)

        async def signed(request: Any, **options: Any) -> AsyncIterator[Any]:
            began = False
            metadata = await self._session.metadata()
            try:
                try:
                    async for message in call(request, metadata=metadata, **options):
                        began = True
                        yield message
                    return
                except Unauthenticated:
                    if began or not await self._session.renew():
                        raise
                async for message in call(request, metadata=await self._session.metadata(), **options):
                    yield message
            except NovacronError as error:
                error.metadata.setdefault("target", self._target)
                raise

        return signed


class Connection:
    """Stubs of one installation's services."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._channels: dict[str, Channel] = {}

    @cached_property
    def session(self) -> Session:
        from novacron_cli.session import Session

        return Session(self.profile, self._channel("auth"))

    @cached_property
    def vms(self) -> Any:
        from novacron.api.vm.v1 import VmServiceStub

        return VmServiceStub(self._signed("vm"))

    @cached_property
    def repairs(self) -> Any:
        from novacron.api.vm.v1 import RepairServiceStub

        return RepairServiceStub(self._signed("vm"))

    @cached_property
    def drains(self) -> Any:
        from novacron.api.vm.v1 import DrainServiceStub

        return DrainServiceStub(self._signed("vm"))

    @cached_property
    def templates(self) -> Any:
        from novacron.api.vm.v1 import TemplateServiceStub

        return TemplateServiceStub(self._signed("vm"))

    @cached_property
    def auth(self) -> Any:
        from novacron.api.auth.v1 import AuthServiceStub

        return AuthServiceStub(self._signed("auth"))

    def of_auth(self, stub: Callable[[Any], Any]) -> Any:
        """A stub of any service that the auth service serves."""
        return stub(self._signed("auth"))

    def of_scheduler(self, stub: Callable[[Any], Any]) -> Any:
        """A stub of any service that the scheduler serves."""
        return stub(self._signed("scheduler"))

    def unsigned(self, stub: Callable[[Any], Any]) -> Any:
        """A stub of the auth service for who is about to log in."""
        return stub(self._channel("auth"))

    @cached_property
    def reservations(self) -> Any:
        from novacron.api.scheduler.v1 import ReservationServiceStub

        return ReservationServiceStub(self._signed("scheduler"))

    @cached_property
    def nodes(self) -> Any:
        from novacron.api.scheduler.v1 import NodeServiceStub

        return NodeServiceStub(self._signed("scheduler"))

    @cached_property
    def providers(self) -> Any:
        from novacron.api.federation.v1 import ProviderServiceStub

        return ProviderServiceStub(self._signed("federation"))

    @cached_property
    def metrics(self) -> Any:
        from novacron.api.monitoring.v1 import MetricsServiceStub

        return MetricsServiceStub(self._signed("monitoring"))

    @cached_property
    def registry(self) -> Any:
        from novacron.api.registry.v1 import RegistryServiceStub

        return RegistryServiceStub(self._signed("registry"))

    def sagas(self, owner: str = "vm") -> Any:
        """The saga log of the service that owns the sagas."""
        from novacron.api.saga.v1 import SagaServiceStub

        return SagaServiceStub(self._signed(owner))

    def admin(self, service: str) -> Any:
        """What the server of a service lets operators do to it."""
        from novacron.api.admin.v1 import AdminServiceStub

        return AdminServiceStub(self._signed(service))

    @cached_property
    def circuit_breakers(self) -> Any:
        from novacron.api.registry.v1 import CircuitBreakerServiceStub

        return CircuitBreakerServiceStub(self._signed("registry"))

    async def close(self) -> None:
        for channel in self._channels.values():
            await channel.close()

    def _signed(self, service: str) -> SignedChannel:
        target = f"the {service} service at {self.profile.endpoint(service)}"
        return SignedChannel(self._channel(service), self._signature, target)

    @cached_property
    def _signature(self) -> Session | KeyInHand:
        """What signs calls: a key that the environment names, else the session. Login and logout are about the session."""
        from novacron_cli.session import KeyInHand

        key = os.environ.get("NOVACRON_API_KEY", "").strip()
        return KeyInHand(key) if key else self.session

    def _channel(self, service: str) -> Channel:
        from novacron.rpc.breaker import BreakerConfiguration
        from novacron.rpc.channel import Channel
        from novacron.rpc.retry_budget import RetryBudget

        if service not in self._channels:
            _log_beside_the_data()
            address = self.profile.endpoint(service)
            # A person waits for the service to come back: a breaker that stays open for minutes would outlast that.
            breaker = BreakerConfiguration(timeout_duration_seconds=1, longest_open_seconds=2, success_threshold=1)
            channel = Channel(
                service,
                address,
                self._credentials,
                breaker=breaker,
                patience=self.profile.wait_seconds,
                attempts=_ATTEMPTS,
            )
            channel.retry.budget = RetryBudget(floor=_ATTEMPTS - 1)  # a command asks too little to earn any
            self._channels[service] = channel
        return self._channels[service]

    @cached_property
    def _credentials(self) -> grpc.ChannelCredentials:
        import grpc

        ca_file = self.profile.ca_file
        try:
            return grpc.ssl_channel_credentials(ca_file.read_bytes() if ca_file is not None else None)
        except OSError as error:
            raise Refusal(
                f"cannot read the CA file {ca_file}: {error.strerror}", ExitCode.USAGE, "name another with --ca-file"
            ) from None


def _log_beside_the_data() -> None:
    """What the client chain logs is for its debugging: stdout is for data, and what failed is told by the error."""
    from novacron import logs

    if not os.environ.get("NOVACRON_DEBUG"):
        logs.discard()
        return
    import structlog

    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))


@asynccontextmanager
async def connect(context: typer.Context) -> AsyncIterator[Connection]:
    """The connection that the command line, the environment and the profile describe."""
    chosen = context.obj if isinstance(context.obj, Choices) else Choices()
    connection = Connection(profiles.load(chosen))
    try:
        yield connection
    finally:
        await connection.close()
