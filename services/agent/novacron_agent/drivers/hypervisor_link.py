"""The connection to libvirtd: blocking calls in threads, typed errors, and a new connection when the old one dies."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, TypeVar

import libvirt

from novacron.errors import FailedPrecondition, InvalidArgument, NotFound, NovacronError, Unavailable

T = TypeVar("T")

log = logging.getLogger(__name__)

Connection = Any  # libvirt.virConnect: the binding has no types

_THREADS: Final = 8
_MISSED_KEEPALIVES: Final = 3
_LONGEST_MESSAGE: Final = 500

_MEANING: Final[dict[int, type[NovacronError]]] = {
    libvirt.VIR_ERR_NO_DOMAIN: NotFound,
    libvirt.VIR_ERR_OPERATION_INVALID: FailedPrecondition,
    libvirt.VIR_ERR_XML_ERROR: InvalidArgument,
    libvirt.VIR_ERR_XML_DETAIL: InvalidArgument,
    libvirt.VIR_ERR_CONFIG_UNSUPPORTED: InvalidArgument,
    libvirt.VIR_ERR_INVALID_ARG: InvalidArgument,
}

_event_loop = threading.Lock()
_event_loop_runs = False


class _Seat(threading.local):
    """What a thread of the link has of its own."""

    connection: Connection | None = None
    arriving: Future[Connection] | None = None


class HypervisorLink:
    """A bounded number of threads, each with its own connection to libvirt.

    A libvirtd that is gone or hangs is found out after three keepalives: what waits for it then fails with
    ``Unavailable``, and its thread is free again. (On a shared connection libvirt 9.0 frees only one of the threads that
    wait; and who closes one that others use makes them use freed memory.)
    """

    def __init__(self, uri: str, *, keepalive_seconds: int = 5) -> None:
        self._uri = uri
        self._keepalive_seconds = keepalive_seconds
        self._patience = keepalive_seconds * _MISSED_KEEPALIVES
        self._threads: ThreadPoolExecutor | None = None
        self._seat = _Seat()

    async def open(self) -> None:
        """Connect. ``Unavailable``: nothing answers at the URI, or not to this user."""
        _run_event_loop()
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="libvirt")
        try:
            await self.call(lambda connection: None)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Wait for what is under way, and disconnect."""
        if self._threads is not None:
            threads, self._threads = self._threads, None
            await asyncio.to_thread(threads.shutdown)

    async def call(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in a thread. It may run twice, when the connection dies under it, and so must be repeatable."""
        if self._threads is None:
            raise Unavailable("the hypervisor driver is not open")
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._attempt, work)

    def _attempt(self, work: Callable[[Connection], T]) -> T:
        for last in (False, True):
            connection = self._connected()
            try:
                return work(connection)
            except libvirt.libvirtError as error:
                if _alive(connection):
                    raise typed(error) from error
                self._seat.connection = None
                if last:
                    raise Unavailable(f"the connection to libvirt at {self._uri} broke: {error}") from error
                log.warning("the connection to libvirt at %s broke; connecting anew", self._uri)
        raise AssertionError("the second attempt returns or raises")

    def _connected(self) -> Connection:
        seat = self._seat
        if seat.connection is not None and _alive(seat.connection):
            return seat.connection
        if seat.arriving is None:
            seat.arriving = Future()
            # Not in this thread: keepalives begin only with the connection, so a libvirtd that accepts and says nothing
            # would keep the thread, and with it this process, for good.
            threading.Thread(target=self._connect, args=(seat.arriving,), daemon=True).start()
        try:
            seat.connection = seat.arriving.result(timeout=self._patience)
        except TimeoutError:
            raise Unavailable(f"libvirt at {self._uri} does not answer") from None
        except libvirt.libvirtError as error:
            seat.arriving = None
            raise Unavailable(f"cannot connect to libvirt at {self._uri}: {error}") from error
        seat.arriving = None
        return seat.connection

    def _connect(self, arriving: Future[Connection]) -> None:
        try:
            connection = libvirt.open(self._uri)
            connection.setKeepAlive(self._keepalive_seconds, _MISSED_KEEPALIVES)
        except libvirt.libvirtError as error:
            arriving.set_exception(error)
        else:
            arriving.set_result(connection)


def _alive(connection: Connection) -> bool:
    try:
        return bool(connection.isAlive())
    except libvirt.libvirtError:
        return False


def typed(error: libvirt.libvirtError) -> NovacronError:
    """What libvirt's error means in NovaCron. What it does not tell apart is ``Unavailable``: it may work later."""
    kind = _MEANING.get(error.get_error_code(), Unavailable)
    return kind(f"the hypervisor refused: {_brief(error.get_error_message() or str(error))}")


def _brief(message: str) -> str:
    """libvirt's message without the command line of QEMU: 4 KiB of the host's inside, and more than a status may carry."""
    message = re.sub(r"Child process \(.*\) ", "a child process: ", message, flags=re.DOTALL)
    return message if len(message) <= _LONGEST_MESSAGE else f"{message[:_LONGEST_MESSAGE]}..."


def _run_event_loop() -> None:
    """Keepalives are sent and timed by libvirt's event loop, one per process, which lives as long as the process."""
    global _event_loop_runs
    with _event_loop:
        if _event_loop_runs:
            return
        # Errors come as exceptions; without a handler libvirt also prints each on standard error.
        libvirt.registerErrorHandler(lambda *_: None, None)
        libvirt.virEventRegisterDefaultImpl()

        def run() -> None:
            while True:
                libvirt.virEventRunDefaultImpl()

        threading.Thread(target=run, name="libvirt events", daemon=True).start()
        _event_loop_runs = True
