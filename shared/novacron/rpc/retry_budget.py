"""How many retries a channel may make: a fifth of what was asked of it, so that retries cannot drown a target that suffers."""

from __future__ import annotations

import time
from collections.abc import Callable

_SLOTS = 10


class RetryBudget:
    """At most ``ratio`` retries for each request of the last ``window`` seconds.

    A quiet channel has asked too little to earn any, so it is advanced ``floor`` retries. They count against what the next
    requests earn, and only successes bring them back: with every attempt failing, the requests on the wire are at most
    1 + ratio times the requests asked for.
    """

    def __init__(
        self,
        ratio: float = 0.2,
        floor: float = 3.0,
        window: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ratio = ratio
        self._floor = self._advance = floor
        self._slot_seconds = window / _SLOTS
        self._clock = clock
        self._slot = int(clock() / self._slot_seconds)
        self._asked = [0] * _SLOTS
        self._spent = [0] * _SLOTS
        self._asked_in_all = self._spent_in_all = 0
        self.refused = 0

    def earn(self) -> None:
        """A request was asked for."""
        slot = int(self._clock() / self._slot_seconds)
        if slot != self._slot:
            self._forget(slot)
        self._asked[slot % _SLOTS] += 1
        self._asked_in_all += 1

    def succeeded(self) -> None:
        """A request went well: the advance comes back, by as much as a request earns."""
        if self._advance < self._floor:
            self._advance = min(self._floor, self._advance + self._ratio)

    def spend(self) -> bool:
        """Take one retry; False: none is left, so do not."""
        slot = int(self._clock() / self._slot_seconds)
        if slot != self._slot:
            self._forget(slot)
        if self._spent_in_all + 1 > self._asked_in_all * self._ratio:
            if self._advance < 1.0:
                self.refused += 1
                return False
            self._advance -= 1.0
        self._spent[slot % _SLOTS] += 1
        self._spent_in_all += 1
        return True

    @property
    def left(self) -> float:
        """Retries that may be made now."""
        return max(self._asked_in_all * self._ratio - self._spent_in_all, 0.0) + self._advance

    def _forget(self, slot: int) -> None:
        for old in range(self._slot + 1, min(slot, self._slot + _SLOTS) + 1):
            place = old % _SLOTS
            self._asked_in_all -= self._asked[place]
            self._spent_in_all -= self._spent[place]
            self._asked[place] = self._spent[place] = 0
        self._slot = slot
