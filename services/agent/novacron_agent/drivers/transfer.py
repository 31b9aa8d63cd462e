"""A VM on its way from one host to another: what it is, then its files, each with a digest by which the copy is judged."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from novacron.errors import Unavailable

CHUNK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Facts:
    """What a domain is beside its files and its spec, as JSON that only drivers of its kind read."""

    json: str


@dataclass(frozen=True, slots=True)
class FileBegins:
    """The next file. A base file is shared by VMs and named by its digest; one that the receiver has is not sent."""

    name: str
    size: int
    base_sha256: str = ""
    omitted: bool = False


@dataclass(frozen=True, slots=True)
class FileEnds:
    """The file that began is whole if this is its SHA-256."""

    sha256: str


# In this order: the facts, then of each file its beginning, its bytes and its end. An omitted file has neither bytes nor end.
Piece = Facts | FileBegins | bytes | FileEnds


async def verified(pieces: AsyncIterator[Piece]) -> AsyncIterator[Piece]:
    """The same pieces; a file's end comes through only if the file is what its sender read.

    :raises Unavailable: bytes were lost or changed on the way. Nothing of the copy may be used, and another one may succeed.
    """
    begun: FileBegins | None = None
    digest, size = hashlib.sha256(), 0
    async for piece in pieces:
        if isinstance(piece, FileBegins):
            if begun is not None:
                raise Unavailable(f"{begun.name} broke off after {size} bytes on its way here: it is copied anew")
            begun, digest, size = (None if piece.omitted else piece), hashlib.sha256(), 0
        elif isinstance(piece, bytes):
            digest.update(piece)
            size += len(piece)
        elif isinstance(piece, FileEnds):
            name, expected = (begun.name, begun.size) if begun else ("a file that never began", 0)
            if (digest.hexdigest(), size) != (piece.sha256, expected):
                raise Unavailable(f"{name} is not what its host sent ({size} bytes of {expected}): it is copied anew")
            begun = None
        yield piece
    if begun is not None:
        raise Unavailable(f"{begun.name} broke off after {size} bytes on its way here: it is copied anew")
