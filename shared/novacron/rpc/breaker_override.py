"""What an operator configures of a breaker: some numbers instead of its own, and perhaps a state. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .breaker import State
from .breaker_configuration import BreakerConfiguration


@dataclass(frozen=True, slots=True)
class BreakerOverride:
    """Fields of :class:`BreakerConfiguration` by name; what is not among them stays as the caller's own."""

    values: Mapping[str, Any] = field(default_factory=dict)
    state: State | None = None  # forced-open, disabled or metrics-only in every process; None: by outcomes
    # Methods' full names -> an answer in ProtoJSON, instead of the one that the method declares as its fallback.
    fallback_response: Mapping[str, Any] = field(default_factory=dict)
    fallback_service: str = ""  # asked instead, where the method declares that another service may be

    def over(self, below: BreakerConfiguration) -> BreakerConfiguration:
        """:raises ConfigurationError: naming the fields that make no sense."""
        return replace(below, **self.values) if self.values else below


NO_OVERRIDE = BreakerOverride()
