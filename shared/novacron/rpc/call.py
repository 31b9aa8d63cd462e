"""One call as the stages of a chain see it, on the server and on the client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

import grpc

from .policy import MethodPolicy

# Metadata that NovaCron adds to calls.
REQUEST_ID = "x-request-id"
ATTEMPT = "x-novacron-attempt"
SAGA_KEY = "x-novacron-saga"


@dataclass(slots=True)
class ServerCall:
    """A request being served."""

    path: str
    policy: MethodPolicy
    metadata: dict[str, str]
    context: Any  # grpc.aio.ServicerContext
    # Each request message passes through these before the handler sees it; all four arities.
    inspections: list[Callable[[Any], None]] = field(default_factory=list)
    code: grpc.StatusCode = grpc.StatusCode.OK


# A stage is entered before the handler and left after it, in any of the four arities; it may raise typed errors.
ServerStage = Callable[[ServerCall], AbstractAsyncContextManager[None]]


@dataclass(slots=True)
class ClientCall:
    """A request being made. ``timeout`` shrinks on its way down the chain."""

    path: str
    policy: MethodPolicy
    target: str
    timeout: float
    metadata: list[tuple[str, str]]
    attempt: int = 0


# A stage of a unary-response call: it gets the call and what comes below it.
ClientProceed = Callable[[ClientCall], Awaitable[Any]]
ClientStage = Callable[[ClientCall, ClientProceed], Awaitable[Any]]
# A stage of a streamed-response call.
StreamProceed = Callable[[ClientCall], AsyncIterator[Any]]
StreamStage = Callable[[ClientCall, StreamProceed], AsyncIterator[Any]]
