"""A durable dictionary: an append-only journal that a crash at any instant leaves readable.

A write is acknowledged when it is on the disk. Writes that come while one is on its way share the next ``fdatasync``, so
hundreds of writers a second cost a few dozen of them, and none of it happens on the event loop. The file is rewritten
(a new one beside it, then a rename) only when most of its records are out of date.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import os
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from novacron.errors import FailedPrecondition, Unavailable

HEADER = b"novacron journal 1\n"

log = logging.getLogger(__name__)


class Journal:
    """Key to JSON object, kept in one file that one process at a time has open.

    ``FailedPrecondition``: the path holds something else. ``Unavailable``: another process has it, or the disk refuses.
    """

    def __init__(self, path: Path, *, compact_after: int = 10_000) -> None:
        self._path = path
        self._compact_after = compact_after
        self._live: dict[str, bytes] = {}  # each key's last record, as it stands in the file
        self._records = 0  # in the file, out of date or not
        self._size = 0  # of what is known to be whole
        self._file = -1
        self._lock = -1
        self._pending: list[tuple[str, bytes, bool, asyncio.Future[None]]] = []
        self._wake = asyncio.Event()
        self._disk: ThreadPoolExecutor | None = None
        self._writer: asyncio.Task[None] | None = None

    async def open(self) -> dict[str, dict[str, Any]]:
        """Take the file and return what it holds; a record that a crash left half-written is dropped."""
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="journal")
        try:
            content = await asyncio.get_running_loop().run_in_executor(self._disk, self._load)
        except OSError as error:
            self._release()
            raise Unavailable(f"cannot open the state file {self._path}: {error.strerror}") from error
        except BaseException:
            self._release()
            raise
        self._writer = asyncio.create_task(self._write_pending(), name=f"journal {self._path.name}")
        return content

    async def put(self, key: str, value: Mapping[str, Any]) -> None:
        """On return the value survives a power cut. A caller that is cancelled does not stop the write."""
        await self._append(key, _encode(key, value), True)

    async def drop(self, key: str) -> None:
        await self._append(key, _encode(key, None), False)

    async def close(self) -> None:
        """Write what is pending and let go of the file. Repeatable."""
        if self._writer is not None:
            writer, self._writer = self._writer, None
            self._wake.set()
            await writer
        self._release()

    async def _append(self, key: str, line: bytes, live: bool) -> None:
        if self._writer is None:
            raise Unavailable(f"the state file {self._path} is closed")
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pending.append((key, line, live, future))
        self._wake.set()
        await asyncio.shield(future)

    async def _write_pending(self) -> None:
        while self._pending or self._writer is not None:
            await self._wake.wait()
            self._wake.clear()
            batch, self._pending = self._pending, []
            error = await self._on_disk(self._commit, [line for _, line, _, _ in batch]) if batch else None
            for key, line, live, written in batch:
                if error is not None:
                    written.set_exception(Unavailable(f"cannot write {self._path}: {error.strerror}"))
                    written.exception()  # seen: its caller may have gone
                    continue
                if live:
                    self._live[key] = line
                else:
                    self._live.pop(key, None)
                written.set_result(None)
            if self._records > self._compact_after + 2 * len(self._live):
                error = await self._on_disk(self._rewrite, list(self._live.values()))
                if error is not None:
                    # The long file is as good as a short one: try again after as many records more.
                    log.warning("cannot compact %s: %s", self._path, error.strerror)
                    self._records = 0

    async def _on_disk(self, work: Callable[[list[bytes]], None], lines: list[bytes]) -> OSError | None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._disk, work, lines)
        except OSError as error:
            return error
        return None

    def _commit(self, lines: list[bytes]) -> None:
        block = b"".join(lines)
        try:
            written = 0
            while written < len(block):
                written += os.pwrite(self._file, block[written:], self._size + written)
            os.fdatasync(self._file)
        except OSError:
            # Half a batch must not stand before the next one. Should this fail too, pwrite overwrites it anyway.
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(block)
        self._records += len(lines)

    def _load(self) -> dict[str, dict[str, Any]]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(
            self._path.with_name(self._path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unavailable(f"another process has the state file {self._path} open") from None
        data = self._path.read_bytes() if self._path.exists() else b""
        if not data.startswith(HEADER) and not HEADER.startswith(data):
            raise FailedPrecondition(f"{self._path} is not a NovaCron state file: move it away or name another path")
        values: dict[str, dict[str, Any]] = {}
        self._live, self._records = {}, 0
        end = len(HEADER)
        for line in data[end:].splitlines(keepends=True):
            record = _decode(line)
            if record is None:
                log.warning("%s: dropped %d bytes of an unfinished write", self._path, len(data) - end)
                break
            key, value = record
            if value is None:
                values.pop(key, None)
                self._live.pop(key, None)
            else:
                values[key], self._live[key] = value, line
            end += len(line)
        self._rewrite(list(self._live.values()))
        return values

    def _rewrite(self, lines: list[bytes]) -> None:
        beside = self._path.with_name(self._path.name + ".new")
        file = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            with open(file, "wb", closefd=False) as out:
                out.write(HEADER)
                out.writelines(lines)
            os.fsync(file)
            beside.replace(self._path)
        except BaseException:
            os.close(file)
            raise
        if self._file >= 0:
            os.close(self._file)
        self._file, self._records, self._size = file, len(lines), os.fstat(file).st_size
        directory = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _release(self) -> None:
        if self._disk is not None:
            self._disk.shutdown(wait=True)
            self._disk = None
        for descriptor in (self._file, self._lock):
            if descriptor >= 0:
                os.close(descriptor)
        self._file = self._lock = -1


def _encode(key: str, value: Mapping[str, Any] | None) -> bytes:
    body = json.dumps([key, value], separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(body), body)


def _decode(line: bytes) -> tuple[str, dict[str, Any] | None] | None:
    """None for a line that was not written whole."""
    if len(line) < 10 or not line.endswith(b"\n") or line[:8] != b"%08x" % zlib.crc32(line[9:-1]):
        return None
    key, value = json.loads(line[9:-1])
    return key, value
