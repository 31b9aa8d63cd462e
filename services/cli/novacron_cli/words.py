"""What the services say, in the words of a table: enums, times, sizes, durations."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def word(enum: Any, value: int) -> str:
    """``VM_STATE_RUNNING`` as ``running``; empty for unspecified; the number for what a newer server may say."""
    prefix = enum.Name(0).removesuffix("UNSPECIFIED")
    try:
        return enum.Name(value).removeprefix(prefix).lower() if value else ""
    except ValueError:
        return str(value)


def when(timestamp: Any) -> str:
    """A time in the user's own zone; empty for none."""
    if not timestamp.seconds:
        return ""
    return _datetime(timestamp).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def ago(timestamp: Any, now: datetime | None = None) -> str:
    """How long ago: ``12s``, ``5m``, ``3h``, ``9d``; empty for none."""
    if not timestamp.seconds:
        return ""
    seconds = max(0.0, ((now or datetime.now(UTC)) - _datetime(timestamp)).total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.0f}s"


def lasted(start: Any, end: Any) -> str:
    """The time between two timestamps; empty while one of them is missing."""
    return f"{elapsed(start, end):.2f} s" if start.seconds and end.seconds else ""


def elapsed(start: Any, end: Any) -> float:
    """Seconds between two timestamps."""
    return float(end.seconds - start.seconds) + (end.nanos - start.nanos) / 1e9


def size(count: float) -> str:
    """Bytes for people: ``512 MiB``."""
    for unit in _UNITS:
        if abs(count) < 1024 or unit == _UNITS[-1]:
            return f"{count:.0f} {unit}" if unit == "B" or count == int(count) else f"{count:.1f} {unit}"
        count /= 1024
    raise AssertionError("the last unit takes all")


def mib(count: int) -> str:
    return size(count * 1024**2) if count else ""


def gib(count: int) -> str:
    return size(count * 1024**3) if count else ""


def pairs(mapping: Mapping[str, str]) -> str:
    """``a=1, b=2`` in a stable order."""
    return ", ".join(f"{key}={value}" for key, value in sorted(mapping.items()))


def _datetime(timestamp: Any) -> datetime:
    moment: datetime = timestamp.ToDatetime(UTC)
    return moment
