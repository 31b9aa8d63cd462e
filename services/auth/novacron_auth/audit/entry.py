"""One link of a tenant's audit chain, and the rule that makes it one. No I/O.

Each entry's hash covers the entry and the hash before it, so an entry that was edited, removed, inserted or moved breaks the
chain where it happened. The chain's head is kept beside it and tells when the end was cut off. What outlived its retention is
removed from the beginning: an anchor takes its place, and an entry in the chain tells of the anchor. Whoever may rewrite the
whole database can also rewrite the whole chain: keep heads elsewhere to catch that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import IPv4Interface, IPv6Interface
from uuid import UUID

from ..sessions.origin import Address, Origin

_FORM = "novacron-audit-1"
PRUNE = "audit-log.prune"


@dataclass(frozen=True, slots=True)
class Link:
    """A place in a chain. ``Link()`` is where every chain begins."""

    sequence: int = 0
    hash: bytes = bytes(32)


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where a chain begins after what was older than ``removed_before`` has been removed: the last link of that."""

    link: Link
    removed_before: datetime

    def event(self, tenant_id: UUID) -> Event:
        """What the chain itself keeps of this: an anchor that the chain does not know of was put there by somebody else."""
        return Event(tenant_id, PRUNE, True, metadata=self.told())

    def told(self) -> dict[str, str]:
        before = self.removed_before.astimezone(UTC).isoformat(timespec="microseconds")
        return {"sequence": str(self.link.sequence), "hash": self.link.hash.hex(), "removed_before": before}


@dataclass(frozen=True, slots=True)
class Event:
    """What happened, to whom, from where. ``metadata`` holds strings only: numbers change their spelling in databases."""

    tenant_id: UUID
    action: str
    success: bool
    user_id: UUID | None = None
    error_message: str | None = None
    origin: Origin = field(default_factory=Origin)
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """An event in its place."""

    id: UUID
    sequence: int
    event: Event
    created_at: datetime
    previous_hash: bytes
    hash: bytes = b""

    @property
    def link(self) -> Link:
        return Link(self.sequence, self.hash)

    def computed_hash(self) -> bytes:
        """SHA-256 over one unambiguous spelling of everything in the entry but the hash itself."""
        event, address = self.event, self.event.origin.ip_address
        spelling = [
            _FORM,
            str(self.id),
            str(event.tenant_id),
            self.sequence,
            str(event.user_id) if event.user_id else None,
            event.action,
            _address(address) if address else None,
            event.origin.user_agent,
            event.success,
            event.error_message,
            dict(event.metadata),
            self.created_at.astimezone(UTC).isoformat(timespec="microseconds"),
            self.previous_hash.hex(),
        ]
        return hashlib.sha256(json.dumps(spelling, sort_keys=True, separators=(",", ":")).encode()).digest()


def _address(address: Address) -> str:
    # A database's address may have a network's width beside it; we write none, and one that appears is a change.
    width = f"/{address.network.prefixlen}" if isinstance(address, IPv4Interface | IPv6Interface) else ""
    return address.packed.hex() + width


@dataclass(frozen=True, slots=True)
class ChainFault:
    """The first place where a chain is not what was written."""

    tenant_id: UUID
    sequence: int
    problem: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A chain that was looked at: how many entries, what is wrong with it, and the link to keep elsewhere."""

    entries: int
    fault: ChainFault | None
    head: Link


def fault_after(last: Link, entry: Entry) -> str | None:
    """What is wrong with ``entry`` as the next after ``last``; None: nothing."""
    if entry.sequence != last.sequence + 1:
        return f"{entry.sequence - last.sequence - 1} entries before it are missing"
    if entry.previous_hash != last.hash:
        return "it does not follow from the entry before it"
    if entry.hash != entry.computed_hash():
        return "its contents are not what was written"
    return None


def fault_at_end(last: Link, head: Link) -> str | None:
    """What is wrong with a chain that ends in ``last`` when ``head`` was its last link; None: nothing."""
    if last.sequence < head.sequence:
        return f"the last {head.sequence - last.sequence} entries are missing"
    return None if last == head else "the chain's head is not its last entry"


def fault_of_anchor(anchor: Anchor | None, last_told: Mapping[str, str] | None) -> str | None:
    """What is wrong with a chain's anchor when ``last_told`` is what its newest entry about one says; None: nothing."""
    if anchor is None:
        return None if last_told is None else "its anchor is missing"
    return None if last_told == anchor.told() else "its beginning was removed, and the chain does not tell of it"
