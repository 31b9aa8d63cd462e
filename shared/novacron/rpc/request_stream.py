"""The request stream of a call that may be attempted more than once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any


class RequestStream:
    """Gives an attempt the caller's messages, and may start over as long as none of them can have been sent.

    grpc.aio asks for the first message before it knows whether there is a connection. That one is kept, so that an attempt
    which found none loses nothing. The caller's iterator is asked by a task of ours for it: an attempt that ends while
    waiting must not end the iterator with itself.
    """

    def __init__(self, source: Any) -> None:
        self._source = source.__aiter__() if hasattr(source, "__aiter__") else _one_by_one(source)
        self._first: asyncio.Task[Any] | None = None
        self._attempt = 0
        self._beyond = False  # more than the first message was asked for: the first is on the wire

    def rewind(self, not_sent: bool) -> bool:
        """Whether another attempt can begin, with the same messages. What the last attempt still reads it no longer gets."""
        taken = self._first is not None and self._first.done()
        if self._beyond or (taken and not not_sent):
            self.close()
            return False
        self._attempt += 1
        return True

    def close(self) -> None:
        """Let go of the caller's iterator, when nobody will read on."""
        if self._first is not None:
            self._first.cancel()

    def __aiter__(self) -> AsyncIterator[Any]:
        return self._messages(self._attempt)

    async def _messages(self, attempt: int) -> AsyncIterator[Any]:
        if self._first is None:
            self._first = asyncio.ensure_future(_next(self._source))
        first = await asyncio.shield(self._first)
        if attempt != self._attempt:
            return
        if first:
            yield first[0]
            self._beyond = True
            async for message in self._source:
                yield message


async def _one_by_one(messages: Iterable[Any]) -> AsyncIterator[Any]:
    for message in messages:
        yield message


async def _next(source: AsyncIterator[Any]) -> tuple[Any, ...]:
    """The next message in a tuple, or an empty one at the end: a task cannot raise StopAsyncIteration."""
    try:
        return (await source.__anext__(),)
    except StopAsyncIteration:
        return ()
