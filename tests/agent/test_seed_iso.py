"""The cloud-init seed. That a guest can read it is shown by the names that guests say in ``test_driver_contract.py``."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novacron_agent.drivers.driver import DomainSpec
from novacron_agent.drivers.seed_iso import iso9660, seed_iso

SECTOR = 2048


def files_of(image: bytes, descriptor: int, encoding: str) -> dict[str, bytes]:
    """What a reader finds that follows the descriptor in sector ``descriptor``: root directory, records, extents."""
    root = struct.unpack_from("<I", image, descriptor * SECTOR + 156 + 2)[0]
    place, found = root * SECTOR, {}
    while (length := image[place]) != 0:
        extent, size = struct.unpack_from("<I4xI", image, place + 2)
        name = image[place + 33 : place + 33 + image[place + 32]]
        if len(name) > 1:
            found[name.decode(encoding)] = image[extent * SECTOR : extent * SECTOR + size]
        place += length
    return found


@given(st.dictionaries(st.from_regex(r"[a-z][a-z-]{0,15}", fullmatch=True), st.binary(max_size=9000), max_size=4))
def test_every_file_is_read_back_whole_under_its_own_name(files: dict[str, bytes]) -> None:
    image = iso9660("cidata", files)

    assert files_of(image, 17, "utf-16-be") == files
    assert sorted(files_of(image, 16, "ascii").values()) == sorted(files.values())
    assert len(image) == struct.unpack_from("<I", image, 16 * SECTOR + 80)[0] * SECTOR


def test_the_seed_names_the_host_hands_over_the_keys_and_leaves_the_user_data_as_it_is() -> None:
    key = 'ssh-ed25519 AAAA "quoted": comment'
    user_data = "#cloud-config\nruncmd: [true]\n" + "# é\n" * 2000
    vm_id = UUID("0190aaaa-0000-7000-8000-000000000001")
    spec = DomainSpec(vm_id, "Web Server_1", 1, 128, 1, "x", user_data=user_data, ssh_authorized_keys=(key,))

    files = files_of(seed_iso(spec), 17, "utf-16-be")

    assert files["user-data"].decode() == user_data
    assert files["meta-data"].decode().splitlines() == [
        f'instance-id: "{vm_id}"',
        'local-hostname: "web-server-1"',
        f"public-keys: {json.dumps([key])}",
    ]


@pytest.mark.skipif(not shutil.which("blkid"), reason="no blkid: apt-get install util-linux")
def test_the_volume_is_labelled_as_cloud_init_looks_for_it(tmp_path: Path) -> None:
    image = tmp_path / "seed.iso"
    image.write_bytes(seed_iso(DomainSpec(UUID(int=1), "web", 1, 128, 1, "x")))

    done = subprocess.run(["blkid", "-p", "-o", "export", image], capture_output=True, text=True, check=True)

    assert {"LABEL=cidata", "TYPE=iso9660"} <= set(done.stdout.splitlines())
