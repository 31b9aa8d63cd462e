"""Durable sagas: see README.md for what is guaranteed, and how it is kept."""

from .coordinator import Begun, Coordinator
from .definition import Context, DefinitionError, Kind, Parallel, RetryPolicy, Saga, Step
from .key import SagaKey, current_key
from .record import Record, SagaState, StepError

__all__ = [
    "Begun",
    "Context",
    "Coordinator",
    "DefinitionError",
    "Kind",
    "Parallel",
    "Record",
    "RetryPolicy",
    "Saga",
    "SagaKey",
    "SagaState",
    "Step",
    "StepError",
    "current_key",
]
