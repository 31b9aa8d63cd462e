"""What operators watch of the sagas of this process; :mod:`novacron.saga.watch` has what they watch of the whole log."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from prometheus_client import Histogram

from ..instruments import counter, gauge, histogram
from .record import Attempt

ATTEMPTS = counter("novacron.saga.attempts", "{attempt}", "Attempts by outcome", "saga", "step", "operation", "outcome")
FINISHED = counter("novacron.saga.finished", "{saga}", "Sagas that ended, by state", "saga", "state")
TAKEOVERS = counter("novacron.saga.takeovers", "{saga}", "Sagas taken from a worker that was gone", "saga")
RUNNING = gauge("novacron.saga.running", "{saga}", "Sagas under way in this process")
# From one call within a service to a guest that takes ten minutes to power off.
STEP_DURATION = histogram(
    "novacron.saga.step.duration",
    "s",
    "How long attempts took, without the pauses between them",
    "saga",
    "step",
    "operation",
    buckets=(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 660),
)


def attempted(saga: str, attempt: Attempt) -> None:
    ATTEMPTS.labels(saga, attempt.step, attempt.operation, str(attempt.outcome)).inc()


@contextmanager
def timed(saga: str, attempt: Attempt) -> Iterator[None]:
    """Count the block's time as this attempt's, whatever comes of it, unless its worker is stopped meanwhile."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        yield
    except asyncio.CancelledError:
        raise
    except BaseException:
        _duration(saga, attempt.step, attempt.operation).observe(loop.time() - began)
        raise
    _duration(saga, attempt.step, attempt.operation).observe(loop.time() - began)


@lru_cache(maxsize=1024)
def _duration(saga: str, step: str, operation: str) -> Histogram:
    """The child is kept: to look it up costs more than to record."""
    return STEP_DURATION.labels(saga, step, operation)
