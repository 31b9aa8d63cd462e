"""A disk that a PC's firmware boots: one active FAT partition with syslinux, a kernel and an initramfs."""

from __future__ import annotations

import os
import struct
from pathlib import Path

from novacron_agent.guest_image.debian import run

_MIB = 2**20
_SECTOR = 512
_PARTITION_START = _MIB
_FAT16_LBA = 0x0E
_ACTIVE = 0x80


def make_boot_disk(disk: Path, *, kernel: Path, initrd: Path, cmdline: str, tools: Path) -> None:
    """Write the raw image ``disk``. ``tools``: where syslinux and mtools are unpacked; nothing is mounted."""
    content = kernel.stat().st_size + initrd.stat().st_size
    partition = (content // _MIB + 4) * _MIB  # and room for syslinux and the file system itself
    config = disk.with_name("syslinux.cfg")
    config.write_text(
        "SERIAL 0 115200\nDEFAULT novacron\nPROMPT 0\nLABEL novacron\n"
        f"  KERNEL vmlinuz\n  INITRD initrd\n  APPEND {cmdline}\n"
    )
    with disk.open("wb") as image:
        image.write(_boot_record(tools, partition))
        image.truncate(_PARTITION_START + partition)
    path = f"{tools / 'usr/bin'}:{os.environ.get('PATH', '/usr/bin:/bin')}"
    volume = f"{disk}@@{_PARTITION_START}"
    sectors, hidden = str(partition // _SECTOR), str(_PARTITION_START // _SECTOR)
    run(
        ["mformat", "-i", volume, "-T", sectors, "-H", hidden, "-h", "16", "-s", "63", "-v", "NOVACRON", "::"],
        path=path,
    )
    run(["syslinux", "--install", "--offset", str(_PARTITION_START), disk], path=path)
    for source, name in ((kernel, "vmlinuz"), (initrd, "initrd"), (config, "syslinux.cfg")):
        run(["mcopy", "-i", volume, source, f"::{name}"], path=path)


def _boot_record(tools: Path, partition: int) -> bytes:
    code = next(tools.rglob("SYSLINUX/mbr.bin"), None) or next(tools.rglob("mbr/mbr.bin"))
    # The firmware reads by block address: the cylinder fields hold what says "do not use these".
    no_chs = b"\xfe\xff\xff"
    entry = struct.pack(
        "<B3sB3sII", _ACTIVE, no_chs, _FAT16_LBA, no_chs, _PARTITION_START // _SECTOR, partition // _SECTOR
    )
    return code.read_bytes()[:440].ljust(446, b"\0") + entry.ljust(64, b"\0") + b"\x55\xaa"
