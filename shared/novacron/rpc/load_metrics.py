"""What the limits of both chains hold back and let through; read from them when somebody collects, so that no call pays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from .. import instruments

if TYPE_CHECKING:
    from .channel import Channel
    from .overload import LoadShedder
    from .retry_budget import RetryBudget

_TARGET = ("server.address",)

# For as long as they live.
_channels: instruments.Watched[Channel] = instruments.Watched()
_servers: instruments.Watched[LoadShedder] = instruments.Watched()


def watch_channel(channel: Channel) -> None:
    """Show what this channel's budget, throttle and bulkhead do."""
    _channels.add(channel)


def watch_server(load: LoadShedder) -> None:
    """Show what this server has taken on, and what it sheds."""
    _servers.add(load)


def _of_channels(read: Callable[[Channel], float]) -> Callable[[], Iterable[instruments.Observation]]:
    def observe() -> Iterator[instruments.Observation]:
        for channel in _channels:
            yield (channel.name,), read(channel)

    return observe


def _of_servers(read: Callable[[LoadShedder], float]) -> Callable[[], Iterable[instruments.Observation]]:
    def observe() -> Iterator[instruments.Observation]:
        for load in _servers:
            yield (), read(load)

    return observe


def _budget(channel: Channel) -> RetryBudget:
    return channel.retry.budget


instruments.observed(
    "gauge",
    "novacron.retry.budget",
    "{retry}",
    "Retries that a channel may make now",
    _TARGET,
    _of_channels(lambda channel: _budget(channel).left),
)
instruments.observed(
    "counter",
    "novacron.retry.refused",
    "{retry}",
    "Retries that the budget did not allow",
    _TARGET,
    _of_channels(lambda channel: _budget(channel).refused),
)
instruments.observed(
    "counter",
    "novacron.throttle.refused",
    "{call}",
    "Calls held back because the target sheds them anyway",
    _TARGET,
    _of_channels(lambda channel: channel.throttle.refused),
)
instruments.observed(
    "gauge",
    "novacron.bulkhead.in_flight",
    "{call}",
    "Calls to a target that are on the wire",
    _TARGET,
    _of_channels(lambda channel: channel.bulkhead.in_flight),
)
instruments.observed(
    "gauge",
    "novacron.bulkhead.waiting",
    "{call}",
    "Calls that wait for a place on the wire",
    _TARGET,
    _of_channels(lambda channel: channel.bulkhead.waiting),
)
instruments.observed(
    "counter",
    "novacron.bulkhead.refused",
    "{call}",
    "Calls that found no place on the wire in time",
    _TARGET,
    _of_channels(lambda channel: channel.bulkhead.refused),
)
instruments.observed(
    "gauge",
    "novacron.server.in_flight",
    "{call}",
    "Calls being served",
    (),
    _of_servers(lambda load: load.in_flight),
)
instruments.observed(
    "gauge",
    "novacron.server.limit",
    "{call}",
    "Calls that may be served at once",
    (),
    _of_servers(lambda load: load.limit),
)
instruments.observed(
    "gauge",
    "novacron.server.queue_delay",
    "s",
    "How long the newest call waited before its handler began",
    (),
    _of_servers(lambda load: load.delay.last),
)
instruments.observed(
    "counter",
    "novacron.server.shed",
    "{call}",
    "Calls refused under load",
    (),
    _of_servers(lambda load: load.shed),
)
