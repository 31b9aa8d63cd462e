"""What a login asks of second factors. No I/O."""

from __future__ import annotations

import enum
from typing import Protocol
from uuid import UUID

from novacron.db import Connection


class Factor(enum.Enum):
    """What a one-time code came to."""

    NOT_NEEDED = enum.auto()
    PASSED = enum.auto()
    RECOVERED = enum.auto()  # by a recovery code
    REFUSED = enum.auto()  # needed, and not there, wrong or used before


class SecondFactor(Protocol):
    """Decides inside the login's transaction, so that a code is used up by the very login that it admits."""

    async def check(
        self, connection: Connection, user_id: UUID | None, code: str, *, matched: bool, window: int
    ) -> Factor:
        """Whether the login may go on. ``matched``: the password was right; only then a code is used up.

        ``window`` is how many time steps the user's clock may be away. Costs the same statements for every user, for None,
        and for a wrong password: a login does not tell who has a second factor.
        """
        ...
