"""The agent's right to act on its host: a lease of the scheduler's, which ends by the host's own clock."""

from __future__ import annotations

import time
from collections.abc import Callable

from novacron.errors import LeasePassed, StaleEpoch

# It goes on while the host itself is suspended, where there is such a clock.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def _host_clock() -> float:
    return time.clock_gettime(_CLOCK)


class Lease:
    """Ends no later here than it does for the scheduler, whatever happened to this process meanwhile: it counts from before it
    was asked for. Without it the agent takes no orders.

    Whoever slept through its end finds so by its own clock, with nobody's help. When the node was lost, what comes next is a
    lease of another epoch: orders of the one before are refused.
    """

    def __init__(self, clock: Callable[[], float] = _host_clock) -> None:
        self.now = clock
        self.epoch = 0
        self._until = clock()

    def renew(self, epoch: int, asked_at: float, seconds: float) -> None:
        """It holds for so long from when it was asked for; with no seconds it is over, and the epoch is what comes next."""
        self.epoch = epoch
        self._until = asked_at + seconds

    def admit(self, epoch: int) -> None:
        """Whether an order that was decided in this epoch may be carried out now; 0: it does not say.

        :raises LeasePassed: nothing may be. :raises StaleEpoch: the node was lost since it was decided.
        """
        if self.now() >= self._until:
            raise LeasePassed(
                "this agent holds no lease of its node now, and takes no orders until the scheduler hears of it again: is the"
                " scheduler up, and does the agent reach it?"
            )
        if epoch not in (0, self.epoch):
            raise StaleEpoch(
                f"this was decided in epoch {epoch} of the node, which was lost since and is in epoch {self.epoch} now: order"
                " anew what is still wanted"
            )
