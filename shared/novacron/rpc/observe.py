"""What is seen of every call: its span, its log line, its request's id, its duration by method and outcome.

The metrics follow OpenTelemetry's semantic conventions for RPC: ``rpc.server.call.duration`` and
``rpc.client.call.duration``, in seconds.
"""

from __future__ import annotations

import asyncio
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

import grpc

from .. import instruments, logs
from ..errors import NovacronError, Outcome
from ..ids import new_id
from . import spans
from .call import REQUEST_ID, ClientCall, ClientProceed, ServerCall, ServerProceed

if TYPE_CHECKING:
    from opentelemetry import trace

log = logs.logger(__name__)

_ATTRIBUTES = ("rpc.system.name", "rpc.method", "rpc.response.status_code", "error.type")
_SERVER_DURATION = instruments.histogram(
    "rpc.server.call.duration", "s", "Duration of calls served, streams until their end", *_ATTRIBUTES
)
_CLIENT_DURATION = instruments.histogram(
    "rpc.client.call.duration", "s", "Duration of calls made, all attempts together", *_ATTRIBUTES, "server.address"
)
_RETRIES = instruments.counter(
    "novacron.retry.attempts",
    "{attempt}",
    "Attempts beyond a call's first, by what had befallen the one before",
    "rpc.method",
    "server.address",
    "error.type",
)


class _Timer(Protocol):
    def observe(self, amount: float) -> None: ...


# The labelled children: looking one up anew costs more than all else that is measured here.
_served: dict[tuple[str, str], _Timer] = {}
_made: dict[tuple[str, str, str, str], _Timer] = {}

_request_id: ContextVar[str] = ContextVar("novacron_request_id", default="")
_attempt: ContextVar[int] = ContextVar("novacron_attempt", default=0)


def request_id() -> str:
    """The id of the request being served; empty outside of one."""
    return _request_id.get()


def inherited_attempt() -> int:
    """Above 0 inside a request that is itself a retry: nothing below it retries again."""
    return _attempt.get()


def retrying(attempt: int) -> None:
    """Say that this task is itself attempt number ``attempt`` (0 is the first) of a layer that retries."""
    _attempt.set(attempt)


async def metrics_stage(call: ServerCall, proceed: ServerProceed) -> Any:
    """Measure a call from its first stage to its end, and tell its span how it ended."""
    started = time.perf_counter()
    try:
        return await proceed(call)
    except NovacronError as error:
        call.code = error.code
        raise
    except asyncio.CancelledError:
        call.code = grpc.StatusCode.CANCELLED
        raise
    except BaseException:
        call.code = grpc.StatusCode.INTERNAL
        raise
    finally:
        if not call.policy.operational:
            code = call.code.name
            timer = _served.get((call.path, code)) or _serving(call.path, code)
            timer.observe(time.perf_counter() - started)
            spans.served(code)


async def context_stage(call: ServerCall, proceed: ServerProceed) -> Any:
    """Take the request's id from the metadata, or make one and give it back; log what failed."""
    request = call.metadata.get(REQUEST_ID, "")[:128]
    if not request:
        request = str(new_id())
        # Who sent one knows it: most calls come from other services, and would pay for hearing it again.
        call.context.set_trailing_metadata(((REQUEST_ID, request),))
    _request_id.set(request)
    logs.stamp(request_id=request, rpc=call.path)
    try:
        return await proceed(call)
    except NovacronError as error:
        level = "warning" if error.code in _OUR_FAULT else "info"
        getattr(log, level)("call refused", code=error.code.name, reason=error.reason, message=error.message)
        raise


_OUR_FAULT = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS, grpc.StatusCode.UNAVAILABLE}


async def client_stage(call: ClientCall, proceed: ClientProceed) -> Any:
    """Measure the whole call, as its span where it is traced, and pass the request's id on."""
    if request := _request_id.get():
        call.metadata.append((REQUEST_ID, request))
    span = spans.outgoing(call)
    leave = spans.entered(span) if span is not None else None
    started = time.perf_counter()
    try:
        response = await proceed(call)
    except BaseException as error:
        _ended(call, started, span, error)
        raise
    finally:
        if leave is not None:
            leave()
    if call.streamed:
        call.at_end(lambda failure: _ended(call, started, span, failure))
    else:
        _ended(call, started, span, None)
    return response


def retried(call: ClientCall, number: int, before: NovacronError) -> None:
    """Attempt ``number`` of a call begins, because of what befell the one before."""
    _RETRIES.labels(call.path[1:], call.target, before.reason).inc()
    spans.event("attempt", {"novacron.attempt": number, "error.type": before.reason, "novacron.error": before.message})


def _ended(call: ClientCall, started: float, span: trace.Span | None, failure: BaseException | None) -> None:
    code, error_type = _outcome(failure)
    timer = _made.get((call.path, call.target, code, error_type)) or _making(call.path, call.target, code, error_type)
    timer.observe(time.perf_counter() - started)
    if span is not None:
        spans.ended(span, code, error_type, getattr(failure, "message", ""))


def _outcome(failure: BaseException | None) -> tuple[str, str]:
    """The status, and the error's type: the status again, or our own reason where no server was asked."""
    if failure is None:
        return "OK", ""
    if not isinstance(failure, NovacronError):
        return "CANCELLED", "CANCELLED"  # by ourselves: whoever asked went away, or read no further
    code = failure.code.name
    return code, failure.reason if failure.outcome is Outcome.NOT_SENT else code


def _serving(path: str, code: str) -> _Timer:
    error_type = code if code in spans.SERVER_ERRORS else ""
    timer = _served[path, code] = _SERVER_DURATION.labels("grpc", path[1:], code, error_type)
    return timer


def _making(path: str, target: str, code: str, error_type: str) -> _Timer:
    timer = _made[path, target, code, error_type] = _CLIENT_DURATION.labels("grpc", path[1:], code, error_type, target)
    return timer
