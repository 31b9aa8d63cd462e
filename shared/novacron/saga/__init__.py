"""Durable sagas: see README.md for what is guaranteed, and how it is kept.

What stands here is loaded when it is first asked for: a participant, and every client, needs the key and nothing of the
coordinator.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_HOME = {
    "coordinator": ("Begun", "Coordinator"),
    "definition": ("Context", "DefinitionError", "Kind", "Parallel", "RetryPolicy", "Saga", "Step"),
    "key": ("SagaKey", "current_key"),
    "log": ("MIGRATIONS", "PostgresLog", "enqueue", "request_cancel"),
    "record": ("Record", "SagaState", "StepError"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
