"""Between the protos' words for breakers and the breaker's own."""

from __future__ import annotations

from typing import Any

from google.protobuf import json_format

from ..api.registry.v1 import CircuitBreakerConfiguration
from ..api.types import v1 as types_v1
from .breaker import FORCED, State
from .breaker_configuration import FIELDS, BreakerConfiguration, FailureCriterion, RecoveryStrategy
from .breaker_override import BreakerOverride

_CRITERION, _STRATEGY, _STATE = "FAILURE_CRITERION_", "RECOVERY_STRATEGY_", "BREAKER_STATE_"
_WORDS = ("failure_criteria", "recovery_strategy")


def settings(values: dict[str, Any]) -> types_v1.BreakerSettings:
    """Fields of a :class:`BreakerConfiguration`, some or all, as a message."""
    message = types_v1.BreakerSettings(**{name: value for name, value in values.items() if name not in _WORDS})
    for criterion in sorted(values.get("failure_criteria", ()), key=list(FailureCriterion).index):
        message.failure_criteria.append(getattr(types_v1, f"{_CRITERION}{criterion.upper()}"))
    if strategy := values.get("recovery_strategy"):
        message.recovery_strategy = getattr(types_v1, f"{_STRATEGY}{strategy.upper()}")
    return message


def all_settings(configuration: BreakerConfiguration) -> types_v1.BreakerSettings:
    return settings({name: getattr(configuration, name) for name in FIELDS})


def values(message: types_v1.BreakerSettings) -> dict[str, Any]:
    """The fields that a message sets. What a newer server means by a word that is not known here is left out."""
    found = {name: getattr(message, name) for name in FIELDS if name not in _WORDS and message.HasField(name)}
    criteria = {_word(types_v1.FailureCriterion, _CRITERION, number) for number in message.failure_criteria}
    if known := frozenset(one for one in FailureCriterion if one in criteria):
        found["failure_criteria"] = known
    strategy = _word(types_v1.RecoveryStrategy, _STRATEGY, message.recovery_strategy)
    if strategy in set(RecoveryStrategy):
        found["recovery_strategy"] = RecoveryStrategy(strategy)
    return found


def state(known: State) -> types_v1.BreakerState:
    value: types_v1.BreakerState = getattr(types_v1, f"{_STATE}{known.upper()}")
    return value


def forced_state(number: int) -> State | None:
    """The state that a configuration forces; None where outcomes decide."""
    word = _word(types_v1.BreakerState, _STATE, number)
    return State(word) if word in FORCED else None


def override(message: CircuitBreakerConfiguration) -> BreakerOverride:
    return BreakerOverride(
        values=values(message.settings),
        state=forced_state(message.current_state),
        fallback_response=json_format.MessageToDict(message.fallback_response),
        fallback_service=message.fallback_service_name,
    )


def _word(enum: Any, prefix: str, number: int) -> str:
    return enum.Name(number).removeprefix(prefix).lower() if number in enum.values() else ""
