"""A process's way to the other services: one channel per target, and what is configured for its breakers."""

from __future__ import annotations

from . import logs
from .errors import Unavailable
from .rpc.breaker_clients import Overrides
from .rpc.breaker_configuration import BETWEEN_SERVICES, ConfigurationError
from .rpc.channel import Channel
from .rpc.tls import Identification
from .settings import ProcessSettings

log = logs.logger(__name__)
# A service that is restarted is back in seconds. An agent's host may be gone: its callers would rather know.
_SERVICE_PATIENCE_SECONDS = 8.0
_AGENT_PATIENCE_SECONDS = 2.0


class Mesh:
    """One channel per target, opened when first asked for."""

    def __init__(self, settings: ProcessSettings, identification: Identification) -> None:
        self._settings = settings
        self._identification = identification
        self._channels: dict[str, Channel] = {}
        self._overrides: Overrides = {}

    def channel(self, service: str) -> Channel:
        """The channel to a service of the settings: ``auth``, ``vm``, ``scheduler``, ..."""
        return self.to(service, getattr(self._settings, f"{service}_address"), patience=_SERVICE_PATIENCE_SECONDS)

    def to(self, name: str, address: str, *, patience: float = _AGENT_PATIENCE_SECONDS) -> Channel:
        """The channel to an address, such as an agent's."""
        channel = self._channels.get(address)
        if channel is None:
            credentials = self._identification.client()
            channel = Channel(
                name, address, credentials, breaker=BETWEEN_SERVICES, other=self._other, patience=patience
            )
            self._channels[address] = channel
            self._configure(channel)
        return channel

    def channels(self) -> list[Channel]:
        return list(self._channels.values())

    def configure(self, overrides: Overrides) -> None:
        """Hold the breakers to these from now on, those of channels to come as well."""
        self._overrides = overrides
        for channel in self._channels.values():
            self._configure(channel)

    async def close(self) -> None:
        for channel in self._channels.values():
            await channel.close()

    def _configure(self, channel: Channel) -> None:
        # Agents are many and alike: what holds for `agent` holds for each, by its own breaker.
        target = channel.name.partition(" ")[0]
        try:
            channel.configure(self._overrides.get(target, {}))
        except ConfigurationError as error:
            log.warning("this breaker keeps its numbers: those configured make no sense", target=target, why=str(error))

    def _other(self, service: str) -> Channel:
        """:raises Unavailable: the settings know no address of it."""
        address = getattr(self._settings, f"{service}_address", "")
        if not address:
            raise Unavailable(f"the settings name no address of the service {service}")
        return self.to(service, address)
