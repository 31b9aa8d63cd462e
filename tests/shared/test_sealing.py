"""Secrets at rest open in their own row, under a key of the ring, or not at all."""

import base64
import os
from uuid import uuid4

import pytest

from novacron.errors import DataLoss
from novacron.sealing import KeyRing, Sealer, key_id
from novacron.settings import SettingsError

SECRET = b"correct horse battery staple"


def key_file(tmp_path, *lines):
    path = tmp_path / "service.key"
    path.write_text("\n".join(lines) + "\n")
    return path


def new_key():
    return os.urandom(32)


def test_what_was_sealed_opens_in_its_row_and_in_no_other():
    sealer, row = Sealer(KeyRing((new_key(),))), uuid4()
    envelope = sealer.seal(SECRET, "cloud_providers", "credentials_encrypted", row)
    assert sealer.open(envelope, "cloud_providers", "credentials_encrypted", row) == SECRET
    for elsewhere in [
        ("cloud_providers", "credentials_encrypted", uuid4()),
        ("cloud_providers", "config", row),
        ("users", "credentials_encrypted", row),
        ("cloud_providerscredentials_encrypted", "", row),
        (),
    ]:
        with pytest.raises(DataLoss, match="belongs to another row"):
            sealer.open(envelope, *elsewhere)


def test_an_envelope_shows_nothing_and_never_repeats_itself():
    sealer = Sealer(KeyRing((new_key(),)))
    first, second = sealer.seal(SECRET, "t"), sealer.seal(SECRET, "t")
    assert first != second
    assert SECRET not in base64.urlsafe_b64decode(first.split(".")[2] + "==")


def test_a_change_of_any_byte_is_noticed():
    sealer = Sealer(KeyRing((new_key(),)))
    head, name, text = sealer.seal(SECRET, "t").split(".")
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    for position in range(len(raw)):
        changed = raw[:position] + bytes([raw[position] ^ 1]) + raw[position + 1 :]
        with pytest.raises(DataLoss):
            sealer.open(f"{head}.{name}.{base64.urlsafe_b64encode(changed).decode()}", "t")


@pytest.mark.parametrize("text", ["", "v1", "v1.", "v2.abc.def", "v1.abc", "plain text", "v1..x"])
def test_what_is_no_envelope_is_refused(text):
    with pytest.raises(DataLoss):
        Sealer(KeyRing((new_key(),))).open(text, "t")


def test_keys_rotate_while_old_envelopes_still_open():
    old, new = new_key(), new_key()
    envelope = Sealer(KeyRing((old,))).seal(SECRET, "t")
    rotated = Sealer(KeyRing((new, old)))
    assert rotated.open(envelope, "t") == SECRET
    assert not rotated.current(envelope)
    again = rotated.seal(rotated.open(envelope, "t"), "t")
    assert rotated.current(again)
    assert Sealer(KeyRing((new,))).open(again, "t") == SECRET
    with pytest.raises(DataLoss, match=rf"key {key_id(old)}, which NOVACRON_KEY_FILE lacks"):
        Sealer(KeyRing((new,))).open(envelope, "t")


def test_a_ring_is_read_from_a_file_and_never_prints_its_keys(tmp_path):
    keys = [base64.b64encode(new_key()).decode() for _ in range(2)]
    ring = KeyRing.read(key_file(tmp_path, *keys))
    assert ring.primary == base64.b64decode(keys[0])
    assert len(ring.keys) == 2
    assert not any(key in repr(ring) or repr(base64.b64decode(key)) in repr(ring) for key in keys)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([""], "is empty; `head -c 32 /dev/urandom | base64` makes a key"),
        ([base64.b64encode(b"short").decode()], "line 1 of .* is not 32 bytes in base64"),
        ([base64.b64encode(bytes(32)).decode(), "hunter2!"], "line 2 of .* is not 32 bytes in base64"),
    ],
)
def test_a_bad_key_file_says_which_line_and_not_what_stands_there(tmp_path, lines, said):
    with pytest.raises(SettingsError, match=said) as caught:
        KeyRing.read(key_file(tmp_path, *lines))
    assert "hunter2" not in str(caught.value)


def test_a_missing_key_file_is_a_setting_to_mend(tmp_path):
    with pytest.raises(SettingsError, match=r"NOVACRON_KEY_FILE: cannot read .*: No such file"):
        KeyRing.read(tmp_path / "absent")
