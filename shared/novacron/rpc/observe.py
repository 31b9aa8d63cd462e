"""What is seen of every call: its log line, its request id, its duration by method and code.

The metrics follow OpenTelemetry's semantic conventions for RPC: ``rpc.server.call.duration`` and
``rpc.client.call.duration``, in seconds.
"""

from __future__ import annotations

import time
from contextvars import ContextVar
from typing import Any

import grpc
import structlog
from prometheus_client import Histogram

from .. import logs
from ..errors import NovacronError
from ..ids import new_id
from .call import REQUEST_ID, ClientCall, ClientProceed, ServerCall, ServerProceed

log = logs.logger(__name__)

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
SERVER_DURATION = Histogram(
    "rpc_server_call_duration_seconds",
    "Duration of served calls",
    ["rpc_method", "rpc_response_status_code"],
    buckets=_BUCKETS,
)
CLIENT_DURATION = Histogram(
    "rpc_client_call_duration_seconds",
    "Duration of calls made, all attempts together",
    ["rpc_method", "server_address", "rpc_response_status_code"],
    buckets=_BUCKETS,
)

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
    started = time.perf_counter()
    try:
        return await proceed(call)
    except NovacronError as error:
        call.code = error.code
        raise
    except BaseException:
        call.code = grpc.StatusCode.INTERNAL
        raise
    finally:
        if not call.policy.operational:
            SERVER_DURATION.labels(call.path, call.code.name).observe(time.perf_counter() - started)


async def context_stage(call: ServerCall, proceed: ServerProceed) -> Any:
    """Take the request's id from the metadata, or make one, and give it back; log what failed."""
    request = call.metadata.get(REQUEST_ID, "")[:128] or str(new_id())
    _request_id.set(request)
    structlog.contextvars.bind_contextvars(request_id=request, rpc=call.path)
    call.context.set_trailing_metadata(((REQUEST_ID, request),))
    try:
        return await proceed(call)
    except NovacronError as error:
        level = "warning" if error.code in _OUR_FAULT else "info"
        getattr(log, level)("call refused", code=error.code.name, reason=error.reason, message=error.message)
        raise


_OUR_FAULT = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS, grpc.StatusCode.UNAVAILABLE}


async def client_stage(call: ClientCall, proceed: ClientProceed) -> Any:
    """Measure the whole call and pass the request's id on."""
    if request := _request_id.get():
        call.metadata.append((REQUEST_ID, request))
    started, code = time.perf_counter(), grpc.StatusCode.OK
    try:
        return await proceed(call)
    except NovacronError as error:
        code = error.code
        raise
    except BaseException:
        code = grpc.StatusCode.CANCELLED
        raise
    finally:
        CLIENT_DURATION.labels(call.path, call.target, code.name).observe(time.perf_counter() - started)
