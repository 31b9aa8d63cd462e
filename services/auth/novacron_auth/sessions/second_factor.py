"""What a login asks of second factors. No I/O."""

from __future__ import annotations

import enum
from typing import Protocol
from uuid import UUID

from novacron.db import Connection

from ..users.account import Shown


class Factor(enum.Enum):
    """What a one-time code or a security key's answer came to."""

    NOT_NEEDED = enum.auto()
    PASSED = enum.auto()
    RECOVERED = enum.auto()  # by a recovery code
    REFUSED = enum.auto()  # needed, and not there, wrong or used before
    COPIED = enum.auto()  # a security key whose counter went back: there are two of it

    @property
    def refused(self) -> bool:
        return self in (Factor.REFUSED, Factor.COPIED)


class SecondFactor(Protocol):
    """Decides inside the login's transaction, so that a code is used up by the very login that it admits."""

    async def check(
        self, connection: Connection, user_id: UUID | None, shown: Shown, *, matched: bool, window: int
    ) -> Factor:
        """Whether the login may go on. ``matched``: the password was right; only then a code is used up. A security key's
        challenge is used up by whoever answers it.

        ``window`` is how many time steps the user's clock may be away. Costs the same statements for every user, for None,
        and for a wrong password, given the same things shown: a login does not tell who has a second factor.
        """
        ...
