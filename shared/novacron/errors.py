"""Errors that mean the same in every process.

Raise a :class:`NovacronError` anywhere; ``rpc/status.py`` turns it into a gRPC status with ``google.rpc`` details and, on
the other side of the wire, back into the same class. Anything untyped leaves a service as INTERNAL with a correlation id.
A message is read by a person: it says what was wrong and what to do next. It never carries a secret or another tenant's data.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import grpc

Code = grpc.StatusCode


# The key of an error's metadata that names what failed behind the server that tells of it, such as an agent.
BEHIND = "behind"


class Outcome(enum.StrEnum):
    """What a failed attempt says about its effect: the saga coordinator's whole concern."""

    REFUSED = "refused"  # the server said no and did nothing
    UNKNOWN = "unknown"  # it may have happened
    NOT_SENT = "not_sent"  # it cannot have happened: the request never left this process


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One bad field of a request. ``field`` is its path: ``spec.memory_mib``, ``tags["owner"]``."""

    field: str
    description: str


class NovacronError(Exception):
    """The base of every typed error. ``reason`` is stored and sent: it is never renamed."""

    code: ClassVar[grpc.StatusCode] = Code.UNKNOWN
    reason: ClassVar[str] = ""
    outcome: ClassVar[Outcome] = Outcome.REFUSED
    retryable: ClassVar[bool] = False  # the same request may succeed later without anyone changing anything
    by_reason: ClassVar[dict[str, type[NovacronError]]] = {}
    by_code: ClassVar[dict[grpc.StatusCode, type[NovacronError]]] = {}

    def __init__(
        self,
        message: str,
        *,
        metadata: Mapping[str, str] | None = None,
        violations: Sequence[FieldViolation] = (),
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.metadata = dict(metadata or {})
        self.violations = tuple(violations)
        self.retry_after_seconds = retry_after_seconds

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "reason" in cls.__dict__:
            NovacronError.by_reason[cls.reason] = cls
            # The first class of a code is its general one: what a foreign error with that code becomes.
            NovacronError.by_code.setdefault(cls.code, cls)


class InvalidArgument(NovacronError):
    """A field of the request is wrong, whatever the state of the system."""

    code, reason = Code.INVALID_ARGUMENT, "INVALID_ARGUMENT"

    @classmethod
    def at(cls, field: str, description: str) -> InvalidArgument:
        return cls(f"{field}: {description}", violations=[FieldViolation(field, description)])


class OutOfRange(NovacronError):
    code, reason = Code.OUT_OF_RANGE, "OUT_OF_RANGE"


class NotFound(NovacronError):
    """No such thing, or not this caller's: the two are told alike, to the byte."""

    code, reason = Code.NOT_FOUND, "NOT_FOUND"

    @classmethod
    def named(cls, kind: str, key: object) -> NotFound:
        return cls(f"{kind} {key} not found", metadata={"resource_type": kind, "resource": str(key)})


class AlreadyExists(NovacronError):
    """The id or the name is taken by something else."""

    code, reason = Code.ALREADY_EXISTS, "ALREADY_EXISTS"


class FailedPrecondition(NovacronError):
    """Right request, wrong state: the message says which state would do."""

    code, reason = Code.FAILED_PRECONDITION, "FAILED_PRECONDITION"


class WrongState(FailedPrecondition):
    """The state machine has no such transition."""

    code, reason = Code.FAILED_PRECONDITION, "WRONG_STATE"


class StepCompensated(FailedPrecondition):
    """A saga's action arrived after its compensation: it is refused, or it would leak what it makes."""

    code, reason = Code.FAILED_PRECONDITION, "STEP_COMPENSATED"


class StaleEpoch(FailedPrecondition):
    """The node was lost and came back since this was decided: what is still wanted is to be ordered anew."""

    code, reason = Code.FAILED_PRECONDITION, "STALE_EPOCH"


class SagaFailed(FailedPrecondition):
    """The saga behind this request turned back; the message tells the step and its error."""

    code, reason = Code.FAILED_PRECONDITION, "SAGA_FAILED"


class SagaStuck(FailedPrecondition):
    """A saga can go neither forward nor back and waits for an operator (``novacron saga show``)."""

    code, reason = Code.FAILED_PRECONDITION, "SAGA_STUCK"


class Conflict(NovacronError):
    """A lost race: read again and repeat."""

    code, reason, retryable = Code.ABORTED, "CONFLICT", True


class LeaseLost(Conflict):
    """Another worker has this saga now: nothing was written."""

    code, reason = Code.ABORTED, "LEASE_LOST"


class NoCapacity(NovacronError):
    """No node can take this now; metadata says how many were looked at and what removed them."""

    code, reason = Code.RESOURCE_EXHAUSTED, "NO_CAPACITY"


class QuotaExceeded(NovacronError):
    code, reason = Code.RESOURCE_EXHAUSTED, "QUOTA_EXCEEDED"


class Overloaded(NovacronError):
    """The server sheds load; it did nothing. Come back after ``retry_after_seconds``."""

    code, reason, retryable = Code.RESOURCE_EXHAUSTED, "OVERLOADED", True


class Throttled(Overloaded):
    """This process itself held the call back, to spare the target or its own other calls: it was never sent."""

    outcome = Outcome.NOT_SENT


class Unauthenticated(NovacronError):
    code, reason = Code.UNAUTHENTICATED, "UNAUTHENTICATED"


class PermissionDenied(NovacronError):
    code, reason = Code.PERMISSION_DENIED, "PERMISSION_DENIED"


class Unimplemented(NovacronError):
    code, reason = Code.UNIMPLEMENTED, "UNIMPLEMENTED"


class Unavailable(NovacronError):
    """Not there now: the connection failed, or the server is starting or draining."""

    code, reason, outcome, retryable = Code.UNAVAILABLE, "UNAVAILABLE", Outcome.UNKNOWN, True


class LeasePassed(Unavailable):
    """The agent holds no lease of its node now: it does nothing until the scheduler renews it."""

    code, reason, outcome = Code.UNAVAILABLE, "LEASE_PASSED", Outcome.REFUSED


class Unreachable(Unavailable):
    """No connection stood, so the call was never sent. On the wire it is an Unavailable like any other."""

    outcome = Outcome.NOT_SENT


class WaitedInVain(Unreachable):
    """The caller's channel waited for a connection for as long as it does, and none came."""


class BreakerOpen(Unavailable):
    """The circuit breaker to the target is open: the call was never sent."""

    code, reason, outcome = Code.UNAVAILABLE, "BREAKER_OPEN", Outcome.NOT_SENT


class BreakerOpenBehind(BreakerOpen):
    """The target says that a breaker of its own is open. What it had done before that is not known here."""

    outcome = Outcome.UNKNOWN


class DeadlineExceeded(NovacronError):
    code, reason, outcome, retryable = Code.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", Outcome.UNKNOWN, True


class DeadlineTooShort(DeadlineExceeded):
    """Too little time is left to begin: the call was never sent."""

    code, reason, outcome = Code.DEADLINE_EXCEEDED, "DEADLINE_TOO_SHORT", Outcome.NOT_SENT


class DeadlineTooShortBehind(DeadlineTooShort):
    """The target says that too little time was left. What it had done before that is not known here."""

    outcome = Outcome.UNKNOWN


class Cancelled(NovacronError):
    code, reason, outcome = Code.CANCELLED, "CANCELLED", Outcome.UNKNOWN


class Internal(NovacronError):
    """A fault of ours. The caller reads a correlation id; the log has the traceback under it."""

    code, reason, outcome = Code.INTERNAL, "INTERNAL", Outcome.UNKNOWN


class DataLoss(NovacronError):
    code, reason, outcome = Code.DATA_LOSS, "DATA_LOSS", Outcome.UNKNOWN


class Unknown(NovacronError):
    """An error from outside NovaCron that says nothing about its effect."""

    code, reason, outcome = Code.UNKNOWN, "UNKNOWN", Outcome.UNKNOWN
