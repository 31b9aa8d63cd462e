"""Which NovaCron the command talks to: its endpoints, the CA it trusts, and the home where the token is kept.

A profile is the file ``client.json`` in a home: ``$NOVACRON_HOME``, else the nearest ``.novacron`` above the current
directory that has one, else ``~/.novacron``. The local stack writes its own; for an installation elsewhere ``novacron login``
writes what ``--endpoint`` and ``--ca-file`` said.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from novacron_cli.failure import ExitCode, Refusal

SERVICES = ("auth", "vm", "scheduler", "federation", "monitoring", "registry")
DIRECTORY = ".novacron"
FILE = "client.json"


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user chose on the command line, before the command's name."""

    home: Path | None = None
    endpoints: Mapping[str, str] = field(default_factory=dict)
    ca_file: Path | None = None
    wait_seconds: float = 8.0


@dataclass(frozen=True, slots=True)
class Profile:
    """One installation of NovaCron as a client sees it. Without a CA file the system's authorities are trusted."""

    home: Path
    endpoints: Mapping[str, str]
    ca_file: Path | None = None
    admin_user: str = ""
    admin_password_file: Path | None = None
    wait_seconds: float = 0.0  # for a service that is away

    @property
    def token_file(self) -> Path:
        return self.home / "token.json"

    @property
    def is_local(self) -> bool:
        """Whether this is a stack on this machine, whose admin's password is at hand."""
        return bool(self.admin_user) and self.admin_password_file is not None

    def endpoint(self, service: str) -> str:
        """``host:port`` of a service. :raises Refusal: none is known."""
        try:
            return self.endpoints[service]
        except KeyError:
            raise Refusal(
                f"no endpoint of the {service} service is known",
                ExitCode.USAGE,
                f"start NovaCron on this machine with `novacron up`, or name one: --endpoint {service}=HOST:PORT",
            ) from None

    def save(self) -> Path:
        """Keep endpoints and CA for the commands to come; the CA file is named by its absolute path."""
        kept: dict[str, Any] = {"endpoints": dict(self.endpoints)}
        if self.ca_file is not None:
            kept["ca_file"] = str(self.ca_file.absolute())
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.home / FILE
        path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        return path


def find_home(given: Path | None = None) -> Path:
    """The home that was asked for, else the nearest with a profile above here, else the user's."""
    if chosen := given or os.environ.get("NOVACRON_HOME"):
        return Path(chosen).expanduser().absolute()
    here = Path.cwd()
    for directory in (here, *here.parents):
        if (directory / DIRECTORY / FILE).is_file():
            return directory / DIRECTORY
    return Path.home() / DIRECTORY


def load(chosen: Choices) -> Profile:
    """The profile of the home, with what the command line says put over it.

    :raises Refusal: the file is damaged.
    """
    home = find_home(chosen.home)
    stored = _read(home / FILE)
    endpoints = {**stored.get("endpoints", {}), **chosen.endpoints}
    ca_file = chosen.ca_file or (Path(stored["ca_file"]) if stored.get("ca_file") else None)
    if "auth" in chosen.endpoints:  # the admin's password is this stack's: no other auth service may see it
        return Profile(home, endpoints, ca_file, wait_seconds=chosen.wait_seconds)
    password_file = stored.get("admin_password_file")
    return Profile(
        home,
        endpoints,
        ca_file,
        stored.get("admin_user", ""),
        Path(password_file) if password_file else None,
        chosen.wait_seconds,
    )


def parse_endpoints(given: Iterable[str]) -> dict[str, str]:
    """``SERVICE=HOST:PORT`` each, or one ``HOST:PORT`` for all services behind one address.

    :raises ValueError: with what was wrong, for the user to read.
    """
    endpoints: dict[str, str] = {}
    for one in given:
        service, equals, address = one.rpartition("=")
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal():
            raise ValueError(f"{one!r} is not SERVICE=HOST:PORT")
        if equals and service not in SERVICES:
            raise ValueError(f"there is no service {service!r}; there are {', '.join(SERVICES)}")
        endpoints.update({service: address} if equals else dict.fromkeys(SERVICES, address))
    return endpoints


def _read(path: Path) -> dict[str, Any]:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise Refusal(
            f"cannot read {path}: {error.strerror}", hint="run as the user who started NovaCron, or set NOVACRON_HOME"
        ) from None
    except ValueError:
        stored = None
    if not isinstance(stored, dict) or not isinstance(stored.get("endpoints", {}), dict):
        raise Refusal(f"{path} is damaged", hint="delete it, then `novacron up` or `novacron login` writes it anew")
    return stored
