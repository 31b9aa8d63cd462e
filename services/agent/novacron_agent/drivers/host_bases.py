"""Base files by their contents: which a host has, so that a VM that comes to it need not bring its own.

Two hosts may have got one image at different times, or different images under one name. Only the digest tells.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

_MARK: Final = "-sha256-"


class BaseDigests:
    """SHA-256 of files, each read once for as long as it stays as it is. Blocks."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int, int], str] = {}

    def of(self, path: Path) -> str:
        status = path.stat()
        key = (str(path), status.st_mtime_ns, status.st_size)
        if key not in self._known:
            with path.open("rb") as file:
                self._known[key] = hashlib.file_digest(file, "sha256").hexdigest()
        return self._known[key]


def brought(image: str, sha256: str, name: str) -> str:
    """What a base file is called that came with a VM: ``NAME-sha256-<digest>.qcow2``."""
    suffix = Path(name).suffix or f".{name}"
    return f"{image}{_MARK}{sha256}{suffix}"


def brought_digest(path: Path) -> str | None:
    """The digest of such a file; None for one that was copied from this host's own images."""
    _, mark, digest = path.stem.rpartition(_MARK)
    return digest if mark else None
