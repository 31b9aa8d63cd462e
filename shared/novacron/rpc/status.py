"""One table, both ways: typed errors to gRPC statuses with ``google.rpc`` details, and back into the same class."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from .. import logs
from ..errors import (
    BreakerOpen,
    BreakerOpenBehind,
    Cancelled,
    DeadlineTooShort,
    DeadlineTooShortBehind,
    FieldViolation,
    Internal,
    NovacronError,
    Unavailable,
    Unknown,
    Unreachable,
)
from ..ids import new_id
from .call import PUSHBACK

DOMAIN = "novacron"
# Trailers have little room, and a longer text is no message but somebody's output.
_LONGEST = 2048
_LONGEST_FACT = 512
# gRPC's own words for a call that found no connection to be sent on; once one is on the wire it fails in others.
_NEVER_SENT = ("failed to connect to all addresses", "connections to all backends failing")
log = logs.logger(__name__)


def _any(message: object) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)  # type: ignore[arg-type]
    return packed


def to_status(error: NovacronError) -> status_pb2.Status:
    """The status that carries this error: ErrorInfo always; BadRequest, ResourceInfo, RetryInfo where they say something."""
    facts = {key: value[:_LONGEST_FACT] for key, value in error.metadata.items()}
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=facts)
    details = [_any(info)]
    if error.violations:
        bad = error_details_pb2.BadRequest()
        for violation in error.violations:
            bad.field_violations.add(field=violation.field, description=violation.description)
        details.append(_any(bad))
    if "resource_type" in error.metadata:
        details.append(
            _any(
                error_details_pb2.ResourceInfo(
                    resource_type=error.metadata["resource_type"], resource_name=error.metadata.get("resource", "")
                )
            )
        )
    if error.retry_after_seconds is not None and error.retry_after_seconds >= 0:
        delay = duration_pb2.Duration()
        delay.FromTimedelta(timedelta(seconds=error.retry_after_seconds))
        details.append(_any(error_details_pb2.RetryInfo(retry_delay=delay)))
    return status_pb2.Status(code=error.code.value[0], message=error.message[:_LONGEST], details=details)


def from_exception(exception: BaseException) -> NovacronError:
    """Any exception as a typed error. What is not typed is logged under a correlation id and becomes Internal."""
    if isinstance(exception, NovacronError):
        return exception
    correlation = str(new_id())
    log.error("unexpected error", correlation_id=correlation, exc_info=exception)
    return Internal(
        f"internal error; quote the correlation id {correlation} to the operator",
        metadata={"correlation_id": correlation},
    )


_BEHIND: dict[type[NovacronError], type[NovacronError]] = {
    BreakerOpen: BreakerOpenBehind,
    DeadlineTooShort: DeadlineTooShortBehind,
}


def from_rpc_error(error: grpc.RpcError) -> NovacronError:
    """What a call raised, as the class that the server raised; a foreign server's error by its code alone."""
    code: grpc.StatusCode = error.code()
    message: str = error.details() or code.name
    try:
        # grpcio-status reads `trailing_metadata`; aio errors and calls both have it.
        status = rpc_status.from_call(error)
    except ValueError:
        status = None
    kind = NovacronError.by_code.get(code, Unknown)
    metadata: dict[str, str] = {}
    violations: list[FieldViolation] = []
    retry_after: float | None = None
    for detail in status.details if status is not None else ():
        info, bad, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            metadata = dict(info.metadata)
            if info.domain == DOMAIN:
                kind = NovacronError.by_reason.get(info.reason, kind)
        elif detail.Unpack(bad):
            violations = [FieldViolation(one.field, one.description) for one in bad.field_violations]
        elif detail.Unpack(retry):
            retry_after = retry.retry_delay.ToTimedelta().total_seconds()
    retry_after = _pushback(error.trailing_metadata(), retry_after)
    if kind.code is grpc.StatusCode.CANCELLED:
        kind = Cancelled
    if kind is Unavailable and message.startswith(_NEVER_SENT):
        kind = Unreachable
    # "Never sent" is true where it was raised. One process further it says nothing of what that one had done by then.
    kind = _BEHIND.get(kind, kind)
    return kind(message, metadata=metadata, violations=violations, retry_after_seconds=retry_after)


def pushback(error: NovacronError) -> tuple[tuple[str, str], ...]:
    """The trailing metadata that tells any gRPC client when to come back, or, with a negative time, never to."""
    seconds = error.retry_after_seconds
    return () if seconds is None else ((PUSHBACK, str(round(seconds * 1000)) if seconds >= 0 else "-1"),)


def _pushback(trailing: Any, told: float | None) -> float | None:
    """What the trailing metadata says; else ``told``. What cannot be read means never, as gRFC A6 has it."""
    for key, value in trailing or ():
        if key == PUSHBACK:
            try:
                return int(value) / 1000
            except ValueError:
                return -1.0
    return told
