"""What users type: sizes, durations, times, ``key=value`` pairs. Each raises ``typer.BadParameter`` with what would do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import typer

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)
_BYTES = {"K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?", re.IGNORECASE)


def memory_mib(text: str) -> int:
    """``2G``, ``512M``, or a number of MiB."""
    return _size(text, "M", "a size such as 512, 512M or 2G")


def disk_gib(text: str) -> int:
    """``20G``, ``1T``, or a number of GiB."""
    return _size(text, "G", "a size such as 20, 20G or 1T")


def seconds(text: str) -> float:
    """``90``, ``90s``, ``15m``, ``1h30m``, ``2d``."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or not text.strip():
        raise typer.BadParameter(f"{text!r} is not a duration such as 30s, 15m, 1h30m or 2d")
    days, hours, minutes, rest = (float(part or 0) for part in match.groups())
    return days * 86400 + hours * 3600 + minutes * 60 + rest


def moment(text: str) -> datetime:
    """A duration back from now, or a time such as ``2026-03-01T12:00`` (in the user's own zone unless it names one)."""
    if text[:1].isdigit() and _DURATION.fullmatch(text.strip()):
        return datetime.now(UTC) - timedelta(seconds=seconds(text))
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is neither a duration such as 15m nor a time such as 2026-03-01T12:00"
        ) from None


def pairs(given: Iterable[str]) -> dict[str, str]:
    """``KEY=VALUE`` each."""
    parsed: dict[str, str] = {}
    for one in given:
        key, equals, value = one.partition("=")
        if not equals or not key:
            raise typer.BadParameter(f"{one!r} is not KEY=VALUE")
        parsed[key] = value
    return parsed


def content(path: Path) -> str:
    """The text in a file; ``-`` is standard input."""
    try:
        return typer.get_text_stream("stdin").read() if str(path) == "-" else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise typer.BadParameter(f"cannot read {path}: {reason}") from None


def keys(text: str) -> list[str]:
    """The keys in a file of public keys: one a line, comments left out."""
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _size(text: str, unit: str, expected: str) -> int:
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise typer.BadParameter(f"{text!r} is not {expected}")
    number, suffix = float(match[1]), match[2].upper() or unit
    count = number * _BYTES[suffix] / _BYTES[unit]
    if count != int(count):
        raise typer.BadParameter(f"{text!r} is not a whole number of {unit}iB")
    return int(count)
