"""Orders to one VM take turns, and an order once begun is carried out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

T = TypeVar("T")

log = logging.getLogger(__name__)


class Turns:
    """At most one operation per VM at a time, each running to its end though its caller goes away.

    grpc.aio cancels a handler when the client's deadline passes. Were the operation cancelled with it, its thread would
    work on while the VM's lock was already free, and a delete could overtake the create that it is meant to undo.
    """

    def __init__(self) -> None:
        self._locks: dict[UUID, tuple[asyncio.Lock, int]] = {}
        self._running: set[asyncio.Task[object]] = set()

    async def take(self, vm_id: UUID, operation: Callable[[], Awaitable[T]]) -> T:
        task = asyncio.ensure_future(self._in_turn(vm_id, operation))
        self._running.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    async def settle(self) -> None:
        """Return when nothing is under way any more."""
        while self._running:
            await asyncio.wait(self._running)

    async def _in_turn(self, vm_id: UUID, operation: Callable[[], Awaitable[T]]) -> T:
        lock, users = self._locks.get(vm_id) or (asyncio.Lock(), 0)
        self._locks[vm_id] = (lock, users + 1)
        try:
            async with lock:
                return await operation()
        finally:
            _, users = self._locks[vm_id]
            if users == 1:
                del self._locks[vm_id]
            else:
                self._locks[vm_id] = (lock, users - 1)

    def _ended(self, task: asyncio.Task[T]) -> None:
        self._running.discard(task)
        # Retrieved here too, for the case that the caller has gone: its error would otherwise be reported as lost.
        if not task.cancelled() and (error := task.exception()) is not None:
            log.debug("an operation on a VM failed: %s", error)
