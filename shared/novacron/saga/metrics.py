"""What operators watch of sagas."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

from .record import Attempt

ATTEMPTS = Counter("novacron_saga_attempts", "Attempts by outcome", ["saga", "step", "operation", "outcome"])
FINISHED = Counter("novacron_saga_finished", "Sagas that ended, by state", ["saga", "state"])
TAKEOVERS = Counter("novacron_saga_takeovers", "Sagas taken from a worker that was gone", ["saga"])
RUNNING = Gauge("novacron_saga_running", "Sagas under way in this process")


def attempted(saga: str, attempt: Attempt) -> None:
    ATTEMPTS.labels(saga, attempt.step, attempt.operation, str(attempt.outcome)).inc()
