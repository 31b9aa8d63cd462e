"""A directory in memory, for what ends with its test session anyway.

Some thousand databases are made and dropped in a session, of some hundred files each. A disk makes and deletes such files at
many times the price, and some file systems at a price that grows with what was deleted lately.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108 - what is put there gets a name of its own
_PREFIX = "novacron-tests-"
# What the servers of a machine's workers need at the most, several times over.
_ROOM = 4 << 30


@contextmanager
def directory_in_memory(otherwise: Path) -> Iterator[Path]:
    """A new directory in memory, gone when the block ends; ``otherwise`` where this machine has no such room.

    Other accounts may pass through it. What a session that was killed has left there, the next one removes.
    """
    if not _has_room():
        yield otherwise
        return
    _remove_the_dead()
    directory = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_MEMORY))
    held = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        directory.chmod(0o711)
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        os.close(held)


def _has_room() -> bool:
    try:
        there = os.statvfs(_MEMORY)
    except OSError:
        return False
    return there.f_bavail * there.f_frsize >= _ROOM and os.access(_MEMORY, os.W_OK | os.X_OK)


def _remove_the_dead() -> None:
    """Its session holds a lock on a directory for as long as it lives; one that is not yet held has mode 0700."""
    for left in _MEMORY.glob(f"{_PREFIX}*"):
        try:
            if left.stat().st_mode & 0o777 != 0o711 or left.stat().st_uid != os.geteuid():
                continue
            handle = os.open(left, os.O_RDONLY)
        except OSError:  # its session ends it at this moment
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            shutil.rmtree(left, ignore_errors=True)
        finally:
            os.close(handle)
