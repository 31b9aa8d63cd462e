"""The account that an embedded server runs under, and the places that account can reach.

PostgreSQL refuses to run as root, and Valkey has no reason to. Started by root, both run as the system account
``novacron`` (made on first use; ``nobody`` where accounts cannot be made). That account can neither read nor execute
anything below a directory such as ``/root``, so binaries and data move to ``/var/lib/novacron`` where they have to.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ACCOUNT = "novacron"
ELSEWHERE = Path("/var/lib/novacron")


class EmbeddedServerError(Exception):
    """An embedded server cannot be prepared or started; the message says what to do about it."""


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged account of this host."""

    name: str
    uid: int
    gid: int


def server_account() -> Account | None:
    """The account to drop to, or None when this process is not root and simply runs servers as itself."""
    if os.geteuid() != 0:
        return None
    found = _lookup(ACCOUNT)
    if found is None:
        # Two processes may race here: the loser's useradd fails on the lock or the name, and it finds the winner's.
        with contextlib.suppress(OSError):
            command = ["useradd", "--system", "--user-group", "--no-create-home", f"--home-dir={ELSEWHERE}"]
            command += ["--shell=/usr/sbin/nologin", ACCOUNT]
            subprocess.run(command, capture_output=True, check=False, timeout=30)
        found = _lookup(ACCOUNT) or _lookup("nobody")
    if found is None:
        raise EmbeddedServerError(
            f"PostgreSQL does not run as root, and this host has no account to run it as: "
            f"make one with `useradd --system {ACCOUNT}`, or start NovaCron as a normal user"
        )
    return found


def owner_of(path: Path) -> Account | None:
    """The account that owns ``path``, so that data once made stays with the account that made it."""
    try:
        entry = pwd.getpwuid(path.stat().st_uid)
    except (OSError, KeyError):
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def can_enter(account: Account | None, directory: Path) -> bool:
    """Whether ``account`` may pass through ``directory`` and everything above it. None: this process's own account."""
    if account is None:
        return os.access(directory, os.X_OK)
    path = directory.resolve()
    return all(_may(account, part, stat.S_IXOTH) for part in (path, *path.parents))


def own_directory(path: Path, account: Account | None, *, mode: int = 0o700) -> None:
    """Make ``path`` a directory of ``account`` with exactly this mode. Repeatable."""
    path.mkdir(mode=mode, parents=True, exist_ok=True)
    if account is not None:
        os.chown(path, account.uid, account.gid)
    path.chmod(mode)


def write_private(path: Path, content: str, account: Account | None = None) -> None:
    """Replace ``path`` in one step with ``content`` that only its owner can read, at no moment anyone else."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if account is not None:
            os.chown(temporary, account.uid, account.gid)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def reachable_directory(wanted: Path, account: Account | None) -> Path:
    """``wanted`` itself where ``account`` can get there, else a directory of the same purpose below ``/var/lib``.

    In the second case ``wanted`` becomes a symbolic link to it. What lies there without that link belonged to a data
    directory that was deleted: its passwords and keys went with it, so it is deleted too.
    """
    wanted.parent.mkdir(parents=True, exist_ok=True)
    if account is None or can_enter(account, wanted.parent):
        return wanted
    name = hashlib.sha256(os.fsencode(wanted.parent.resolve() / wanted.name)).hexdigest()[:12]
    elsewhere = ELSEWHERE / name
    if wanted.is_symlink() and wanted.readlink() == elsewhere:
        return elsewhere
    if wanted.exists():
        raise EmbeddedServerError(
            f"{wanted} exists, but the account {account.name} cannot reach it: move it, or choose another data directory"
        )
    if elsewhere.exists():
        shutil.rmtree(elsewhere)
    own_directory(ELSEWHERE, None, mode=0o755)
    wanted.unlink(missing_ok=True)
    wanted.symlink_to(elsewhere)
    return elsewhere


def remove_reachable(wanted: Path) -> None:
    """Delete what :func:`reachable_directory` gave for ``wanted``, and the link to it."""
    shutil.rmtree(wanted.resolve(), ignore_errors=True)
    if wanted.is_symlink():
        wanted.unlink()


def reachable_program(trees: Sequence[Path], account: Account | None) -> Path:
    """The directory that holds ``trees`` (siblings in an installed wheel), or a copy of them that ``account`` can run.

    A copy is made once per wheel and path, and appears in one rename: another process sees all of it or none.
    """
    home = trees[0].parent
    if all(can_enter(account, tree) for tree in trees):
        return home
    stamp = "|".join(f"{tree}@{tree.stat().st_mtime_ns}" for tree in trees)
    copy = ELSEWHERE / "programs" / f"{trees[0].name}-{hashlib.sha256(stamp.encode()).hexdigest()[:12]}"
    if copy.exists():
        return copy
    own_directory(ELSEWHERE, None, mode=0o755)
    own_directory(copy.parent, None, mode=0o755)
    temporary = Path(tempfile.mkdtemp(dir=copy.parent, prefix=".copy-"))
    try:
        for tree in trees:
            shutil.copytree(
                tree, temporary / tree.name, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a", "*.pyc")
            )
        temporary.chmod(0o755)
        with contextlib.suppress(OSError):  # another process was first, and its copy is as good
            temporary.rename(copy)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return copy


def _lookup(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _may(account: Account, path: Path, other_bit: int) -> bool:
    """Whether the mode bits of ``path`` grant what ``other_bit`` (of the last octal digit) stands for."""
    status = path.stat()
    if status.st_uid == account.uid:
        return bool(status.st_mode & (other_bit << 6))
    if status.st_gid == account.gid:
        return bool(status.st_mode & (other_bit << 3))
    return bool(status.st_mode & other_bit)
