"""The files of a VM as they come from another host: under a temporary name until they are whole, nothing on failure.

What is here when the agent is killed is an instance without a domain, which the next open removes.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import BinaryIO, Final
from uuid import UUID

from novacron.errors import Unavailable
from novacron_agent.drivers.host_storage import HostStorage, InstanceFiles, qemu_img
from novacron_agent.drivers.transfer import FileBegins

# What an instance's files are called. The name comes from another host: it must not lead out of the directory.
_BASES: Final = ("base.qcow2", "kernel", "initrd")
_OWN: Final = re.compile(r"disk\.qcow2|seed\.iso|console\.log(\.\d)?")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class HostArrival:
    """One VM's files, one after the other. Everything here blocks: call it in a thread."""

    def __init__(self, storage: HostStorage, vm_id: UUID, image: str) -> None:
        self._storage = storage
        self._image = image
        self._directory = storage.fresh(vm_id)
        self._begun: FileBegins | None = None
        self._file: BinaryIO | None = None

    def begin(self, begins: FileBegins) -> None:
        """Open the file that comes now, or link the base file that is here already."""
        if begins.base_sha256:
            if begins.name not in _BASES or not _DIGEST.fullmatch(begins.base_sha256):
                raise Unavailable(
                    f"the other host sent a base file called {begins.name[:64]!r}: is it of this version?"
                )
        elif not _OWN.fullmatch(begins.name):
            raise Unavailable(f"the other host sent a file called {begins.name[:64]!r}: is it of this version?")
        if begins.omitted:
            self._storage.link_known(self._image, begins.base_sha256, self._directory / begins.name)
            return
        self._begun = begins
        self._file = self._part.open("wb")
        # A disk and its seed may hold secrets; libvirt hands them to QEMU's user. A base file is everybody's.
        os.fchmod(self._file.fileno(), 0o644 if begins.base_sha256 else 0o600)

    def write(self, data: bytes) -> None:
        if self._file is None:
            raise Unavailable("the other host sent bytes of no file: is it of this version?")
        self._file.write(data)

    def end(self) -> None:
        """The file was found whole: it is on the disk and has its name."""
        assert self._file is not None
        assert self._begun is not None
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._file = None
        if self._begun.base_sha256:
            link = self._directory / self._begun.name
            self._storage.keep_base(self._part, self._image, self._begun.base_sha256, link)
        else:
            self._part.replace(self._directory / self._begun.name)
        self._begun = None

    def complete(self, cmdline: str) -> InstanceFiles:
        """All of it is here; the disk rests on this host's base file. :raises Unavailable: something was not sent."""
        base, kernel, initrd = (self._there(name) for name in _BASES)
        files = InstanceFiles(self._directory, base, kernel, initrd, cmdline)
        for needed in (files.disk, files.seed):
            if not needed.exists():
                raise Unavailable(f"the other host sent no {needed.name}: is it of this version?")
        if base is not None:
            # Only the name of what it rests on changes; its contents are the same by their digest.
            qemu_img("rebase", "-u", "-F", "qcow2", "-b", str(base), str(files.disk))
        return files

    def close(self) -> None:
        """Let go of a file that broke off."""
        if self._file is not None:
            self._file.close()

    @property
    def _part(self) -> Path:
        assert self._begun is not None
        return self._directory / f"{self._begun.name}.part"

    def _there(self, name: str) -> Path | None:
        path = self._directory / name
        return path if path.exists() else None
