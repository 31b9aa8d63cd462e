"""The end of the client's chain: the call on the wire, its errors typed, its stream opened."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc

from ..errors import Cancelled, NovacronError, Unavailable
from .call import ClientCall
from .status import from_rpc_error

# grpc.aio's own words when the server ended a stream while a request was being written: they hide the server's answer.
_WRITE_FAILED = "Internal error from Core"
_NOTHING: Any = object()


async def on_the_wire(call: ClientCall) -> Any:
    """The response, or the opened :class:`Responses`. :raises NovacronError: whatever went wrong, as its class says."""
    sent = call.wire(call.request, timeout=call.timeout, metadata=tuple(call.metadata))
    if call.streamed:
        responses = Responses(call.path, sent)
        await responses.open()
        return responses
    try:
        return await sent
    except grpc.RpcError as error:
        raise _typed(call.path, error) from None
    except asyncio.CancelledError:
        raise _cancelled(call.path) from None


class Responses:
    """A stream of responses that has been opened: its first message, or its end, is there."""

    __slots__ = ("_call", "_first", "_messages", "_path")

    def __init__(self, path: str, call: Any) -> None:
        self._path = path
        self._call = call
        self._messages = call.__aiter__()
        self._first = _NOTHING

    async def open(self) -> None:
        try:
            self._first = await self._next()
        except StopAsyncIteration:
            pass  # an empty stream: the next one who asks is told so
        except BaseException:
            self.cancel()
            raise

    def __aiter__(self) -> Responses:
        return self

    async def __anext__(self) -> Any:
        if self._first is not _NOTHING:
            first, self._first = self._first, _NOTHING
            return first
        return await self._next()

    def cancel(self) -> None:
        """Give the stream up; without effect on one that has ended."""
        self._call.cancel()

    async def _next(self) -> Any:
        try:
            return await self._messages.__anext__()
        except grpc.RpcError as error:
            raise _typed(self._path, error) from None
        except asyncio.CancelledError:
            raise _cancelled(self._path) from None


def _typed(path: str, error: grpc.RpcError) -> NovacronError:
    if error.code() is grpc.StatusCode.INTERNAL and error.details() == _WRITE_FAILED:
        return Unavailable(f"{path}: the server ended the stream while a request was being written")
    return from_rpc_error(error)


def _cancelled(path: str) -> BaseException:
    """Our own task's end passes through; a call that was cancelled from another side, as by a closing channel, is an error."""
    if (task := asyncio.current_task()) is not None and task.cancelling():
        return asyncio.CancelledError()
    return Cancelled(f"{path}: the call was cancelled")
