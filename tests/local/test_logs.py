"""Logs that cannot fill the disk, and the command that follows them."""

from __future__ import annotations

from novacron_local.follow import Followed, tails
from novacron_local.logfile import LogFile


def test_a_full_log_moves_on_to_a_new_file_and_keeps_so_many(tmp_path):
    log = LogFile(tmp_path / "vm.log", max_bytes=10, keep=2)
    for number in range(8):
        log.write(f"line {number}\n".encode())
    log.close()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "vm.log": "line 6\nline 7\n",
        "vm.log.1": "line 4\nline 5\n",
        "vm.log.2": "line 2\nline 3\n",
    }


def test_a_line_is_never_cut_in_two_by_a_rotation(tmp_path):
    log = LogFile(tmp_path / "vm.log", max_bytes=4)
    for piece in (b"one li", b"ne that ", b"came in pieces\nand the next\n"):
        log.write(piece)
    log.close()
    assert (tmp_path / "vm.log.1").read_text() == "one line that came in pieces\n"
    assert (tmp_path / "vm.log").read_text() == "and the next\n"


def test_following_crosses_a_rotation_without_losing_a_line(tmp_path):
    log = LogFile(tmp_path / "vm.log", max_bytes=10)
    log.write(b"before\n")
    followed = Followed(tmp_path / "vm.log")
    log.write(b"old file\n")
    log.write(b"new file\n")
    assert list(followed.lines()) == ["old file", "new file"]
    log.write(b"half a li")
    assert list(followed.lines()) == []
    log.write(b"ne\n")
    assert list(followed.lines()) == ["half a line"]
    log.close()
    followed.close()


def test_a_log_that_does_not_exist_yet_can_be_followed(tmp_path):
    followed = Followed(tmp_path / "vm.log")
    assert list(followed.lines()) == []
    log = LogFile(tmp_path / "vm.log")
    log.write(b"first\n")
    log.close()
    assert list(followed.lines()) == ["first"]
    followed.close()


def test_the_last_lines_of_each_log_come_with_its_name(tmp_path):
    (tmp_path / "a.log").write_text("1\n2\n3\n")
    shown = list(tails({"a": tmp_path / "a.log", "b": tmp_path / "missing.log"}, 2))
    assert shown == [("a", "2"), ("a", "3")]
