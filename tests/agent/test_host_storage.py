"""What the libvirt driver keeps on disk, without libvirt."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from novacron.errors import InvalidArgument, NotFound, Unavailable
from novacron_agent.drivers.driver import DomainSpec
from novacron_agent.drivers.host_storage import HostStorage, reachable
from novacron_agent.images import ImageStore

pytestmark = pytest.mark.skipif(
    not shutil.which("qemu-img"), reason="no qemu-img: python -m novacron_agent.hypervisor_setup"
)

SpecOf = Callable[..., DomainSpec]


def qcow2(path: Path, *arguments: str) -> Path:
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", path, *arguments], check=True)
    return path


def told(disk: Path) -> dict:
    done = subprocess.run(["qemu-img", "info", "--output=json", disk], check=True, capture_output=True)
    return json.loads(done.stdout)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    images = tmp_path / "images"
    images.mkdir()
    qcow2(images / "debian.qcow2", str(1100 * 2**20))
    for kind in ("kernel", "initrd"):
        (images / f"tiny.{kind}").write_text(kind)
    return images


@pytest.fixture
def storage(images: Path, tmp_path: Path) -> Iterator[HostStorage]:
    storage = HostStorage(tmp_path / "host", ImageStore(images))
    storage.open()
    yield storage
    storage.close()


def test_a_vm_s_disk_is_an_overlay_of_the_size_that_was_asked_for(storage: HostStorage, spec_of: SpecOf) -> None:
    files = storage.make(spec_of(base_image="debian", disk_gib=5))

    disk = told(files.disk)
    assert disk["virtual-size"] == 5 * 2**30
    assert disk["full-backing-filename"] == str(files.base)
    assert disk["backing-filename-format"] == "qcow2"
    assert (files.kernel, files.initrd) == (None, None)


def test_disk_and_seed_are_for_nobody_else_to_read(storage: HostStorage, spec_of: SpecOf) -> None:
    files = storage.make(spec_of(base_image="debian", disk_gib=2))

    assert files.disk.stat().st_mode & 0o777 == 0o600
    assert files.seed.stat().st_mode & 0o777 == 0o600
    assert files.directory.stat().st_mode & 0o777 == 0o711, "QEMU's user passes through"


def test_an_image_of_kernel_and_initrd_boots_them_with_an_empty_disk(storage: HostStorage, spec_of: SpecOf) -> None:
    files = storage.make(spec_of(base_image="tiny", disk_gib=2))

    assert files.kernel is not None
    assert files.kernel.read_text() == "kernel"
    assert files.base is None
    assert "backing-filename" not in told(files.disk)


def test_a_vm_keeps_the_image_that_it_was_made_from_when_the_operator_replaces_it(
    storage: HostStorage, images: Path, spec_of: SpecOf
) -> None:
    before = storage.make(spec_of(base_image="tiny"))
    (images / "tiny.kernel").write_text("a newer kernel")

    after = storage.make(spec_of(base_image="tiny"))

    assert before.kernel is not None
    assert after.kernel is not None
    assert before.kernel.read_text() == "kernel"
    assert after.kernel.read_text() == "a newer kernel"


def test_copies_of_images_go_when_neither_a_vm_nor_the_store_has_them(
    storage: HostStorage, images: Path, spec_of: SpecOf
) -> None:
    spec = spec_of(base_image="tiny")
    storage.make(spec)
    (images / "tiny.kernel").write_text("a newer kernel")

    def kept() -> int:
        storage.close()
        storage.open()
        return len(list((storage.root / "base").iterdir()))

    assert kept() == 2, "the VM still boots from them"
    storage.remove(spec.vm_id)
    assert kept() == 1, "the initrd is what the store still holds"


def test_two_vms_of_one_image_share_its_copy(storage: HostStorage, spec_of: SpecOf) -> None:
    one, two = (storage.make(spec_of(base_image="debian", disk_gib=2)) for _ in range(2))

    assert one.base is not None
    assert two.base is not None
    assert one.base.samefile(two.base)


def test_a_disk_smaller_than_its_image_is_refused_and_leaves_nothing(storage: HostStorage, spec_of: SpecOf) -> None:
    spec = spec_of(base_image="debian", disk_gib=1)

    with pytest.raises(InvalidArgument, match=r'spec.disk_gib: base image "debian" needs at least 2 GiB'):
        storage.make(spec)

    assert storage.instances() == set()


@pytest.mark.parametrize("kind", ["with a backing file", "raw", "garbage"])
def test_what_is_no_self_contained_qcow2_is_no_base_image(
    storage: HostStorage, images: Path, spec_of: SpecOf, kind: str
) -> None:
    bad = images / "bad.qcow2"
    if kind == "with a backing file":
        qcow2(bad, "-b", str(images / "debian.qcow2"), "-F", "qcow2")
    else:
        bad.write_bytes(b"\0" * 2**20 if kind == "raw" else b"not a disk")

    with pytest.raises(InvalidArgument, match=r"bad\.qcow2 cannot be a base image"):
        storage.make(spec_of(base_image="bad"))


def test_an_image_that_is_not_there_is_not_found_before_anything_is_made(storage: HostStorage, spec_of: SpecOf) -> None:
    with pytest.raises(NotFound):
        storage.make(spec_of(base_image="nothing"))

    assert storage.instances() == set()


def test_making_anew_replaces_what_a_failed_attempt_left(storage: HostStorage, spec_of: SpecOf) -> None:
    spec = spec_of(base_image="debian", disk_gib=2)
    storage.make(spec)

    again = storage.make(spec)

    assert again.disk.exists()
    assert storage.instances() == {spec.vm_id}
    assert storage.remove(spec.vm_id) is True
    assert storage.remove(spec.vm_id) is False


def test_a_console_log_that_was_rolled_over_reads_as_one(storage: HostStorage) -> None:
    vm_id = uuid4()
    directory = storage.root / "instances" / str(vm_id)
    directory.mkdir()
    for name, text in {"console.log.1": "oldest,", "console.log.0": "older,", "console.log": "now"}.items():
        (directory / name).write_text(text)

    assert storage.console(vm_id, 0, 100) == b"oldest,older,now"
    assert storage.console(vm_id, 5, 8) == b"t,older,"
    assert storage.console(vm_id, 13, 1) == b"n"
    assert storage.console(vm_id, 16, 10) == b""
    assert storage.console_size(vm_id) == 16
    assert storage.console(UUID(int=0), 0, 10) == b""


def test_what_is_no_vm_s_directory_is_left_alone(storage: HostStorage, spec_of: SpecOf) -> None:
    stray = storage.root / "instances" / "lost+found"
    stray.mkdir()
    spec = spec_of(base_image="debian", disk_gib=2)
    storage.make(spec)

    assert storage.instances() == {spec.vm_id}
    assert stray.exists()


def test_a_directory_of_one_agent_is_refused_to_another(storage: HostStorage, images: Path) -> None:
    other = HostStorage(storage.root, ImageStore(images))

    with pytest.raises(Unavailable, match="another agent keeps its VMs in"):
        other.open()

    storage.close()
    other.open()
    other.close()


def test_a_directory_that_qemu_s_user_cannot_reach_has_a_stand_in_for_good(host_directory: Path) -> None:
    assert reachable(host_directory / "agent") == host_directory / "agent"

    home = host_directory / "home"
    home.mkdir(mode=0o700)
    stand_in = reachable(home / "checkout" / "agent")

    assert stand_in.parent == Path("/var/lib/novacron")
    assert stand_in != reachable(home / "other" / "agent")
    home.chmod(0o711)
    assert reachable(home / "checkout" / "agent") == stand_in, "its VMs are there"


def test_a_directory_that_has_vms_stays_theirs_when_it_is_closed_to_others(host_directory: Path) -> None:
    directory = host_directory / "home" / "agent"
    (directory / "instances").mkdir(parents=True)
    directory.parent.chmod(0o700)

    assert reachable(directory) == directory


def test_a_directory_that_cannot_be_written_is_unavailable(images: Path) -> None:
    with pytest.raises(Unavailable, match="cannot keep VMs in"):
        HostStorage(Path("/proc/novacron"), ImageStore(images)).open()
