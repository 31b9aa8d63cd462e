"""Passwords: Argon2id in a few threads of its own, and the same work for users that do not exist.

A hash costs tens of milliseconds of CPU and 19 MiB, on purpose. The threads bound what a flood of logins can take from
everything else; beyond the queue, logins are told to come back instead of waiting past their deadline.
"""

from __future__ import annotations

import asyncio
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from novacron import logs
from novacron.errors import Overloaded

from ..settings import AuthSettings

T = TypeVar("T")
log = logs.logger(__name__)


class Passwords:
    """Hashes and verifies."""

    def __init__(self, hasher: PasswordHasher, *, threads: int, queue: int) -> None:
        self._hasher = hasher
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="argon2")
        self._limit = threads + queue
        self._taken = 0
        # Nobody knows its password. Made with today's parameters, so that it costs what a real one costs.
        self._decoy = hasher.hash(secrets.token_urlsafe(32))

    @classmethod
    def from_settings(cls, settings: AuthSettings) -> Passwords:
        hasher = PasswordHasher(
            time_cost=settings.argon2_time_cost, memory_cost=settings.argon2_memory_kib, parallelism=1
        )
        return cls(hasher, threads=settings.password_threads, queue=settings.password_queue)

    async def hash(self, password: str) -> str:
        """The password in PHC form. :raises Overloaded: too many are waiting."""
        return await self._run(lambda: self._hasher.hash(_spelled(password)))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password is the one of this hash; False, for the same work, where there is no hash.

        :raises Overloaded: too many are waiting; nothing was tried.
        """
        return await self._run(lambda: self._verified(password_hash or self._decoy, password))

    def outdated(self, password_hash: str) -> bool:
        """Whether this hash was made with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)

    def _verified(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, _spelled(password))
        except InvalidHashError:
            log.error("a stored password hash is damaged: its user cannot log in until an admin resets the password")
            return self._verified(self._decoy, password)
        except VerificationError:
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._taken >= self._limit:
            raise Overloaded("too many logins at once: retry in a moment", retry_after_seconds=1.0)
        self._taken += 1
        started = asyncio.get_running_loop().run_in_executor(self._threads, work)
        # Counted until the thread is done: a caller that hangs up does not free it.
        started.add_done_callback(self._done)
        return await asyncio.shield(started)

    def _done(self, _: asyncio.Future[T]) -> None:
        self._taken -= 1


def _spelled(password: str) -> str:
    """One spelling for what looks the same, whatever the keyboard sent (RFC 8265, OpaqueString)."""
    return unicodedata.normalize("NFC", password)
