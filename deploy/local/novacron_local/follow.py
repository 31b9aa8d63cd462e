"""Read log files the way ``tail -F`` does, several at once."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from .logfile import last_lines


def tails(logs: Mapping[str, Path], count: int) -> Iterator[tuple[str, str]]:
    """The last ``count`` lines of each log, log after log, each with its log's name."""
    for name, path in logs.items():
        for line in last_lines(path, count):
            yield name, line


class Followed:
    """One log from its end on, across its rotations. A line is given once it is whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._partial = b""
        with contextlib.suppress(FileNotFoundError):
            self._file = path.open("rb")
            self._file.seek(0, os.SEEK_END)

    def lines(self) -> Iterator[str]:
        """What was written since the last call."""
        moved = self._moved()
        yield from self._rest()
        if moved:  # what the old file got until it was moved away has been read
            if self._file is not None:
                self._file.close()
            with contextlib.suppress(FileNotFoundError):
                self._file = self._path.open("rb")
                yield from self._rest()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _moved(self) -> bool:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return False
        return self._file is None or os.fstat(self._file.fileno()).st_ino != status.st_ino

    def _rest(self) -> Iterator[str]:
        if self._file is None:
            return
        self._partial += self._file.read()
        *whole, self._partial = self._partial.split(b"\n")
        for line in whole:
            yield line.decode(errors="replace")
