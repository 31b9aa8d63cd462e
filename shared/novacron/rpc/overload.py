"""A server's own limit: beyond it, load is shed at once instead of served late.

Requests of low priority go first; health checks and compensations last. What is shed was not begun, and says when to come back.
"""

from __future__ import annotations

from typing import Any

from ..errors import Overloaded
from .call import ServerCall, ServerProceed
from .policy import Priority

# The part of the limit that each priority may fill.
_SHARE = {Priority.LOW: 0.8, Priority.NORMAL: 0.95, Priority.HIGH: 1.0}


class InFlightLimit:
    """Sheds above ``limit`` requests at once. Streams that last for hours are not load and are not counted."""

    def __init__(self, limit: int = 512) -> None:
        self.limit = limit
        self.in_flight = 0
        self.shed = 0

    async def server_stage(self, call: ServerCall, proceed: ServerProceed) -> Any:
        if call.policy.operational or call.policy.timeout_seconds >= 3600:
            return await proceed(call)
        if self.in_flight >= self.limit * _SHARE[call.policy.priority]:
            self.shed += 1
            raise Overloaded("the server is at its limit: retry in a moment", retry_after_seconds=0.25)
        self.in_flight += 1
        try:
            return await proceed(call)
        finally:
            self.in_flight -= 1
