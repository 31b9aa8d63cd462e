"""Debian packages, fetched and unpacked without root and without installing anything."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path


class GuestImageError(Exception):
    """The image cannot be built here; the message says what is missing and how to get it."""


def run(command: Sequence[str | os.PathLike[str]], *, cwd: Path | None = None, path: str | None = None) -> str:
    """Its standard output. :class:`GuestImageError` with what it said when it fails or is not installed."""
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    if path is not None:
        environment["PATH"] = path
    try:
        done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise GuestImageError(
            f"{command[0]} is not installed (see python -m novacron_agent.hypervisor_setup)"
        ) from None
    if done.returncode != 0:
        raise GuestImageError(f"{' '.join(map(str, command))} failed:\n{(done.stderr or done.stdout).strip()}")
    return done.stdout


class Packages:
    """Debian packages below one scratch directory, named and versioned as the host's apt sources have them."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._options: list[str] = []
        self.versions: dict[str, str] = {}

    def unpack(self, *names: str) -> Path:
        """Download the packages and return the directory where their files lie as if installed."""
        downloads, root = self._scratch / "debs", self._scratch / "root"
        downloads.mkdir(exist_ok=True)
        self._download(names, downloads)
        for name in names:
            archive = next(downloads.glob(f"{name}_*.deb"))
            self.versions[name] = run(["dpkg-deb", "--field", archive, "Version"]).strip()
            run(["dpkg-deb", "--extract", archive, root])
        return root

    def dependency(self, name: str, pattern: str) -> str:
        """The name of the package that ``name``, already unpacked, depends on and that matches ``pattern``."""
        archive = next((self._scratch / "debs").glob(f"{name}_*.deb"))
        depends = run(["dpkg-deb", "--field", archive, "Depends"])
        found = re.search(pattern, depends)
        if found is None:
            raise GuestImageError(f"{name} depends on {depends.strip()}: nothing there looks like {pattern}")
        return found.group()

    def _download(self, names: Sequence[str], downloads: Path) -> None:
        command = ["apt-get", *self._options, "--quiet", "download", *names]
        try:
            run(command, cwd=downloads)
        except GuestImageError:
            if self._options:
                raise
            # The host's package lists are missing or stale, and only root may renew them. Ours lie in the scratch.
            self._options = self._own_lists()
            run(["apt-get", *self._options, "--quiet", "update"])
            self._download(names, downloads)

    def _own_lists(self) -> list[str]:
        lists, cache = self._scratch / "lists", self._scratch / "cache"
        for directory in (lists / "partial", cache / "archives" / "partial"):
            directory.mkdir(parents=True, exist_ok=True)
        return ["-o", f"Dir::State::Lists={lists}", "-o", f"Dir::Cache={cache}", "-o", "APT::Sandbox::User=root"]
