"""Does KVM run guests here? Found out by running one.

``/dev/kvm`` may exist, accept a guest, and never execute it or be slower than emulation (a nested host without hardware
support does that). So a boot sector that says one line on its serial port is started the way every guest is: through
libvirt, as QEMU's user, under the same confinement.
"""

from __future__ import annotations

import json
import shutil
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from uuid import uuid4

import libvirt

from novacron_agent.drivers.hypervisor_link import Connection

SCRATCH: Final = "probe-"
SAYS: Final = b"this boot sector runs\n"
LIMIT_SECONDS: Final = 3.0  # a working KVM takes a fraction of a second, emulation half of one
_REPEAT_AFTER_SECONDS: Final = 3600.0
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


def boot_sector() -> bytes:
    """A disk of 1 MiB, less than which the firmware does not boot, whose first sector writes :data:`SAYS` to COM1."""
    code = bytes.fromhex(
        "31c0"  # xor ax, ax
        "8ed8"  # mov ds, ax
        "fc"  # cld
        "be167c"  # mov si, 0x7c16: the text, right after the code
        "baf803"  # mov dx, 0x3f8
        "ac"  # next: lodsb
        "84c0"  # test al, al
        "7403"  # jz done
        "ee"  # out dx, al
        "ebf8"  # jmp next
        "f4"  # done: hlt
        "ebfd"  # jmp done
    )
    return ((code + SAYS + b"\0").ljust(510, b"\0") + b"\x55\xaa").ljust(2**20, b"\0")


def kvm_works(connection: Connection, directory: Path, *, limit: float = LIMIT_SECONDS) -> tuple[bool, str]:
    """Whether guests run under KVM, and why not. ``directory`` must be one that QEMU's user can pass through.

    The answer is kept there: for as long as the host is up when it is yes, for an hour when it is no, for a host under
    heavy load may look like one without KVM.
    """
    kept = directory / "kvm.json"
    boot_id = _BOOT_ID.read_text().strip()
    with suppress(OSError, ValueError, KeyError, TypeError):
        answer = json.loads(kept.read_text())
        recent = answer["works"] or 0 <= time.time() - answer["at"] < _REPEAT_AFTER_SECONDS
        if answer["boot_id"] == boot_id and recent:
            return answer["works"], answer["why"]
    for left in directory.glob(f"{SCRATCH}*"):  # of an agent that was killed while it probed
        shutil.rmtree(left, ignore_errors=True)
    why = _probe(connection, directory, "kvm", limit)
    kept.write_text(json.dumps({"boot_id": boot_id, "at": time.time(), "works": not why, "why": why}))
    return not why, why


def _probe(connection: Connection, directory: Path, domain_type: str, limit: float) -> str:
    """Empty when a guest of this type ran within ``limit`` seconds; else what came instead."""
    try:
        connection.getDomainCapabilities(None, "x86_64", "q35", domain_type)
    except libvirt.libvirtError:
        return "libvirt knows of no KVM on this host"
    with TemporaryDirectory(dir=directory, prefix=SCRATCH) as scratch:
        return _boot(connection, Path(scratch), domain_type, limit)


def _boot(connection: Connection, scratch: Path, domain_type: str, limit: float) -> str:
    scratch.chmod(0o711)
    disk, console = scratch / "boot.img", scratch / "console.log"
    disk.write_bytes(boot_sector())
    xml = f"""
        <domain type='{domain_type}'>
          <name>novacron-probe-{uuid4()}</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>
          <os><type arch='x86_64' machine='q35'>hvm</type></os>
          <devices>
            <disk type='file'>
              <driver name='qemu' type='raw'/><source file='{disk}'/><target dev='vda' bus='virtio'/><readonly/>
            </disk>
            <serial type='file'><source path='{console}'/></serial>
            <memballoon model='none'/><controller type='usb' model='none'/>
          </devices>
        </domain>"""
    try:
        # libvirtd ends it when this connection closes: a killed agent leaves no probe behind.
        domain = connection.createXML(xml, libvirt.VIR_DOMAIN_START_AUTODESTROY)
    except libvirt.libvirtError as error:
        return f"a probe did not start: {error.get_error_message()}"
    try:
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            if console.exists() and SAYS in console.read_bytes():
                return ""
            time.sleep(0.02)
        return f"/dev/kvm ran no guest code within {limit:g} seconds"
    finally:
        with suppress(libvirt.libvirtError):
            domain.destroy()
