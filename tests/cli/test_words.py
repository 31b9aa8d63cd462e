"""What users type and what they read, without any service."""

from datetime import UTC, datetime, timedelta

import pytest
import typer
from google.protobuf.timestamp_pb2 import Timestamp

from novacron.api.vm.v1 import VM_STATE_BACKING_UP, VmState
from novacron_cli import profile, quantities, words
from novacron_cli.failure import Refusal


@pytest.mark.parametrize(
    ("text", "mib"), [("512", 512), ("512M", 512), ("512MiB", 512), ("2G", 2048), ("1.5g", 1536), ("1T", 1048576)]
)
def test_memory_is_mebibytes_unless_it_says_otherwise(text, mib):
    assert quantities.memory_mib(text) == mib


@pytest.mark.parametrize("text", ["", "G", "-1", "1.1", "2 gigs", "0x10"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(typer.BadParameter):
        quantities.memory_mib(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("15m", 900), ("1h30m", 5400), ("2d", 172800), ("0.5s", 0.5)]
)
def test_a_duration_is_seconds_unless_it_says_otherwise(text, seconds):
    assert quantities.seconds(text) == seconds


def test_a_moment_is_a_duration_back_or_a_time_in_the_users_zone():
    assert abs(quantities.moment("15m") - (datetime.now(UTC) - timedelta(minutes=15))) < timedelta(seconds=5)
    assert quantities.moment("2026-03-01T12:00+01:00") == datetime(2026, 3, 1, 11, tzinfo=UTC)


def test_a_value_may_hold_an_equals_sign():
    assert quantities.pairs(["a=b=c"]) == {"a": "b=c"}


def test_enums_are_words_and_what_a_newer_server_says_is_its_number():
    assert words.word(VmState, VM_STATE_BACKING_UP) == "backing_up"
    assert words.word(VmState, 0) == ""
    assert words.word(VmState, 99) == "99"


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.4, "0s"), (119, "119s"), (120, "2m"), (7199, "120m"), (7200, "2h"), (200_000, "2d")]
)
def test_an_age_is_told_in_the_largest_unit_of_which_there_are_two(seconds, told):
    stamp, now = Timestamp(), datetime(2026, 1, 1, tzinfo=UTC)
    stamp.FromDatetime(now - timedelta(seconds=seconds))
    assert words.ago(stamp, now) == told


@pytest.mark.parametrize(("count", "told"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (2**30, "1 GiB")])
def test_a_size_is_told_in_binary_units(count, told):
    assert words.size(count) == told


def test_the_nearest_profile_above_is_found_and_a_directory_without_one_is_passed_over(tmp_path, monkeypatch):
    monkeypatch.delenv("NOVACRON_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    (tmp_path / "project" / "deep" / ".novacron").mkdir(parents=True)
    (tmp_path / "project" / ".novacron").mkdir()
    (tmp_path / "project" / ".novacron" / "client.json").write_text("{}")
    monkeypatch.chdir(tmp_path / "project" / "deep")
    assert profile.find_home() == tmp_path / "project" / ".novacron"
    monkeypatch.chdir(tmp_path)
    assert profile.find_home() == tmp_path / "user" / ".novacron"
    monkeypatch.setenv("NOVACRON_HOME", str(tmp_path / "chosen"))
    assert profile.find_home() == tmp_path / "chosen"


def test_one_address_is_every_service_and_a_named_one_goes_before_it():
    endpoints = profile.parse_endpoints(["gateway:443", "auth=login:444"])
    assert endpoints["auth"] == "login:444"
    assert set(endpoints) == set(profile.SERVICES)
    with pytest.raises(Refusal, match="vm"):
        profile.Profile(profile.Path("home"), {}).endpoint("vm")
