"""Where a login comes from, seen by its user: a familiar device, a familiar network, or nowhere known. No I/O.

Each place has a counter of failures of its own. Were there one per account, anybody could keep its owner out for ever,
by guessing again after every pause.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from uuid import UUID

from ..users.account import Credentials
from .origin import Origin


@dataclass(frozen=True, slots=True)
class Place:
    """``key`` names its counter; empty: the account's own, which all strangers share."""

    key: str = ""

    @property
    def familiar(self) -> bool:
        return bool(self.key)


def place_of(credentials: Credentials, origin: Origin, device: str) -> Place:
    """A device that the user signed in from counts before a network: others may share the network."""
    if credentials.user_id is None:
        return Place()
    if credentials.known_device and device:
        return Place(f"{credentials.user_id}:device:{hashlib.sha256(device.encode()).hexdigest()}")
    if credentials.known_network and origin.network:
        return Place(f"{credentials.user_id}:network:{origin.network}")
    return Place()


def own_password(user_id: UUID) -> Place:
    """Where somebody who is signed in guesses at the password: no stranger can fill this counter."""
    return Place(f"{user_id}:password")


def own_code(user_id: UUID) -> Place:
    """Where somebody who is signed in guesses at the codes of a second factor."""
    return Place(f"{user_id}:code")
