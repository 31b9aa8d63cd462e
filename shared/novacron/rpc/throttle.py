"""The client throttles itself: calls that the target would refuse anyway are refused here, where that costs the target nothing.

The rule is that of Google's SRE book ("Handling Overload", client-side throttling): over the last two minutes, with
``requests`` asked of a target and ``accepts`` of them taken, a call is refused here with the probability
``max(0, (requests - K * accepts) / (requests + 1))``. Up to K times what the target takes still reaches it, so that it shows
when it takes more again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

from ..errors import NovacronError, Outcome, Overloaded, Throttled
from .call import ClientCall, ClientProceed
from .policy import Priority

_SLOTS = 12


class Throttle:
    """One target's requests and accepts. Only the target's own refusals under load count as not accepted."""

    def __init__(
        self,
        target: str,
        k: float = 2.0,
        window: float = 120.0,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._target = target
        self._k = k
        self._slot_seconds = window / _SLOTS
        self._clock = clock
        self._chance = chance
        self._slot = int(clock() / self._slot_seconds)
        self._requests = [0] * _SLOTS
        self._accepts = [0] * _SLOTS
        self.requests = self.accepts = 0
        self.refused = 0

    def refusal_probability(self) -> float:
        return max(0.0, (self.requests - self._k * self.accepts) / (self.requests + 1))

    async def client_stage(self, call: ClientCall, proceed: ClientProceed) -> Any:
        """Compensations are never held back: what they undo is itself a load."""
        slot = int(self._clock() / self._slot_seconds)
        if slot != self._slot:
            self._forget(slot)
        if (
            self.requests > self._k * self.accepts
            and call.policy.priority is not Priority.HIGH
            and self._chance() < self.refusal_probability()
        ):
            self.refused += 1
            self._count(slot, accepted=False)
            raise Throttled(
                f"{self._target} refuses calls under load: this one was held back here and not sent",
                metadata={"throttled_by": "client", "target": self._target},
            )
        try:
            response = await proceed(call)
        except NovacronError as error:
            # What was never sent says nothing of the target.
            if error.outcome is not Outcome.NOT_SENT:
                self._count(slot, accepted=not isinstance(error, Overloaded))
            raise
        self._count(slot, accepted=True)
        return response

    def _count(self, slot: int, *, accepted: bool) -> None:
        """Counted in the slot in which the call began; if that is forgotten by now, so is the call."""
        if slot <= self._slot - _SLOTS:
            return
        self._requests[slot % _SLOTS] += 1
        self.requests += 1
        if accepted:
            self._accepts[slot % _SLOTS] += 1
            self.accepts += 1

    def _forget(self, slot: int) -> None:
        for old in range(self._slot + 1, min(slot, self._slot + _SLOTS) + 1):
            place = old % _SLOTS
            self.requests -= self._requests[place]
            self.accepts -= self._accepts[place]
            self._requests[place] = self._accepts[place] = 0
        self._slot = slot
