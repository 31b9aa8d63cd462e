"""Imports the whole command once, and forks for every one that is asked for. Ends with its stdin."""

from __future__ import annotations

import array
import contextlib
import gc
import importlib
import marshal
import os
import pkgutil
import selectors
import signal
import socket
import sys
import time
from types import FrameType

import novacron_cli
import novacron_cli.__main__

ORDER = 1 << 20


def load() -> None:
    """Import what a command may need; nothing of it may start a thread, or a fork would lack it."""
    for module in pkgutil.iter_modules(novacron_cli.__path__):
        if module.name != "__main__":
            importlib.import_module(f"novacron_cli.{module.name}")
    for name in (
        "novacron.rpc.channel",
        "typer._adapters",
        "typer.rich_utils",
        "google.protobuf.json_format",
        "yaml",
        "rich.table",
        "importlib.metadata",
    ):
        importlib.import_module(name)
    for service in ("admin", "auth", "errors", "federation", "monitoring", "registry", "saga", "scheduler", "vm"):
        importlib.import_module(f"novacron.api.{service}.v1")
    gc.collect()
    gc.freeze()


def run(order: bytes, descriptors: list[int]) -> None:
    """Become the command. Never returns."""
    arguments, directory, environment = marshal.loads(order)
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w", buffering=1)
    sys.argv = ["novacron", *arguments]
    code = 0
    try:
        novacron_cli.__main__.main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        import traceback

        traceback.print_exc()
        code = 1
    try:
        sys.stdout.flush()
    except OSError:
        code = code or 1
    os._exit(code)


class Server:
    def __init__(self, address: str) -> None:
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listening.bind(address)
        self._listening.listen(64)
        self._selector = selectors.DefaultSelector()
        self._selector.register(0, selectors.EVENT_READ)
        self._selector.register(self._listening, selectors.EVENT_READ)
        self._commands: dict[int, socket.socket] = {}
        woken, self._wake = os.pipe()
        os.set_blocking(woken, False)
        os.set_blocking(self._wake, False)
        self._selector.register(woken, selectors.EVENT_READ)
        self._woken = woken
        signal.set_wakeup_fd(self._wake)
        signal.signal(signal.SIGCHLD, _nothing)

    def serve(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fileobj == 0:
                    return self._end()
                if key.fileobj is self._listening:
                    self._begin()
                elif key.fileobj == self._woken:
                    os.read(self._woken, 4096)
                    self._bury()
                else:
                    self._pass_on(key.data)

    def _begin(self) -> None:
        connection, _ = self._listening.accept()
        order, ancillary, _, _ = connection.recvmsg(ORDER, socket.CMSG_SPACE(3 * 4))
        if not ancillary:  # it went away before it had asked for anything
            connection.close()
            return
        descriptors = array.array("i", ancillary[0][2]).tolist()
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            self._selector.close()
            os.close(self._wake)
            os.close(self._woken)
            self._listening.close()
            connection.close()
            for other in self._commands.values():
                other.close()
            run(order, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        self._commands[pid] = connection
        self._selector.register(connection, selectors.EVENT_READ, pid)

    def _pass_on(self, pid: int) -> None:
        """A signal for the command; when whom it was started for is gone, its end."""
        connection = self._commands[pid]
        try:
            number = connection.recv(1)
        except OSError:
            number = b""
        os.kill(pid, number[0] if number else signal.SIGKILL)
        if not number:
            self._selector.unregister(connection)

    def _bury(self) -> None:
        while self._commands:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            connection = self._commands.pop(pid)
            if connection.fileno() in self._selector.get_map():
                self._selector.unregister(connection)
            with contextlib.suppress(OSError):
                connection.send(os.waitstatus_to_exitcode(status).to_bytes(4, "big", signed=True))
            connection.close()

    def _end(self) -> None:
        for pid in self._commands:
            os.kill(pid, signal.SIGKILL)
        for pid in self._commands:
            os.waitpid(pid, 0)


def _nothing(_: int, __: FrameType | None) -> None:
    """SIGCHLD wakes the selector, and does nothing else."""


if __name__ == "__main__":
    load()
    serving = Server(sys.argv[1])
    os.write(1, b"ready\n")
    serving.serve()
