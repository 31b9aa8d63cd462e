"""What the registry has configured for this process's breakers, followed for as long as it runs.

Nothing waits for the registry. While it is away the last that was known holds, and what has changed meanwhile comes with the
first message when it is back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping

from .. import logs
from ..api.registry.v1 import CircuitBreakerServiceStub, WatchCircuitBreakerConfigurationsRequest
from ..background import Background
from . import breaker_messages
from .breaker_override import BreakerOverride
from .channel import Channel

log = logs.logger(__name__)
_AWAY_SECONDS = 2.0

# By target, and within it by class.
Overrides = Mapping[str, Mapping[str, BreakerOverride]]


class BreakerFollower:
    """Gives every state of the configuration to ``take``, the whole of it each time."""

    def __init__(self, registry: Channel, take: Callable[[Overrides], None]) -> None:
        self._registry = CircuitBreakerServiceStub(registry)
        self._take = take
        self._background = Background("breaker-configuration", self._follow, retry_seconds=_AWAY_SECONDS)

    async def start(self) -> None:
        await self._background.start()

    async def stop(self) -> None:
        await self._background.stop()

    async def _follow(self) -> float:
        """One stream from its beginning to its end; a server that drains ends it, and the next one answers."""
        async for message in self._registry.WatchCircuitBreakerConfigurations(
            WatchCircuitBreakerConfigurationsRequest()
        ):
            overrides: defaultdict[str, dict[str, BreakerOverride]] = defaultdict(dict)
            for one in message.configurations:
                overrides[one.target_service_name][one.breaker_class] = breaker_messages.override(one)
            log.info("breaker configuration taken over", configurations=len(message.configurations))
            self._take(dict(overrides))
        return 0.0
