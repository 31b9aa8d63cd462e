"""What a test with a real guest needs of this machine."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from novacron_agent import hypervisor_setup
from novacron_agent.guest_image import build


def images_for_real_guests() -> Path:
    """An image store with NovaCron's guest, libvirt running; the test is skipped where one of them cannot be had."""
    try:
        hypervisor_setup.start_daemons()
        hypervisor_setup.check()
    except hypervisor_setup.CannotSetUp as reason:
        pytest.skip(f"{reason}: python -m novacron_agent.hypervisor_setup")
    if not all(map(shutil.which, ("apt-get", "dpkg-deb", "qemu-img"))):
        pytest.skip("no guest image here: on Debian run python -m novacron_agent.hypervisor_setup")
    store = Path(__file__).parents[2] / "build" / "images"
    build(store)
    return store
