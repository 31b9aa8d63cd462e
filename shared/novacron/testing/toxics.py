"""What may be wrong with a wire: values, which a :class:`~novacron.testing.faultproxy.FaultProxy` is given and relieved of."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Direction(enum.StrEnum):
    """Which way bytes go."""

    TO_SERVER = "to server"
    TO_CLIENT = "to client"


@dataclass(frozen=True, slots=True)
class Toxic:
    """The base of all."""


@dataclass(frozen=True, slots=True)
class Latency(Toxic):
    """Every byte arrives ``seconds`` later, give or take up to ``jitter`` drawn for each piece. The order of bytes is kept."""

    seconds: float
    jitter: float = 0.0


@dataclass(frozen=True, slots=True)
class Bandwidth(Toxic):
    """At most so many bytes a second are read from the sender: to it, the other side is a slow reader."""

    bytes_per_second: float


@dataclass(frozen=True, slots=True)
class Cut(Toxic):
    """Every connection ends, both ways, when ``after_bytes`` more have passed; each byte before them arrives."""

    after_bytes: int


@dataclass(frozen=True, slots=True)
class HalfOpen(Toxic):
    """Connections are accepted and stay, and what is sent this way is taken and lost, its end too.

    In one direction alone it loses requests, or only their answers. When the toxic goes, each connection that lost bytes is
    reset, as a host that was restarted resets what it does not know.
    """


@dataclass(frozen=True, slots=True)
class Down(Toxic):
    """Nobody listens, whatever the direction: new connections are refused, and those that were there are closed."""


@dataclass(frozen=True, slots=True)
class Reset(Toxic):
    """RST on every connection, whatever the direction, and on each new one as soon as it is accepted."""
