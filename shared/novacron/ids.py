"""Identifiers: one id names a thing everywhere, so a retry is an insert that conflicts."""

from __future__ import annotations

import os
import time
from uuid import UUID, uuid5

# The namespace of every id that NovaCron derives from another one.
_NAMESPACE = UUID("6f7a9d1e-6f0e-5a52-9d2c-4b0a6c3e8f10")


def new_id() -> UUID:
    """A new UUID version 7 (RFC 9562): ordered by time, so indexes grow at their end."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & ((1 << 48) - 1)) << 80
    value |= 0x7 << 76
    value |= ((random >> 62) & 0xFFF) << 64
    value |= 0b10 << 62
    value |= random & ((1 << 62) - 1)
    return UUID(int=value)


def derived_id(*parts: object) -> UUID:
    """The same id for the same parts, in every process and for ever."""
    return uuid5(_NAMESPACE, "\x1f".join(str(part) for part in parts))
