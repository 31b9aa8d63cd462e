"""What the libvirt driver keeps on the host's disk: one directory per VM, and the base images that VMs rest on.

::

    base/NAME-<version>.qcow2    a copy of an image as it was: the operator may replace the original under running VMs
    base/NAME-sha256-<digest>.*  what a VM from another host rests on, where this host's own image is another one
    instances/<vm id>/           disk.qcow2 (overlay), base.*, kernel, initrd (links into base/), seed.iso, console.log

An instance is complete in itself. A base file that no instance links to, and that is no longer what the image store
holds, is removed when the agent starts.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from novacron.errors import InvalidArgument, NotFound, Unavailable
from novacron_agent.drivers.driver import DomainSpec
from novacron_agent.drivers.host_bases import BaseDigests, brought, brought_digest
from novacron_agent.drivers.seed_iso import seed_iso
from novacron_agent.images import Image, ImageStore

_GIB = 2**30
# The QEMU process is another user (libvirt-qemu): it may pass through, and not look around.
_PASS_THROUGH = 0o711


@dataclass(frozen=True, slots=True)
class InstanceFiles:
    """The paths of one VM; ``base`` and ``kernel``, ``initrd`` where its image has them."""

    directory: Path
    base: Path | None
    kernel: Path | None
    initrd: Path | None
    cmdline: str

    @property
    def disk(self) -> Path:
        return self.directory / "disk.qcow2"

    @property
    def seed(self) -> Path:
        return self.directory / "seed.iso"

    @property
    def console(self) -> Path:
        return self.directory / "console.log"


def reachable(directory: Path) -> Path:
    """``directory``, or where it cannot be: QEMU as another user must be able to pass through every directory above.

    A checkout in root's home is such a place. What stands in for it lies below ``/var/lib/novacron``, and a link
    ``elsewhere`` in ``directory`` leads there. Once there are VMs the answer stays, whatever becomes of the permissions:
    an agent that looked in another place would take its VMs for gone.
    """
    directory = directory.resolve()
    link = directory / "elsewhere"
    if link.is_symlink():
        return link.readlink()
    if (directory / "instances").exists() or all(
        above.stat().st_mode & 0o001 for above in directory.parents if above.exists()
    ):
        return directory
    digest = hashlib.sha256(str(directory).encode()).hexdigest()[:12]
    stand_in = Path("/var/lib/novacron") / f"agent-{digest}"
    directory.mkdir(parents=True, exist_ok=True)
    link.symlink_to(stand_in)
    return stand_in


def holds_vms(directory: Path) -> bool:
    """Whether an agent with this directory has, or at its last end had, VMs on this host's libvirt."""
    link = directory / "elsewhere"
    return bool(_vms(link.readlink() if link.is_symlink() else directory))


def _vms(root: Path) -> set[UUID]:
    names = [path.name for path in (root / "instances").glob("*-*-*-*-*")]
    vms = set()
    for name in names:
        with suppress(ValueError):  # somebody else's; it stays as it is
            vms.add(UUID(name))
    return vms


class HostStorage:
    """The files of one agent, below ``root``. Everything here blocks: call it in a thread.

    ``other_user``: QEMU runs as another user than the agent, and ``root`` is what :func:`reachable` says.
    """

    def __init__(self, directory: Path, store: ImageStore, *, other_user: bool = False) -> None:
        self.root = directory.resolve()
        self._other_user = other_user
        self._store = store
        self._digests = BaseDigests()
        self._staging = threading.Lock()
        self._lock = -1

    def open(self) -> None:
        """Take the directory. ``Unavailable``: another agent has it, or it cannot be written."""
        try:
            if self._other_user:
                self.root = reachable(self.root)
            for directory in (self.root, self.root / "base", self.root / "instances"):
                directory.mkdir(mode=_PASS_THROUGH, parents=True, exist_ok=True)
                directory.chmod(directory.stat().st_mode | _PASS_THROUGH)
            if self._lock < 0:
                self._lock = os.open(self.root / "agent.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise Unavailable(f"another agent keeps its VMs in {self.root}") from None
        except OSError as error:
            self.close()
            raise Unavailable(f"cannot keep VMs in {self.root}: {error.strerror}") from error
        self._prune()

    def close(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def total_gib(self) -> int:
        return shutil.disk_usage(self.root).total // _GIB

    def instances(self) -> set[UUID]:
        """Every VM that has a directory here, whatever is in it."""
        return _vms(self.root)

    def make(self, spec: DomainSpec) -> InstanceFiles:
        """Disk and seed of a new VM. ``NotFound``: no such image; ``InvalidArgument``: its disk is larger than asked.

        What a failed attempt left is replaced; what this one leaves when it fails, :meth:`remove` takes away.
        """
        image = self._store.find(spec.base_image)
        if image.disk is not None and (minimum := _disk_gib(image.disk)) > spec.disk_gib:
            raise InvalidArgument.at("spec.disk_gib", f'base image "{image.name}" needs at least {minimum} GiB')
        directory = self.fresh(spec.vm_id)
        files = InstanceFiles(
            directory=directory,
            base=self._linked(image.disk, directory / "base.qcow2"),
            kernel=self._linked(image.kernel, directory / "kernel"),
            initrd=self._linked(image.initrd, directory / "initrd"),
            cmdline=image.cmdline,
        )
        backing = ["-b", str(files.base), "-F", "qcow2"] if files.base else []
        qemu_img("create", "-q", "-f", "qcow2", *backing, str(files.disk), f"{spec.disk_gib}G")
        files.disk.chmod(0o600)
        files.seed.touch(mode=0o600)  # user-data may carry secrets; libvirt hands the file to QEMU's user
        files.seed.write_bytes(seed_iso(spec))
        return files

    def fresh(self, vm_id: UUID) -> Path:
        """A new directory for a VM, in place of whatever there was of it."""
        self.remove(vm_id)
        directory = self._directory(vm_id)
        directory.mkdir()
        directory.chmod(_PASS_THROUGH)
        return directory

    def files(self, vm_id: UUID) -> list[tuple[Path, str]]:
        """``(file, digest)`` of all that a VM is made of, base files first; the VM's own have no digest. ``NotFound``."""
        directory = self._directory(vm_id)
        if not directory.exists():
            raise NotFound.named("VM", vm_id)
        bases = [path for path in (directory / name for name in ("base.qcow2", "kernel", "initrd")) if path.exists()]
        own = [directory / "disk.qcow2", directory / "seed.iso", *sorted(directory.glob("console.log*"))]
        return [(path, self._digests.of(path)) for path in bases] + [(path, "") for path in own if path.exists()]

    def known_bases(self, image: str) -> dict[str, Path]:
        """Base files that VMs of an image may rest on, by digest: this host's own image, and what came with VMs before."""
        found = {digest: path for path in (self.root / "base").iterdir() if (digest := brought_digest(path))}
        return found | {self._digests.of(path): path for path in self._originals(image)}

    def link_known(self, image: str, sha256: str, link: Path) -> None:
        """``Unavailable``: it was here when it was asked for, and is not any more."""
        path = self.known_bases(image).get(sha256)
        if path is None:
            raise Unavailable(f"a base file of the image {image} is no longer on this host: the next copy brings it")
        if path.parent == self.root / "base":
            os.link(path, link)
        else:
            self._linked(path, link)

    def keep_base(self, part: Path, image: str, sha256: str, link: Path) -> None:
        """Put a base file that came whole where VMs rest on it, under its digest, and link it into one of them."""
        with self._staging:
            base = self.root / "base" / brought(image, sha256, link.name)
            part.replace(base)
            os.link(base, link)

    def remove(self, vm_id: UUID) -> bool:
        """Everything of this VM, gone. False when there was nothing."""
        directory = self._directory(vm_id)
        if not directory.exists():
            return False
        shutil.rmtree(directory)
        return True

    def console(self, vm_id: UUID, offset: int, limit: int) -> bytes:
        """A piece of the console log, across the files that virtlogd rolls it over (2 MiB each, the last four kept)."""
        log = self._directory(vm_id) / "console.log"
        pieces = b""
        for part in (*(log.with_name(f"{log.name}.{age}") for age in range(9, -1, -1)), log):
            try:
                with part.open("rb") as file:
                    size = os.fstat(file.fileno()).st_size
                    if offset < size:
                        pieces += os.pread(file.fileno(), limit - len(pieces), offset)
                    offset = max(0, offset - size)
            except FileNotFoundError:
                continue
            if len(pieces) == limit:
                break
        return pieces

    def console_size(self, vm_id: UUID) -> int:
        return sum(part.stat().st_size for part in self._directory(vm_id).glob("console.log*"))

    def _directory(self, vm_id: UUID) -> Path:
        return self.root / "instances" / str(vm_id)

    def _originals(self, image: str) -> list[Path]:
        try:
            found: Image = self._store.find(image)
        except NotFound:
            return []
        return [path for path in (found.disk, found.kernel, found.initrd) if path is not None]

    def _linked(self, original: Path | None, link: Path) -> Path | None:
        if original is None:
            return None
        with self._staging:
            base = self.root / "base" / _versioned(original)
            if not base.exists():
                beside = base.with_name(base.name + ".new")
                # Shares the blocks where the file system can (Btrfs, XFS), and keeps holes in any case.
                _run("cp", "--reflink=auto", "--sparse=always", str(original), str(beside))
                beside.chmod(0o644)
                beside.replace(base)
            os.link(base, link)
        return link

    def _prune(self) -> None:
        current = {_versioned(path) for path in self._store.directory.glob("*") if path.is_file()}
        for base in (self.root / "base").iterdir():
            if base.stat().st_nlink == 1 and base.name not in current:
                base.unlink()


def qemu_img(*arguments: str) -> str:
    return _run("qemu-img", *arguments)


def _disk_gib(disk: Path) -> int:
    """The size that an overlay on it must have at least. ``InvalidArgument``: it is no base image."""
    told = json.loads(qemu_img("info", "--force-share", "--output=json", str(disk)))
    if told["format"] != "qcow2" or "backing-filename" in told:
        raise InvalidArgument(
            f"{disk} cannot be a base image: it must be a qcow2 file with no backing file (see qemu-img convert -O qcow2)"
        )
    return -(-int(told["virtual-size"]) // _GIB)


def _versioned(original: Path) -> str:
    status = original.stat()
    return f"{original.stem}-{status.st_mtime_ns:x}-{status.st_size:x}{original.suffix}"


def _run(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise Unavailable(f"{command[0]} is not installed on this host") from None
    if done.returncode != 0:
        raise Unavailable(f"{command[0]} failed on this host: {done.stderr.strip()}")
    return done.stdout
