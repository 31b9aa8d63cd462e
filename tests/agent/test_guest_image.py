"""The guest image builder, as far as it can be seen without booting what it builds (``test_driver_contract.py`` does)."""

from __future__ import annotations

import gzip
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from novacron_agent.guest_image import GuestImageError, build
from novacron_agent.guest_image import recipe as recipe_module
from novacron_agent.guest_image.debian import run
from novacron_agent.guest_image.initramfs import Archive, in_order

needs_debian = pytest.mark.skipif(
    not all(map(shutil.which, ("apt-get", "dpkg-deb", "qemu-img"))),
    reason="no apt-get, dpkg-deb or qemu-img: on Debian run python -m novacron_agent.hypervisor_setup",
)


def module(depends: str) -> bytes:
    return b"\x7fELF...\0license=GPL\0depends=" + depends.encode() + b"\0name=x\0"


@pytest.fixture
def kernel_tree(tmp_path: Path) -> Path:
    drivers = tmp_path / "kernel" / "drivers"
    drivers.mkdir(parents=True)
    for name, depends in {"net": "failover-core,ring", "failover-core": "ring", "ring": "", "other": ""}.items():
        (drivers / f"{name}.ko").write_bytes(module(depends))
    (tmp_path / "modules.builtin").write_text("kernel/drivers/acpi/button.ko\n")
    return tmp_path


def test_modules_come_after_what_they_need_and_only_those_that_are_needed(kernel_tree: Path) -> None:
    assert list(in_order(kernel_tree, ("net", "button"))) == ["ring", "failover_core", "net"]


def test_a_module_that_the_kernel_lacks_stops_the_build(kernel_tree: Path) -> None:
    with pytest.raises(GuestImageError, match="no module virtio_blk"):
        in_order(kernel_tree, ("virtio_blk",))


def test_an_archive_has_each_entry_aligned_and_an_end() -> None:
    archive = Archive()
    archive.directory("bin")
    archive.file("bin/tool", b"#!/bin/sh\n")
    archive.link("bin/sh", "tool")
    data = archive.finish()

    assert len(data) % 4 == 0
    assert data.count(b"070701") == 4
    assert data.endswith(b"TRAILER!!!\0\0\0\0")


def test_a_tool_that_is_missing_is_named_with_the_way_to_get_it() -> None:
    with pytest.raises(GuestImageError, match=r"no-such-tool is not installed.*hypervisor_setup"):
        run(["no-such-tool"])


@needs_debian
def test_the_images_are_built_once_and_again_only_when_the_recipe_changes(
    guest_images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "images"
    shutil.copytree(guest_images, store)
    before = (store / "novacron-guest.qcow2").stat().st_ino

    assert build(store) is False

    assert (store / "novacron-guest.qcow2").stat().st_ino == before
    (store / "novacron-guest-direct.initrd").unlink()
    built = []

    def build_nothing(scratch: Path) -> dict[str, str]:
        built.append(scratch)
        for product in recipe_module._PRODUCTS:
            (scratch / product).write_bytes(b"")
        return {}

    monkeypatch.setattr(recipe_module, "_build", build_nothing)
    assert build(store) is True, "a part is missing"
    assert build(store) is False
    monkeypatch.setattr(recipe_module, "_key", lambda: "another recipe")
    assert build(store) is True, "the recipe has changed"
    assert len(built) == 2


@needs_debian
def test_the_disk_is_small_and_has_one_active_partition(guest_images: Path, tmp_path: Path) -> None:
    raw = tmp_path / "disk.raw"
    subprocess.run(["qemu-img", "convert", "-O", "raw", guest_images / "novacron-guest.qcow2", raw], check=True)
    record = raw.read_bytes()[:512]

    active, kind, start, sectors = struct.unpack("<B3xB3xII", record[446:462])

    assert record[510:] == b"\x55\xaa"
    assert (active, kind) == (0x80, 0x0E)
    assert (start + sectors) * 512 == raw.stat().st_size < 64 * 2**20


@needs_debian
def test_the_initramfs_has_busybox_and_the_scripts(guest_images: Path) -> None:
    content = gzip.decompress((guest_images / "novacron-guest-direct.initrd").read_bytes())

    for name in (b"init\0", b"bin/busybox\0", b"etc/novacron/announce\0", b"lib/modules/virtio_net.ko\0"):
        assert name in content


@needs_debian
def test_the_command_says_what_it_did(guest_images: Path) -> None:
    command = [sys.executable, "-m", "novacron_agent.guest_image", "--output", str(guest_images)]

    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert done.stdout == f"already there: {guest_images}/novacron-guest.qcow2\n"
