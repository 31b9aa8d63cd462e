"""The image store."""

from __future__ import annotations

from pathlib import Path

import pytest

from novacron.errors import NotFound
from novacron_agent.images import ImageStore


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    for name in (
        "debian-12.5.qcow2",
        "tiny.kernel",
        "tiny.initrd",
        "tiny.cmdline",
        "half.kernel",
        "notes.txt",
        "-x.qcow2",
    ):
        (tmp_path / name).write_text("root=/dev/vda1\nconsole=ttyS0 quiet\n")
    (tmp_path / "directory.qcow2").mkdir()
    return ImageStore(tmp_path)


def test_an_image_is_there_when_all_its_files_are(store: ImageStore) -> None:
    assert store.names() == ["debian-12.5", "tiny"]

    (store.directory / "half.initrd").write_bytes(b"")

    assert store.names() == ["debian-12.5", "half", "tiny"]


def test_a_disk_image_has_no_kernel_and_a_direct_one_its_own_command_line(store: ImageStore) -> None:
    disk, direct = store.find("debian-12.5"), store.find("tiny")

    assert (disk.disk, disk.kernel, disk.initrd) == (store.directory / "debian-12.5.qcow2", None, None)
    assert (direct.disk, direct.kernel) == (None, store.directory / "tiny.kernel")
    assert direct.cmdline == "root=/dev/vda1 console=ttyS0 quiet"


def test_a_direct_image_without_a_command_line_has_its_console_on_the_serial_port(store: ImageStore) -> None:
    (store.directory / "tiny.cmdline").unlink()

    assert store.find("tiny").cmdline == "console=ttyS0"


@pytest.mark.parametrize(
    "name", ["debian-13", "half", "../secrets", "/etc/passwd", "directory", "", "debian-12.5.qcow2"]
)
def test_what_is_no_image_is_not_found_and_the_message_says_what_is(store: ImageStore, name: str) -> None:
    with pytest.raises(NotFound) as missing:
        store.find(name)

    assert f'base image "{name}" not found: this host has debian-12.5, tiny' in missing.value.message
    assert f"NAME.qcow2, or NAME.kernel and NAME.initrd, in {store.directory}" in missing.value.message


def test_a_store_that_is_not_there_is_empty(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="this host has none"):
        ImageStore(tmp_path / "nowhere").find("debian")
