"""The services that a simulated saga calls, as one: effects, the barrier before them, a journal of what took effect."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from ...errors import NovacronError, StepCompensated
from ...saga.key import SagaKey


@dataclass(frozen=True, slots=True)
class Effect:
    """An operation took effect, at this time."""

    at: float
    key: SagaKey
    token: int


@dataclass(slots=True)
class Participants:
    """An action makes one more thing, a compensation removes what is there. The barrier's rules are ``saga/barrier.py``'s."""

    things: Counter[tuple[UUID, str]] = field(default_factory=Counter)
    tokens: dict[tuple[UUID, str], int] = field(default_factory=dict)
    journal: list[Effect] = field(default_factory=list)
    # None stands for an action that has not happened and never will.
    barrier: dict[SagaKey, int | None] = field(default_factory=dict)

    def serve(self, key: SagaKey, refusal: NovacronError | None, at: float) -> int:
        """Carry out a request once, in one transaction; returns the response. :raises NovacronError: nothing was done."""
        if key in self.barrier:
            response = self.barrier[key]
            if response is None:
                raise StepCompensated(f"{key} was undone before this arrived: it stays undone")
            return response
        if refusal is not None:
            raise refusal
        if key.operation == "compensation":
            action = SagaKey(key.saga_id, key.step, "action")
            if action not in self.barrier:
                self.barrier[action] = None
                self.barrier[key] = 0
                return 0
        made = self.take_effect(key, at)
        self.barrier[key] = made
        return made

    def take_effect(self, key: SagaKey, at: float) -> int:
        thing = (key.saga_id, key.step)
        token = len(self.journal) + 1
        self.journal.append(Effect(at, key, token))
        if key.operation == "action":
            self.things[thing] += 1
            self.tokens[thing] = token
        else:
            self.things[thing] = 0
        return token
