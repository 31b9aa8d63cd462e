"""``python -m novacron_agent.hypervisor_setup``: have libvirt and QEMU on this host, as far as this user can.

It installs from Debian what is missing (as root, or with a sudo that asks for no password), the Python binding into this
interpreter's environment, and starts ``virtlogd`` and ``libvirtd`` where no service manager does. It prints what it did.
Where it cannot, it says why and ends well all the same: NovaCron then runs the simulated hypervisor.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_PROGRAMS: Final = {  # what must be on PATH, and the package that has it
    "libvirtd": "libvirt-daemon-system",
    "virsh": "libvirt-clients",
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "dnsmasq": "dnsmasq-base",  # DHCP on libvirt's NAT network
}
_TO_BUILD_THE_BINDING: Final = {"pkg-config": "pkg-config", "gcc": "gcc"}
_BINDING: Final = "libvirt-python>=12"
_SYSTEMD: Final = Path("/run/systemd/system")
_KVM: Final = Path("/dev/kvm")
_DAEMONS_PATH: Final = f"{os.environ.get('PATH', '/usr/bin:/bin')}:/usr/sbin:/sbin"  # su leaves the last two out
_DAEMON_STARTS_WITHIN_SECONDS: Final = 20.0


class CannotSetUp(Exception):
    """libvirt cannot be had here; the message says why."""


def main() -> int:
    try:
        install()
        start_daemons()
        check()
    except CannotSetUp as reason:
        say(f"simulated: {reason}")
        say("NovaCron runs the simulated hypervisor: everything works, and no guest really boots")
        return 0
    say(f"ready: libvirt answers at {uri()}")
    return 0


def uri() -> str:
    return "qemu:///system" if os.geteuid() == 0 else "qemu:///session"


def install() -> None:
    """Debian's packages and the Python binding; nothing where they are there already."""
    missing = [package for program, package in _PROGRAMS.items() if not _find(program)]
    binding = importlib.util.find_spec("libvirt") is not None
    if not binding:
        missing += [package for program, package in _TO_BUILD_THE_BINDING.items() if not _find(program)]
        if not _find("pkg-config") or not _succeeds(["pkg-config", "--exists", "libvirt"]):
            missing.append("libvirt-dev")
        if not (Path(sysconfig.get_path("include")) / "Python.h").exists():
            missing.append(f"python{sysconfig.get_python_version()}-dev")
    if missing:
        _install_packages(missing)
    if not binding:
        say(f"building the Python binding ({_BINDING})")
        if importlib.util.find_spec("pip") is not None:
            _run([sys.executable, "-m", "pip", "install", "--quiet", _BINDING])
        elif _find("uv"):
            _run(["uv", "pip", "install", "--quiet", "--python", sys.executable, _BINDING])
        else:
            raise CannotSetUp(f"neither pip nor uv is there to install {_BINDING} into {sys.prefix}")


def start_daemons() -> None:
    """Have libvirtd running for root; a normal user's libvirtd starts by itself when it is asked for."""
    if os.geteuid() != 0 or _answers():
        return
    if _SYSTEMD.exists():
        _run(["systemctl", "start", "libvirtd"])
        say("started libvirtd (systemd)")
        return
    _open_kvm_to_its_group()
    for daemon in ("virtlogd", "libvirtd"):
        # One of them may run while the other does not: it then says that its pid file is taken, which is well.
        if _succeeds([daemon, "--daemon"]):
            say(f"started {daemon} (there is no systemd here)")
    deadline = time.monotonic() + _DAEMON_STARTS_WITHIN_SECONDS
    while not _answers():
        if time.monotonic() > deadline:
            raise CannotSetUp(f"libvirtd does not answer within {_DAEMON_STARTS_WITHIN_SECONDS:g} seconds of its start")
        time.sleep(0.1)


def check() -> None:
    """A new interpreter connects: the binding may be younger than this process."""
    program = f"import libvirt; libvirt.open({uri()!r})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise CannotSetUp(f"libvirt at {uri()} does not answer: {said}")


def say(line: str) -> None:
    sys.stdout.write(f"hypervisor: {line}\n")
    sys.stdout.flush()


def _open_kvm_to_its_group() -> None:
    """What udev does where there is one.

    QEMU's user is in group kvm. When libvirtd sees KVM and that user cannot have it, it forgets what it knows of QEMU and
    finds it out anew before each start of a guest, which then takes a minute (libvirt 9.0).
    """
    if _KVM.exists() and _KVM.stat().st_mode & 0o060 == 0:
        try:
            shutil.chown(_KVM, group="kvm")
            _KVM.chmod(0o660)
            say(f"gave group kvm access to {_KVM}, as udev would")
        except (OSError, LookupError) as error:
            say(f"cannot give group kvm access to {_KVM} ({error}): starting a guest may be slow")


def _install_packages(packages: Sequence[str]) -> None:
    if not _find("apt-get"):
        raise CannotSetUp(f"{', '.join(packages)} are missing, and there is no apt-get here to install them")
    elevate: list[str] = []
    if os.geteuid() != 0:
        if not _find("sudo") or not _succeeds(["sudo", "--non-interactive", "true"]):
            raise CannotSetUp(f"{', '.join(packages)} are missing, and installing them needs root or sudo")
        elevate = ["sudo", "--non-interactive"]
    say(f"installing from Debian: {', '.join(packages)}")
    environment = ["env", "DEBIAN_FRONTEND=noninteractive"]
    install = [*elevate, *environment, "apt-get", "install", "--quiet", "--yes", "--no-install-recommends", *packages]
    if not _succeeds(install):
        _run([*elevate, *environment, "apt-get", "--quiet", "update"])
        _run(install)


def _answers() -> bool:
    return _find("virsh") is not None and _succeeds(["virsh", "--connect", uri(), "version"])


def _find(program: str) -> str | None:
    return shutil.which(program, path=_DAEMONS_PATH)


def _succeeds(command: Sequence[str]) -> bool:
    return _attempt(command).returncode == 0


def _run(command: Sequence[str]) -> None:
    done = _attempt(command)
    if done.returncode != 0:
        raise CannotSetUp(f"{' '.join(command)} failed: {done.stderr.strip() or done.stdout.strip()}")


def _attempt(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    found = [_find(command[0]) or command[0], *command[1:]]
    try:
        return subprocess.run(
            found,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PATH": _DAEMONS_PATH},  # libvirtd looks for QEMU and dnsmasq on the PATH that it got
        )
    except FileNotFoundError:
        return subprocess.CompletedProcess(found, 127, "", f"{command[0]} is not installed")


if __name__ == "__main__":
    sys.exit(main())
