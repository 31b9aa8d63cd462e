"""What a user's roles add up to. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from novacron.rpc import Identity


@dataclass(frozen=True, slots=True)
class Grants:
    """The permissions of an enabled user, and where they come from."""

    tenant_id: UUID
    roles: tuple[str, ...]
    permissions: frozenset[str]
    session_live: bool
    # The session lacks the second factor that its user has or needs: so it grants nothing.
    second_factor_needed: bool = False

    def allow(self, resource: str, action: str) -> bool:
        """Whether ``resource:action`` is granted, by the very rule that every server's identity stage applies."""
        return Identity(permissions=self.permissions).may(f"{resource}:{action}")


def covers(held: frozenset[str], wanted: frozenset[str]) -> bool:
    """Whether who has ``held`` may give ``wanted``: all of it, wildcards too, is granted by ``held``."""
    return all(_granted(held, *one.split(":")) for one in wanted)


def _granted(held: frozenset[str], resource: str, action: str) -> bool:
    return not held.isdisjoint((f"{resource}:{action}", f"{resource}:*", f"*:{action}", "*:*"))
