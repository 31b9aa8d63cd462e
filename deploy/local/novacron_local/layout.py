"""Where everything of one local stack is: the files below its data directory and the ports above its base."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

DEFAULT_DIRECTORY = ".novacron"
DEFAULT_PORT_BASE = 7400
SERVICES = ("auth", "vm", "scheduler", "federation", "monitoring", "registry")  # their order fixes their ports
DATABASES = {
    "auth": "novacron_auth",
    "vm": "novacron_vms",
    "scheduler": "novacron_scheduler",
    "federation": "novacron_federation",
    "monitoring": "novacron_monitoring",
    "registry": "novacron_registry",
}
# Names by which a data directory is known.
_OURS = ("lock", "stack.json", "certificates", "keys", "images")


class LocalStackError(Exception):
    """The local stack cannot do what it was asked; the message says what to do about it."""


def data_directory(given: Path | None = None) -> DataDirectory:
    """The directory asked for, else ``$NOVACRON_HOME``, else the nearest stack's ``.novacron`` from here upwards.

    Where there is none yet, ``.novacron`` below the current directory. The client looks in the same places.
    """
    if chosen := given or os.environ.get("NOVACRON_HOME"):
        return DataDirectory(Path(chosen).expanduser().absolute())
    here = Path.cwd()
    found = (above / DEFAULT_DIRECTORY for above in (here, *here.parents))
    return DataDirectory(next((path for path in found if (path / "lock").is_file()), here / DEFAULT_DIRECTORY))


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """The files of one stack. Two stacks on one machine have two of these, and share nothing."""

    path: Path

    @property
    def lock(self) -> Path:
        return self.path / "lock"

    @property
    def state(self) -> Path:
        return self.path / "stack.json"

    @property
    def client(self) -> Path:
        """What a client needs to reach this stack: the profile that the ``novacron`` command reads."""
        return self.path / "client.json"

    @property
    def certificates(self) -> Path:
        return self.path / "certificates"

    @property
    def keys(self) -> Path:
        return self.path / "keys"

    @property
    def admin_password(self) -> Path:
        return self.path / "admin-password"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def images(self) -> Path:
        return self.path / "images"

    @property
    def postgres(self) -> Path:
        return self.path / "postgres"

    @property
    def valkey(self) -> Path:
        return self.path / "valkey"

    def log(self, process: str) -> Path:
        return self.logs / f"{process}.log"

    def agent(self, number: int) -> Path:
        """The state of the ``number``-th agent, counted from 1."""
        return self.path / ("agent" if number == 1 else f"agent-{number}")

    @property
    def is_ours(self) -> bool:
        """Whether it is known for a data directory by what is in it."""
        return self.path.is_dir() and any((self.path / name).exists() for name in _OURS)

    def make(self) -> None:
        """Make the directories; what is secret in them is for their owner alone.

        :raises LocalStackError: when they belong to somebody else, hold other things, or cannot be made.
        """
        try:
            if self.path.exists() and self.path.stat().st_uid != os.geteuid():
                raise LocalStackError(f"{self.path} belongs to another user: choose another with --data-dir")
            if self.path.exists() and any(self.path.iterdir()) and not self.is_ours:  # `reset` deletes it all
                raise LocalStackError(f"{self.path} holds other things: choose an empty directory with --data-dir")
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            for secret in (self.certificates, self.keys, self.logs):
                secret.mkdir(mode=0o700, exist_ok=True)
            self.images.mkdir(mode=0o755, exist_ok=True)
            if os.geteuid() == 0:  # the accounts of PostgreSQL and of guests pass through it, and can list nothing
                self.path.chmod(0o711)
        except OSError as error:
            raise LocalStackError(f"cannot use the data directory: {error}; choose another with --data-dir") from error


@dataclass(frozen=True, slots=True)
class Ports:
    """Every port of one stack, counted from ``base``."""

    base: int

    def public(self, service: str) -> int:
        """Where ``service`` listens for users."""
        return self.base + 1 + SERVICES.index(service)

    def mesh(self, service: str) -> int:
        """Where ``service`` listens for other services."""
        return self.base + 61 + SERVICES.index(service)

    def agent(self, number: int) -> int:
        """Where the ``number``-th agent, counted from 1, listens for services."""
        return self.base + 67 if number == 1 else self.base + 98 + number

    def metrics(self, service: str) -> int:
        """Where ``service`` tells its numbers; its further processes, where it has any, each ten ports on."""
        return self.base + 33 + SERVICES.index(service)

    def agent_metrics(self, number: int) -> int:
        """Where the ``number``-th agent, counted from 1, tells its numbers."""
        return self.base + 68 if number == 1 else self.base + 498 + number

    @property
    def postgres(self) -> int:
        return self.base + 32

    @property
    def valkey(self) -> int:
        return self.base + 79
