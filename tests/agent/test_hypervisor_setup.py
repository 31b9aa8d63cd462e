"""The command that has libvirt on the host, as far as it can be had."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "novacron_agent.hypervisor_setup"]


def test_where_nothing_can_be_installed_it_says_so_and_that_the_hypervisor_is_simulated(tmp_path: Path) -> None:
    # No program of any kind is found: neither libvirt's nor apt-get, sudo, systemctl.
    program = (
        "import shutil, sys; shutil.which = lambda *a, **k: None;"
        "from novacron_agent import hypervisor_setup; sys.exit(hypervisor_setup.main())"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert done.returncode == 0
    assert done.stdout.startswith("hypervisor: simulated: libvirt-daemon-system, libvirt-clients, qemu-system-x86")
    assert "there is no apt-get here" in done.stdout
    assert "no guest really boots" in done.stdout
    assert done.stderr == ""


@pytest.mark.guest
@pytest.mark.skipif(os.geteuid() != 0, reason="shows the daemons' start, which is root's: run as root")
def test_where_all_is_there_it_is_ready_and_changes_nothing(libvirt_works: None) -> None:
    done = subprocess.run(COMMAND, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "hypervisor: ready: libvirt answers at qemu:///system\n")
