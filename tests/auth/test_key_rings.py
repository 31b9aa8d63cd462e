"""Secrets at rest under rings of data keys: rotated, and sealed anew while everybody goes on writing."""

import asyncio
import os
from datetime import timedelta
from uuid import uuid4

import pytest

from novacron.api.auth.v1 import KeyState, ListSecretKeysRequest, RotateSecretKeysRequest, SigningKeyServiceStub
from novacron.errors import DataLoss, NotFound, PermissionDenied
from novacron.sealing import KeyRing, Sealer
from novacron_auth.keys import secret_keys
from novacron_auth.keys.keyring import Keyring
from novacron_auth.keys.secret_key import SecretSealer
from novacron_auth.keys.secret_keys import SecretKeys
from novacron_auth.keys.store import KeyStore
from novacron_auth.users.account import Role

PLACE = ("mfa_credentials", "secret_sealed")


@pytest.fixture(autouse=True)
def published_for_a_moment(monkeypatch):
    monkeypatch.setattr(secret_keys, "_PUBLISHED", timedelta(milliseconds=50))


@pytest.fixture
async def admin(auth):
    await auth.user("root", Role.ADMIN)
    return auth.as_user((await auth.login("root")).access_token, SigningKeyServiceStub)


async def hold_secrets(auth, number, tenant="default"):
    """Authenticator apps of so many users: ``{id: secret}``."""
    made = {}
    for index in range(number):
        account = await auth.user(f"{tenant}-{index}", tenant=tenant)
        id_, secret = uuid4(), os.urandom(20)
        await auth.execute(
            "INSERT INTO mfa_credentials (id, tenant_id, user_id, type, secret_sealed) VALUES (%s, %s, %s, 'totp', %s)",
            *(id_, account.tenant_id, account.user_id, auth.sealer.seal(secret, *PLACE, id_)),
        )
        made[id_] = secret
    return made


async def opened(auth, sealer=None):
    rows = await auth.execute("SELECT id, secret_sealed FROM mfa_credentials")
    return {id_: (sealer or auth.sealer).open(envelope, *PLACE, id_) for id_, envelope in rows}


async def test_what_the_key_file_sealed_is_sealed_anew_under_a_data_key_and_opens_on(auth, admin):
    secrets = await hold_secrets(auth, 3)
    await auth.secret_keys.ensure()
    assert await opened(auth) == secrets
    assert await auth.secret_keys.seal_anew() == 3 + 1, "three apps and the signing key"
    assert await auth.secret_keys.seal_anew() == 0
    assert await opened(auth) == secrets
    with pytest.raises(DataLoss, match="not an envelope of this release"):
        await opened(auth, Sealer(KeyRing((auth.key,))))
    await Keyring(KeyStore(auth.database), auth.sealer).ensure_primary()
    (key,) = (await admin.ListSecretKeys(ListSecretKeysRequest())).secret_keys
    assert (key.state, key.sealed_count, key.tenant_id) == (KeyState.KEY_STATE_PRIMARY, 4, "")


async def test_a_rotation_seals_everything_anew_and_a_retry_turns_nothing(auth, admin):
    await auth.secret_keys.ensure()
    secrets = await hold_secrets(auth, 3)
    (former,) = (await admin.ListSecretKeys(ListSecretKeysRequest())).secret_keys
    request = RotateSecretKeysRequest(primary_key_id=former.secret_key_id)
    made = await admin.RotateSecretKeys(request)
    assert (made.state, made.sealed_count) == (KeyState.KEY_STATE_PRIMARY, 0)
    assert await opened(auth) == secrets
    assert await auth.secret_keys.seal_anew() == 4
    assert (await admin.RotateSecretKeys(request)).secret_key_id == made.secret_key_id
    counted = {
        key.secret_key_id: (key.state, key.sealed_count)
        for key in (await admin.ListSecretKeys(ListSecretKeysRequest())).secret_keys
    }
    assert counted == {
        made.secret_key_id: (KeyState.KEY_STATE_PRIMARY, 4),
        former.secret_key_id: (KeyState.KEY_STATE_SECONDARY, 0),
    }
    with pytest.raises(NotFound, match="secret key"):
        await admin.RotateSecretKeys(RotateSecretKeysRequest(primary_key_id=str(uuid4())))


async def test_a_tenant_may_have_a_ring_of_its_own(auth, admin):
    await auth.secret_keys.ensure()
    secrets = {**await hold_secrets(auth, 2), **await hold_secrets(auth, 2, "acme")}
    tenant = str(await auth.tenant("acme"))
    made = await admin.RotateSecretKeys(RotateSecretKeysRequest(tenant_id=tenant))
    assert await auth.secret_keys.seal_anew() == 3, "acme's two, and the signing key"
    (key,) = (await admin.ListSecretKeys(ListSecretKeysRequest(tenant_id=tenant))).secret_keys
    assert (key.secret_key_id, key.sealed_count) == (made.secret_key_id, 2)
    assert await opened(auth) == secrets
    with pytest.raises(NotFound, match="tenant"):
        await admin.RotateSecretKeys(RotateSecretKeysRequest(tenant_id=str(uuid4())))


async def test_sealing_anew_meets_writers_other_replicas_and_interruptions_and_loses_nothing(auth, admin, monkeypatch):
    monkeypatch.setattr(secret_keys, "_BATCH", 3)
    await auth.secret_keys.ensure()
    secrets = await hold_secrets(auth, 12)
    other = SecretSealer(KeyRing((auth.key,)))
    replica = SecretKeys(auth.database, other, auth.tenants_store, auth.audit)
    writing = True

    async def enrol_anew():
        """A user who takes another app, again and again, as the service does it: by whatever key this replica seals."""
        writes = 0
        while writing:
            for id_ in list(secrets)[::4]:
                secret = os.urandom(20)
                sealed = auth.sealer.seal(secret, *PLACE, id_)
                await auth.execute("UPDATE mfa_credentials SET secret_sealed = %s WHERE id = %s", sealed, id_)
                secrets[id_] = secret
                writes += 1
        return writes

    async def rotate():
        nonlocal writing
        for _ in range(4):
            await admin.RotateSecretKeys(RotateSecretKeysRequest())
            await replica.read()
            interrupted = asyncio.create_task(replica.seal_anew())
            await asyncio.sleep(0.01)
            interrupted.cancel()
            await asyncio.gather(interrupted, return_exceptions=True)
            await asyncio.gather(auth.secret_keys.seal_anew(), replica.seal_anew())
        writing = False

    writes, _ = await asyncio.gather(enrol_anew(), rotate())
    assert writes > 3
    await auth.secret_keys.seal_anew()
    assert await opened(auth) == secrets
    assert await opened(auth, other) == secrets
    counts = [key.sealed_count for key in (await admin.ListSecretKeys(ListSecretKeysRequest())).secret_keys]
    assert counts == [13, 0, 0, 0, 0]


async def test_what_a_user_wrote_between_reading_and_replacing_stays(auth, monkeypatch):
    secrets = await hold_secrets(auth, 2)
    await auth.secret_keys.ensure()
    changed, newer = next(iter(secrets)), os.urandom(20)
    replace = auth.secret_keys._store.replace

    async def somebody_is_faster(of, changes):
        if of.table == "mfa_credentials":
            sealed = auth.sealer.seal(newer, *PLACE, changed)
            await auth.execute("UPDATE mfa_credentials SET secret_sealed = %s WHERE id = %s", sealed, changed)
        return await replace(of, changes)

    monkeypatch.setattr(auth.secret_keys._store, "replace", somebody_is_faster)
    assert await auth.secret_keys.seal_anew() == 1 + 1, "the other app, and the signing key"
    assert await opened(auth) == {**secrets, changed: newer}


async def test_a_row_that_does_not_open_stops_nobody_else(auth, admin):
    secrets = await hold_secrets(auth, 3)
    broken = next(iter(secrets))
    await auth.execute("UPDATE mfa_credentials SET secret_sealed = 'v1.gone.AAAA' WHERE id = %s", broken)
    await auth.secret_keys.ensure()
    assert await auth.secret_keys.seal_anew() == 2 + 1
    assert await auth.execute("SELECT secret_sealed FROM mfa_credentials WHERE id = %s", broken) == [("v1.gone.AAAA",)]


async def test_another_key_file_seals_the_data_keys_anew_and_the_old_one_may_go(auth):
    await auth.secret_keys.ensure()
    secrets = await hold_secrets(auth, 2)
    new = os.urandom(32)
    both, alone = SecretSealer(KeyRing((new, auth.key))), SecretSealer(KeyRing((new,)))
    await auth.secret_keys.seal_anew()
    with pytest.raises(DataLoss, match="NOVACRON_KEY_FILE lacks"):
        await SecretKeys(auth.database, alone, auth.tenants_store, auth.audit).read()
    going_over = SecretKeys(auth.database, both, auth.tenants_store, auth.audit)
    await going_over.read()
    await going_over.seal_anew()
    await SecretKeys(auth.database, alone, auth.tenants_store, auth.audit).ensure()
    assert await opened(auth, alone) == secrets


async def test_an_envelope_opens_in_its_own_row_only_and_only_who_may_turns_a_ring(auth):
    await auth.secret_keys.ensure()
    envelope = auth.sealer.seal(b"secret", *PLACE, 1)
    assert auth.sealer.open(envelope, *PLACE, 1) == b"secret"
    for wrong in ((*PLACE, 2), ("users", "secret_sealed", 1)):
        with pytest.raises(DataLoss, match="belongs to another row"):
            auth.sealer.open(envelope, *wrong)
    with pytest.raises(DataLoss, match="not in the ring"):
        auth.sealer.open(f"v2.{uuid4()}.AAAA", *PLACE, 1)
    replicas = [
        SecretKeys(auth.database, SecretSealer(KeyRing((auth.key,))), auth.tenants_store, auth.audit) for _ in range(5)
    ]
    await asyncio.gather(*(replica.ensure() for replica in replicas))
    assert await auth.execute("SELECT count(*) FROM secret_keys") == [(1,)]
    await auth.user("olga", Role.OPERATOR)
    stub = auth.as_user((await auth.login("olga")).access_token, SigningKeyServiceStub)
    with pytest.raises(PermissionDenied, match="secret-key:rotate"):
        await stub.RotateSecretKeys(RotateSecretKeysRequest())
