"""What an attempt's exception says of its effect: refused, or unknown. In doubt, unknown."""

from __future__ import annotations

from ..errors import Cancelled, NovacronError, Outcome
from .record import Attempt, AttemptOutcome, StepError


def failed(attempt: Attempt, exception: BaseException) -> tuple[AttemptOutcome, StepError]:
    """How this attempt ended, and the error to store.

    Only a typed error with which the server says "no, and nothing was done" is a refusal, and so is a call that never left
    this process. Everything else, a fault in the step's own code too, may have had its effect.
    """
    if isinstance(exception, NovacronError) and not isinstance(exception, Cancelled):
        refused = exception.outcome in (Outcome.REFUSED, Outcome.NOT_SENT)
        error = StepError(
            attempt.step,
            attempt.operation,
            exception.reason,
            exception.message,
            exception.retryable or not refused,
            exception.retry_after_seconds,
        )
        return (AttemptOutcome.REFUSED if refused else AttemptOutcome.UNKNOWN), error
    text = f"{type(exception).__name__}: {exception}" if str(exception) else type(exception).__name__
    return AttemptOutcome.UNKNOWN, StepError(attempt.step, attempt.operation, "UNKNOWN", text)
