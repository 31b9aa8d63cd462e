"""Directories in memory: gone with their session, even one that was killed, and made on disk where memory has no room."""

import os
import signal
import subprocess
import sys

import pytest

from novacron.testing import memory
from novacron.testing.memory import directory_in_memory

KILLED = """
import os, pathlib, signal, sys
from novacron.testing import memory
memory._MEMORY, memory._ROOM = pathlib.Path(sys.argv[1]), 0
with memory.directory_in_memory(otherwise=pathlib.Path("/nowhere")) as directory:
    (directory / "left").write_text("behind")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def shm(tmp_path, monkeypatch):
    """In the place of /dev/shm, with room enough."""
    monkeypatch.setattr(memory, "_MEMORY", tmp_path)
    monkeypatch.setattr(memory, "_ROOM", 0)
    return tmp_path


def test_it_can_be_passed_through_by_other_accounts_and_goes_with_the_block(shm, tmp_path_factory):
    with directory_in_memory(otherwise=tmp_path_factory.mktemp("disk")) as directory:
        (directory / "file").write_text("something")
        assert directory.parent == shm
        assert directory.stat().st_mode & 0o777 == 0o711
    assert list(shm.iterdir()) == []


def test_what_a_killed_session_left_is_removed_by_the_next_and_what_a_living_one_holds_is_not(shm, tmp_path_factory):
    disk = tmp_path_factory.mktemp("disk")
    killed = subprocess.run([sys.executable, "-c", KILLED, str(shm)], check=False)
    assert killed.returncode == -signal.SIGKILL
    (left,) = shm.iterdir()
    assert os.listdir(left) == ["left"]
    with directory_in_memory(otherwise=disk) as one, directory_in_memory(otherwise=disk) as other:
        assert set(shm.iterdir()) == {one, other}


def test_where_there_is_no_room_or_no_memory_it_is_on_disk(shm, monkeypatch, tmp_path_factory):
    disk = tmp_path_factory.mktemp("disk")
    monkeypatch.setattr(memory, "_ROOM", 1 << 60)
    with directory_in_memory(otherwise=disk) as directory:
        assert directory == disk
    monkeypatch.setattr(memory, "_MEMORY", shm / "nowhere")
    with directory_in_memory(otherwise=disk) as directory:
        assert directory == disk
    assert disk.exists()
