"""The guest's whole system: busybox, a few kernel modules and the scripts of ``rootfs/``, as one initramfs."""

from __future__ import annotations

import gzip
import lzma
import re
import stat
from pathlib import Path

from novacron_agent.guest_image.debian import GuestImageError

ROOTFS = Path(__file__).parent / "rootfs"

# Disk, network, memory statistics, entropy, the seed ISO, and the power button with the event device that tells of it.
MODULES = ("virtio_pci", "virtio_blk", "virtio_net", "virtio_balloon", "virtio_rng", "isofs", "button", "evdev")

_DEPENDS = re.compile(rb"(?:^|\0)depends=([^\0]*)\0")


def initramfs(busybox: Path, modules: Path) -> bytes:
    """A gzipped cpio archive that a kernel with the modules tree ``modules`` (``lib/modules/<release>``) boots into."""
    archive = Archive()
    for directory in ("bin", "dev", "etc", "lib", "lib/modules", "proc", "sys"):
        archive.directory(directory)
    archive.file("bin/busybox", busybox.read_bytes())
    archive.link("bin/sh", "busybox")
    archive.link("init", "bin/busybox")
    for path in sorted(ROOTFS.rglob("*")):
        name = str(path.relative_to(ROOTFS))
        if path.is_dir():
            archive.directory(name)
        else:
            archive.file(name, path.read_bytes())
    order = in_order(modules, MODULES)
    for name, content in order.items():
        archive.file(f"lib/modules/{name}.ko", content)
    archive.file("lib/modules/order", "".join(f"{name}.ko\n" for name in order).encode())
    return gzip.compress(archive.finish(), mtime=0)


def in_order(tree: Path, wanted: tuple[str, ...]) -> dict[str, bytes]:
    """The modules ``wanted`` and what they need, each after what it needs; without those built into the kernel.

    The order comes from the modules themselves: ``modules.dep`` is made on installation and is not in the package.
    """
    files = {_name(path): path for path in tree.rglob("*.ko*")}
    built_in = {_name(Path(line)) for line in (tree / "modules.builtin").read_text().splitlines()}
    found: dict[str, bytes] = {}

    def add(name: str) -> None:
        if name in found or name in built_in:
            return
        if name not in files:
            raise GuestImageError(f"the kernel in {tree} has no module {name}")
        content = files[name].read_bytes()
        if files[name].suffix == ".xz":
            content = lzma.decompress(content)
        depends = _DEPENDS.search(content)
        for needed in depends.group(1).decode().split(",") if depends and depends.group(1) else ():
            add(needed.replace("-", "_"))
        found[name] = content

    for name in wanted:
        add(name)
    return found


def _name(path: Path) -> str:
    return path.name.split(".", 1)[0].replace("-", "_")


class Archive:
    """A cpio archive in the ``newc`` form (Linux, ``buffer-format.rst``), all of it root's."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._names: set[str] = set()

    def directory(self, name: str) -> None:
        self._add(name, stat.S_IFDIR | 0o755, b"")

    def file(self, name: str, content: bytes) -> None:
        self._add(name, stat.S_IFREG | 0o755, content)

    def link(self, name: str, target: str) -> None:
        self._add(name, stat.S_IFLNK | 0o777, target.encode())

    def finish(self) -> bytes:
        self._add("TRAILER!!!", 0, b"")
        return b"".join(self._parts)

    def _add(self, name: str, mode: int, content: bytes) -> None:
        if name in self._names:
            return
        self._names.add(name)
        path = name.encode() + b"\0"
        # inode, mode, uid, gid, links, mtime, size, device (2), special device (2), length of the name, checksum
        fields = (len(self._names), mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(path), 0)
        header = b"070701" + b"".join(b"%08X" % field for field in fields) + path
        self._parts += [header, b"\0" * (-len(header) % 4), content, b"\0" * (-len(content) % 4)]
