"""A process's log file that cannot fill the disk."""

from __future__ import annotations

from collections import deque
from pathlib import Path

MAX_BYTES = 16 * 1024 * 1024
KEEP = 3


class LogFile:
    """Takes a process's output and keeps the last ``keep`` + 1 files of ``max_bytes``, cut only between lines."""

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES, keep: int = KEEP) -> None:
        self.path = path
        self._max_bytes = max_bytes
        self._keep = keep
        self._file = path.open("ab", buffering=0)
        path.chmod(0o600)  # lines of a log are not for other users
        self._size = self._file.tell()
        self._at_line_start = True

    def write(self, output: bytes) -> None:
        """Append ``output``, moving on to a new file where a line begins and the old file is full."""
        if self._size >= self._max_bytes:
            head, newline, rest = (b"", b"", output) if self._at_line_start else output.partition(b"\n")
            self._append(head + newline)
            if self._at_line_start:
                self._rotate()
            output = rest
        self._append(output)

    def close(self) -> None:
        self._file.close()

    def _append(self, output: bytes) -> None:
        if output:
            self._file.write(output)
            self._size += len(output)
            self._at_line_start = output.endswith(b"\n")

    def _rotate(self) -> None:
        self._file.close()
        for number in range(self._keep - 1, 0, -1):
            older = self.numbered(number)
            if older.exists():
                older.replace(self.numbered(number + 1))
        self.path.replace(self.numbered(1))
        self._file = self.path.open("ab", buffering=0)
        self.path.chmod(0o600)
        self._size = 0

    def numbered(self, number: int) -> Path:
        """The ``number``-th file before this one."""
        return self.path.with_name(f"{self.path.name}.{number}")


def last_lines(path: Path, count: int) -> list[str]:
    """The last ``count`` lines of ``path``; none when there is no such file."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return [line.rstrip("\n") for line in deque(file, maxlen=count)]
    except FileNotFoundError:
        return []
