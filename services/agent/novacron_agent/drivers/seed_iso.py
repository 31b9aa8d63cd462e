"""The cloud-init seed: an ISO 9660 volume named ``cidata`` (the NoCloud data source), written without any tool.

A FAT volume would serve cloud-init as well, but needs mtools on every hypervisor host; and the name "seed ISO" is what
people look for. The volume carries each name twice: in ISO 9660's own capitals, and as it is (Joliet), which is what
Linux, the BSDs and Windows read.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from datetime import UTC, datetime

from novacron_agent.drivers.driver import DomainSpec
from novacron_agent.drivers.naming import hostname

_SECTOR = 2048
_SYSTEM_AREA = 16  # sectors that the standard leaves to others
_FIRST_TABLE = _SYSTEM_AREA + 3  # after the primary, the Joliet and the closing descriptor


def seed_iso(spec: DomainSpec) -> bytes:
    """The seed of one VM. Its instance id is the VM's id, so cloud-init does its first-boot work once per VM."""
    # JSON is YAML, and its strings cannot be misread as anything else.
    meta = {
        "instance-id": str(spec.vm_id),
        "local-hostname": hostname(spec.name),
        "public-keys": list(spec.ssh_authorized_keys),
    }
    meta_data = "".join(f"{key}: {json.dumps(value)}\n" for key, value in meta.items())
    user_data = spec.user_data or "#cloud-config\n{}\n"
    return iso9660("cidata", {"meta-data": meta_data.encode(), "user-data": user_data.encode()})


def iso9660(label: str, files: Mapping[str, bytes], *, made: datetime | None = None) -> bytes:
    """A volume with ``files`` in its root directory (ECMA-119, with Joliet's second directory); few and small files.

    Layout, in sectors: 16 empty, three descriptors, two path tables per directory tree, two directories, the contents.
    """
    made = made or datetime.now(UTC)
    tables = [_FIRST_TABLE + place for place in range(4)]
    roots = [_FIRST_TABLE + 4, _FIRST_TABLE + 5]
    extents: dict[str, int] = {}
    contents = b""
    for name, content in sorted(files.items()):
        extents[name] = roots[1] + 1 + len(contents) // _SECTOR
        contents += _padded(content)
    total = roots[1] + 1 + len(contents) // _SECTOR

    plain = {_plain_name(name): name for name in sorted(files)}
    joliet = {name.encode("utf-16-be"): name for name in sorted(files)}
    sectors = [
        _descriptor(1, label.encode(), b"", total, tables[:2], roots[0], made),
        _descriptor(2, label.encode("utf-16-be"), b"%/E", total, tables[2:], roots[1], made),
        b"\xffCD001\x01",
        *(_path_table(root, order) for root in roots for order in "<>"),
        *(
            _directory(root, [(shown, extents[name], len(files[name])) for shown, name in names.items()], made)
            for root, names in zip(roots, (plain, joliet), strict=True)
        ),
    ]
    return bytes(_SYSTEM_AREA * _SECTOR) + b"".join(_padded(sector) for sector in sectors) + contents


def _descriptor(
    kind: int, label: bytes, escapes: bytes, total: int, tables: list[int], root: int, made: datetime
) -> bytes:
    blank = " ".encode("utf-16-be") if kind == 2 else b" "
    never = b"0" * 16 + b"\0"
    stamp = made.strftime("%Y%m%d%H%M%S00").encode() + b"\0"

    def text(size: int, value: bytes = b"") -> bytes:
        return (value + blank * size)[:size] if size % len(blank) == 0 else (value + blank * size)[: size - 1] + b"\0"

    return b"".join(
        (
            struct.pack("<B5sBB", kind, b"CD001", 1, 0),
            text(32),  # system
            text(32, label),
            bytes(8),
            _both32(total),
            escapes.ljust(32, b"\0"),
            _both16(1) + _both16(1) + _both16(_SECTOR),  # of one volume the first; size of a block
            _both32(10),  # size of a path table
            struct.pack("<II", tables[0], 0) + struct.pack(">II", tables[1], 0),
            _record(b"\0", root, _SECTOR, made, directory=True),
            text(128) * 4,  # volume set, publisher, preparer, application
            text(37) * 3,  # copyright, abstract and bibliography files
            stamp + stamp + never + stamp,  # made, changed, expires, in force from
            b"\x01",
        )
    )


def _path_table(root: int, order: str) -> bytes:
    return struct.pack(order + "BBIHxx", 1, 0, root, 1)


def _directory(root: int, entries: list[tuple[bytes, int, int]], made: datetime) -> bytes:
    here = _record(b"\0", root, _SECTOR, made, directory=True)
    above = _record(b"\1", root, _SECTOR, made, directory=True)
    block = here + above + b"".join(_record(name, extent, size, made) for name, extent, size in sorted(entries))
    assert len(block) <= _SECTOR, "a seed has a handful of files"
    return block


def _record(name: bytes, extent: int, size: int, made: datetime, *, directory: bool = False) -> bytes:
    when = struct.pack("6B", made.year - 1900, made.month, made.day, made.hour, made.minute, made.second) + b"\0"
    flags = 2 if directory else 0
    body = _both32(extent) + _both32(size) + when + bytes((flags, 0, 0)) + _both16(1) + bytes((len(name),)) + name
    length = 2 + len(body)
    return bytes((length + length % 2, 0)) + body + b"\0" * (length % 2)


def _plain_name(name: str) -> bytes:
    return "".join(letter if letter.isalnum() else "_" for letter in name.upper())[:30].encode() + b".;1"


def _padded(block: bytes) -> bytes:
    return block + b"\0" * (-len(block) % _SECTOR)


def _both16(value: int) -> bytes:
    return struct.pack("<H", value) + struct.pack(">H", value)


def _both32(value: int) -> bytes:
    return struct.pack("<I", value) + struct.pack(">I", value)
