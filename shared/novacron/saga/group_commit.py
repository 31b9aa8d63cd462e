"""Commits of sagas that run at the same time, made together: one statement, one flush to disk for all that wait.

A saga alone is written at once; while that is on its way, the others' commits gather, and go together with the next. Each still
has its own fence, and none waits for another's step.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")
Write = Callable[[Sequence[T]], Awaitable[Sequence[R]]]


class GroupCommit(Generic[T, R]):
    """Gathers what is handed in and writes it through ``write``, which answers each in its place.

    ``writers`` writes may be under way at once: one that waits for a lock holds up those that go with it, not all.
    """

    def __init__(self, write: Write[T, R], *, writers: int = 2, most: int = 64) -> None:
        self._write = write
        self._free = writers
        self._most = most
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def commit(self, one: T) -> R:
        """What ``write`` answers for this one. Cancelled: it may be written all the same."""
        if not self._free:
            answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
            self._waiting.append((one, answer))
            return await answer
        self._free -= 1
        try:
            return (await self._write([one]))[0]
        finally:
            self._next()

    async def written(self) -> None:
        """Wait for what gathered and is on its way, whatever becomes of it."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _next(self) -> None:
        """A writer has become free: it goes on with what has gathered."""
        if not self._waiting:
            self._free += 1
            return
        task = asyncio.create_task(self._write_on(), name="group-commit")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _write_on(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._answer([(one, answer) for one, answer in group if not answer.done()])
        finally:
            self._free += 1

    async def _answer(self, group: list[tuple[T, asyncio.Future[R]]]) -> None:
        try:
            results = await self._write([one for one, _ in group])
        except Exception as error:
            if len(group) > 1 and not getattr(error, "retryable", False):
                # One of them is what the database will never take: each alone, so that the others get through.
                for one in group:
                    await self._answer([one])
                return
            for _, answer in group:
                if not answer.done():
                    answer.set_exception(error)
        else:
            for (_, answer), result in zip(group, results, strict=True):
                if not answer.done():
                    answer.set_result(result)
