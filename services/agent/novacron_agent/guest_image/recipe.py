"""From package names to two base images in an image store, once."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from novacron_agent.guest_image.boot_disk import make_boot_disk
from novacron_agent.guest_image.debian import GuestImageError, Packages, run
from novacron_agent.guest_image.initramfs import initramfs

__all__ = ["DIRECT_BOOT", "DISK_BOOT", "GuestImageError", "build"]

DISK_BOOT = "novacron-guest"
DIRECT_BOOT = "novacron-guest-direct"

KERNEL = "linux-image-cloud-amd64"
SYSTEM = ("busybox-static", "syslinux", "syslinux-common", "mtools")
CMDLINE = "console=ttyS0 quiet"

_PRODUCTS = (f"{DISK_BOOT}.qcow2", f"{DIRECT_BOOT}.kernel", f"{DIRECT_BOOT}.initrd", f"{DIRECT_BOOT}.cmdline")
_MANIFEST = f"{DISK_BOOT}.json"


def build(output: Path, *, force: bool = False) -> bool:
    """Have both images in ``output``; True when they were built now.

    They are built anew when this recipe or its scripts have changed. A newer kernel in Debian alone is no reason
    (``force`` is): a second build needs no network. Each file appears whole, and builders of one store wait for each other.
    """
    if platform.machine() != "x86_64":
        raise GuestImageError(f"the guest image is for x86_64 hosts and this one is {platform.machine()}")
    output.mkdir(parents=True, exist_ok=True)
    with _alone(output), tempfile.TemporaryDirectory(dir=output, prefix=".build-") as scratch:
        key = _key()
        if not force and _is_built(output, key):
            return False
        versions = _build(Path(scratch))
        for product in _PRODUCTS:
            (Path(scratch) / product).chmod(0o644)
            (Path(scratch) / product).replace(output / product)
        manifest = Path(scratch) / _MANIFEST
        manifest.write_text(json.dumps({"key": key, "packages": versions}, indent=2) + "\n")
        manifest.replace(output / _MANIFEST)  # last: it vouches for the others
    return True


def _build(scratch: Path) -> dict[str, str]:
    packages = Packages(scratch)
    packages.unpack(KERNEL, *SYSTEM)
    root = packages.unpack(packages.dependency(KERNEL, r"linux-image-[^ ,]+"))
    release = next((root / "boot").glob("vmlinuz-*")).name.removeprefix("vmlinuz-")
    modules = next(path for path in root.glob(f"**/lib/modules/{release}") if path.is_dir())
    kernel, initrd = scratch / f"{DIRECT_BOOT}.kernel", scratch / f"{DIRECT_BOOT}.initrd"
    (root / "boot" / f"vmlinuz-{release}").rename(kernel)
    initrd.write_bytes(initramfs(next(root.rglob("bin/busybox")), modules))
    (scratch / f"{DIRECT_BOOT}.cmdline").write_text(CMDLINE + "\n")
    disk = scratch / "disk.raw"
    make_boot_disk(disk, kernel=kernel, initrd=initrd, cmdline=CMDLINE, tools=root)
    # Not compressed: the kernel in it is, and a compressed cluster would be unpacked again by every guest's boot.
    run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", disk, scratch / f"{DISK_BOOT}.qcow2"])
    return packages.versions


def _key() -> str:
    """Changes with anything here that the images follow from."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _is_built(output: Path, key: str) -> bool:
    try:
        manifest = json.loads((output / _MANIFEST).read_text())
    except (OSError, ValueError):
        return False
    return manifest.get("key") == key and all((output / product).exists() for product in _PRODUCTS)


@contextmanager
def _alone(output: Path) -> Iterator[None]:
    lock = os.open(output / f".{DISK_BOOT}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
