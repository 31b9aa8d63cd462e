"""Secrets stand nowhere but in their envelope: not in the database, not in the logs, not in what objects print."""

import base64
import logging

import pytest

from novacron.errors import DataLoss, Unauthenticated
from novacron.sealing import KeyRing, Sealer
from novacron_auth.keys.keyring import Keyring
from novacron_auth.keys.store import KeyStore
from novacron_auth.sessions.login_store import LoginStore
from novacron_auth.sessions.origin import Origin
from novacron_auth.users.account import Attempt

CANARY = "canary-Pa55word-ü-8f3a"


def spellings(raw):
    """A secret's bytes in every form in which a dump or a log could show them."""
    padded = (base64.b64encode(raw), base64.urlsafe_b64encode(raw))
    forms = {text.decode().rstrip("=") for text in padded} | {raw.hex(), repr(raw)[2:-1], raw.decode("latin-1")}
    return {form.lower() for form in forms}


async def dump(auth):
    """Every row of every table, as text."""
    tables = await auth.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    rows = []
    for (table,) in tables:
        rows += [row[0] for row in await auth.execute(f'SELECT t::text FROM "{table}" t')]
    return "\n".join(rows).lower()


async def test_no_password_token_or_key_is_in_the_database_or_the_log(auth, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    await auth.user(password=CANARY)
    login = await auth.login(password=CANARY)
    token = login.access_token
    for username, password in [("alice", CANARY + "x"), (CANARY, "x")]:
        with pytest.raises(Unauthenticated):
            await auth.login(username, password)
    _, private = await auth.keyring.signer()
    held = await dump(auth) + caplog.text.lower() + "".join(capfd.readouterr()).lower()
    assert "alice" in held
    assert "login" in held
    for secret in (
        CANARY.encode(),
        token.encode(),
        login.refresh_token.encode(),
        private.private_bytes_raw(),
        auth.key,
    ):
        for form in spellings(secret):
            assert form not in held, f"{form} was found"
    assert CANARY.lower() not in held


async def test_a_signing_key_opens_in_its_own_row_and_under_its_own_key_file_only(auth):
    await auth.execute(
        "INSERT INTO signing_keys (id, state, public_key, private_key_sealed)"
        " SELECT gen_random_uuid(), 'staged', public_key, private_key_sealed FROM signing_keys"
    )
    await auth.execute("UPDATE signing_keys SET state = 'secondary' WHERE state = 'primary'")
    await auth.execute("UPDATE signing_keys SET state = 'primary' WHERE state = 'staged'")
    with pytest.raises(DataLoss, match="belongs to another row"):
        await Keyring(KeyStore(auth.database), auth.sealer).signer()
    with pytest.raises(DataLoss, match="NOVACRON_KEY_FILE lacks"):
        await Keyring(KeyStore(auth.database), Sealer(KeyRing((b"\1" * 32,)))).ensure_primary()


async def test_objects_that_hold_a_secret_do_not_print_it(auth):
    await auth.user(password=CANARY)
    credentials = await LoginStore(auth.database).credentials("default", "alice")
    assert credentials.password_hash
    assert credentials.password_hash not in repr(credentials)
    assert CANARY not in repr(Attempt("alice", CANARY, "", Origin()))
