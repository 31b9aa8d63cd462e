"""One supervisor per data directory."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


class AlreadyRunning(Exception):
    """Another process holds the data directory."""


@contextlib.contextmanager
def hold(path: Path) -> Iterator[None]:
    """Hold the lock in ``path`` for the length of a ``with`` block. The kernel lets go of it however this process ends.

    :raises AlreadyRunning: when somebody else holds it.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(str(path)) from None
        yield
    finally:
        os.close(handle)


def held(path: Path) -> bool:
    """Whether somebody holds the lock now."""
    try:
        with hold(path):
            return False
    except AlreadyRunning:
        return True
    except FileNotFoundError:
        return False
