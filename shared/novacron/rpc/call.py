"""One call as the stages of a chain see it, on the server and on the client.

A stage is a coroutine ``stage(call, proceed)``: it awaits ``proceed(call)``, which runs all stages below it, and may do
something before, after, instead, or again. There is one kind of it for all four arities:

* on the server ``proceed`` returns when the handler has ended, whether it answered with one message or wrote many;
* on the client ``proceed`` returns the response, or, where responses are streamed, the opened stream of them as soon as its
  first one (or its end) is there. What a stage holds for as long as the stream lasts it gives back through
  :meth:`ClientCall.at_end`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import grpc

from .policy import MethodPolicy

# Metadata that NovaCron adds to calls.
REQUEST_ID = "x-request-id"
ATTEMPT = "x-novacron-attempt"
SAGA_KEY = "x-novacron-saga"
# The server's word on when to come back, in milliseconds (gRFC A6); negative: do not.
PUSHBACK = "grpc-retry-pushback-ms"


@dataclass(slots=True)
class ServerCall:
    """A request being served."""

    path: str
    policy: MethodPolicy
    metadata: dict[str, str]
    context: Any  # grpc.aio.ServicerContext
    request: Any = None  # the message, or the iterator of them
    arrived: float = 0.0  # when this process heard of it, by time.monotonic
    # Each request message passes through these before the handler sees it; all four arities.
    inspections: list[Callable[[Any], None]] = field(default_factory=list)
    code: grpc.StatusCode = grpc.StatusCode.OK


ServerProceed = Callable[[ServerCall], Awaitable[Any]]
ServerStage = Callable[[ServerCall, ServerProceed], Awaitable[Any]]

# How a call ended: None is OK. Called once.
AtEnd = Callable[[BaseException | None], None]


@dataclass(slots=True)
class ClientCall:
    """A request being made. ``timeout`` shrinks on its way down the chain."""

    path: str
    policy: MethodPolicy
    target: str
    timeout: float
    metadata: list[tuple[str, str]]
    request: Any = None  # the message, or the iterator of them
    wire: Any = None  # grpc.aio's callable of this method
    streamed: bool = False  # whether responses are streamed
    attempt: int = 0
    until: float = 0.0  # when the whole call must have ended, by time.monotonic()
    ends: list[AtEnd] = field(default_factory=list)

    def at_end(self, told: AtEnd) -> None:
        """Call ``told`` when the stream that ``proceed`` returned has ended, however it ends. Not for single responses."""
        self.ends.append(told)


ClientProceed = Callable[[ClientCall], Awaitable[Any]]
ClientStage = Callable[[ClientCall, ClientProceed], Awaitable[Any]]
StreamProceed = Callable[[ClientCall], AsyncIterator[Any]]

C = TypeVar("C", ServerCall, ClientCall)


def chain(
    stages: Sequence[Callable[[C, Callable[[C], Awaitable[Any]]], Awaitable[Any]]], last: Callable[[C], Awaitable[Any]]
) -> Callable[[C], Awaitable[Any]]:
    """``stages``, outermost first, above ``last``: built once, not for every call."""

    def above(stage: Any, below: Callable[[C], Awaitable[Any]]) -> Callable[[C], Awaitable[Any]]:
        return lambda call: stage(call, below)

    proceed = last
    for stage in reversed(stages):
        proceed = above(stage, proceed)
    return proceed
