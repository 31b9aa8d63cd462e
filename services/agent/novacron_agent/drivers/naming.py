"""What follows from a VM's id and name alone, so that every driver, and a driver after a crash, derives the same."""

from __future__ import annotations

import hashlib
import re
from uuid import UUID

_NOT_IN_A_HOSTNAME = re.compile(r"[^a-z0-9-]+")
_UP = re.compile(rb"NovaCron guest \S+ is up at (\d{1,3}(?:\.\d{1,3}){3})\r?\n")


def mac_address(vm_id: UUID) -> str:
    """A locally administered unicast address, the same for one VM on every host that it ever runs on."""
    tail = hashlib.sha256(vm_id.bytes).digest()[:4]
    return "52:54:" + ":".join(f"{octet:02x}" for octet in tail)


def hostname(name: str) -> str:
    """``name`` as one DNS label (RFC 1123): lower case, dashes for what a label cannot hold, at most 63 characters."""
    return _NOT_IN_A_HOSTNAME.sub("-", name.lower()).strip("-")[:63].strip("-") or "guest"


def boot_line(name: str, address: str | None) -> str:
    """The line with which NovaCron's own guest image says on its serial console that it runs."""
    return f"NovaCron guest {hostname(name)} is up at {address or 'no address'}"


def address_on_console(log: bytes) -> str | None:
    """The IPv4 address in the latest boot line of a console log; None when no guest has said one."""
    found = _UP.findall(log)
    return found[-1].decode() if found else None
