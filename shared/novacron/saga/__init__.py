"""Durable sagas: see README.md for what is guaranteed, and how it is kept."""

from .coordinator import Begun, Coordinator
from .definition import Context, DefinitionError, Kind, Parallel, RetryPolicy, Saga, Step
from .key import SagaKey, current_key
from .log import MIGRATIONS, PostgresLog, enqueue, request_cancel
from .record import Record, SagaState, StepError

__all__ = [
    "MIGRATIONS",
    "Begun",
    "Context",
    "Coordinator",
    "DefinitionError",
    "Kind",
    "Parallel",
    "PostgresLog",
    "Record",
    "RetryPolicy",
    "Saga",
    "SagaKey",
    "SagaState",
    "Step",
    "StepError",
    "current_key",
    "enqueue",
    "request_cancel",
]
