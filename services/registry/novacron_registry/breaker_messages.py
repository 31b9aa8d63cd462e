"""Between the registry's protos and its breaker configurations."""

from __future__ import annotations

import importlib
import json
from typing import Any
from uuid import UUID

from google.protobuf import json_format, message_factory

from novacron.api.registry import v1
from novacron.errors import InvalidArgument
from novacron.ids import new_id
from novacron.rpc import breaker_messages, current
from novacron.rpc.breaker import State
from novacron.rpc.policy import descriptor_of, policy_of
from novacron.timestamps import to_timestamp

from .breaker import Breaker, NewBreaker

_PACKAGES = ("admin", "agent", "auth", "federation", "monitoring", "registry", "saga", "scheduler", "vm")


def new_breaker(message: v1.CircuitBreakerConfiguration) -> NewBreaker:
    """:raises InvalidArgument: a fallback is for a method that declares none, or is no answer of it."""
    return NewBreaker(
        circuit_breaker_id=UUID(message.circuit_breaker_id) if message.circuit_breaker_id else new_id(),
        service_name=message.service_name,
        target_service_name=message.target_service_name,
        breaker_class=message.breaker_class,
        values=breaker_messages.values(message.settings),
        current_state=breaker_messages.forced_state(message.current_state) or State.CLOSED,
        fallback_response=_answers(json_format.MessageToDict(message.fallback_response)),
        fallback_service_name=message.fallback_service_name,
        reason=message.reason,
        updated_by=current().user.user_id,
    )


def breaker(found: Breaker) -> v1.CircuitBreakerConfiguration:
    message = v1.CircuitBreakerConfiguration(
        circuit_breaker_id=str(found.circuit_breaker_id),
        service_name=found.service_name,
        target_service_name=found.target_service_name,
        breaker_class=found.breaker_class,
        settings=breaker_messages.settings(dict(found.values)),
        current_state=breaker_messages.state(found.current_state),
        fallback_service_name=found.fallback_service_name,
        reason=found.reason,
        revision=found.revision,
        updated_by=str(found.updated_by or ""),
        created_at=to_timestamp(found.created_at),
        updated_at=to_timestamp(found.updated_at),
    )
    if found.fallback_response:
        json_format.ParseDict(dict(found.fallback_response), message.fallback_response)
    return message


def _answers(given: dict[str, Any]) -> dict[str, Any]:
    for method, answer in given.items():
        field = f'configuration.fallback_response["{method}"]'
        path = f"/{method.rpartition('.')[0]}/{method.rpartition('.')[2]}"
        _known(method)
        fallback = policy_of(path).fallback
        if fallback is None or not fallback.default_value:
            raise InvalidArgument.at(field, "is no method that declares a default fallback: its callers get the error")
        try:
            response = message_factory.GetMessageClass(descriptor_of(path).output_type)
            json_format.Parse(json.dumps(answer), response())
        except json_format.ParseError as error:
            raise InvalidArgument.at(field, f"is no answer of this method: {error}") from None
    return given


def _known(method: str) -> None:
    """Load the protos that a method may stand in: another service's are not loaded here otherwise."""
    parts = method.split(".")
    if parts[:2] == ["novacron", "api"] and len(parts) > 3 and parts[2] in _PACKAGES and parts[3] == "v1":
        importlib.import_module(".".join(parts[:4]))
