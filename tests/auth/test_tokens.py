"""Tokens: which are believed, here and by every other service, and for how long."""

import asyncio
import base64
import hmac
import json
import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from novacron.api.auth.v1 import (
    GetJwksRequest,
    GetUserPermissionsRequest,
    ValidateTokenRequest,
)
from novacron.cache import InvalidationBus, TieredCache
from novacron.errors import InvalidArgument, NovacronError, PermissionDenied, Unauthenticated
from novacron.rpc.authentication import AuthClient
from novacron.testing.patience import eventually
from novacron_auth.keys.keyring import Keyring
from novacron_auth.keys.signing_key import KeyState
from novacron_auth.keys.store import KeyStore
from novacron_auth.keys.tokens import Tokens
from novacron_auth.sessions.session import Session
from novacron_auth.users.account import Role


class At:
    """A clock that stands at a time."""

    def __init__(self, now):
        self._now = now

    def now(self):
        return self._now

    def monotonic(self):
        return 0.0


def validate(auth, token):
    return auth.as_service().ValidateToken(ValidateTokenRequest(access_token=token))


def auth_client(auth, redis=None):
    """What every other service has: the shared client, over the mesh, with its cache."""
    cache = TieredCache("permissions", ttl_seconds=60, redis=redis)
    return AuthClient(auth.servers.as_service(auth.server, "vm"), cache), cache


def encoded(part):
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def resigned(token, sign, *, header=None, **claims):
    """The token with other claims and headers, by hand: no library would write some of these. None takes one out."""
    changed = {**jwt.get_unverified_header(token), **(header or {})}
    payload = {**jwt.decode(token, options={"verify_signature": False}), **claims}
    parts = [{name: value for name, value in part.items() if value is not None} for part in (changed, payload)]
    text = ".".join(encoded(part) for part in parts)
    return f"{text}.{encoded(sign(text.encode()))}"


async def test_a_token_names_its_user_its_session_and_its_end(auth):
    account = await auth.user()
    login = await auth.login()
    answer = await validate(auth, login.access_token)
    assert answer.user == login.user
    assert answer.user.user_id == str(account.user_id)
    assert answer.expires_at == login.expires_at
    assert answer.session_id == str((await auth.execute("SELECT id FROM user_sessions"))[0][0])


async def test_another_service_verifies_a_token_itself_and_asks_for_its_permissions(auth):
    account = await auth.user(role=Role.VIEWER)
    token = (await auth.login()).access_token
    client, _ = auth_client(auth)
    subject = await client.subject(token)
    assert (subject.user_id, subject.tenant_id, subject.username) == (account.user_id, account.tenant_id, "alice")
    assert "vm:read" in await client.permissions(subject)


async def test_every_token_that_is_not_quite_ours_is_refused_here_and_by_other_services(auth):
    await auth.user()
    token = (await auth.login()).access_token
    _, key = await auth.keyring.signer()
    public = key.public_key()
    ours = key.sign
    now = int(time.time())
    head, body, signature = token.split(".")
    deep = f"{encoded(b'[' * 3000)}.{body}.{signature}"
    forged = {
        "another key under our key id": resigned(token, Ed25519PrivateKey.generate().sign),
        "our key under an unknown key id": resigned(token, ours, header={"kid": str(uuid4())}),
        "no key id": resigned(token, ours, header={"kid": None}),
        "a key id that is no text": resigned(token, ours, header={"kid": ["a"]}),
        "another type": resigned(token, ours, header={"typ": "JWT"}),
        "expired": resigned(token, ours, exp=now - 1),
        "an end that is no time": resigned(token, ours, exp="soon"),
        "from the future": resigned(token, ours, iat=now + 3600),
        "for another audience": resigned(token, ours, aud="somebody else"),
        "without an audience": resigned(token, ours, aud=None),
        "without an end": resigned(token, ours, exp=None),
        "without a session": resigned(token, ours, sid=None),
        "a user that is no id": resigned(token, ours, sub="admin"),
        "a user that is no text": resigned(token, ours, sub=7),
        "HS256 with our public key as its secret": resigned(
            token,
            lambda text: hmac.digest(public.public_bytes_raw(), text, "sha256"),
            header={"alg": "HS256"},
        ),
        "alg none": resigned(token, lambda _: b"", header={"alg": "none"}),
        "a header of another algorithm over our signature": resigned(token, ours, header={"alg": "ES256"}),
        "no signature": f"{head}.{body}.",
        "a flipped signature": f"{head}.{body}.{signature[:5]}{'A' if signature[5] != 'A' else 'B'}{signature[6:]}",
        "a header as deep as the parser's stack": deep,
        "nonsense": "nonsense",
        "dots": "..",
        "not base64": "ä.ö.ü",
    }
    client, _ = auth_client(auth)
    answers = set()
    for what, text in forged.items():
        for believe in (validate(auth, text), client.subject(text)):
            try:
                await believe
                pytest.fail(f"believed: {what}")
            except Unauthenticated as error:
                answers.add(error.message)
            except NovacronError as error:
                pytest.fail(f"{what}: {error!r}")
    assert answers == {"the token is not valid: log in again"}
    await validate(auth, token)


async def test_a_token_ends_by_itself_and_never_outlives_its_session(auth):
    account = await auth.user()
    long_ago = Tokens(auth.keyring, timedelta(minutes=5), At(datetime.now(UTC) - timedelta(minutes=6)))
    session = Session(uuid4(), account, datetime.now(UTC) + timedelta(hours=1))
    with pytest.raises(Unauthenticated):
        await auth.tokens.verify((await long_ago.issue(session)).text)
    ending = Session(uuid4(), account, datetime.now(UTC) + timedelta(minutes=1))
    token = await auth.tokens.issue(ending)
    assert token.expires_at <= ending.expires_at
    assert token.text not in repr(token)


@pytest.mark.parametrize(
    "ended",
    [
        "UPDATE user_sessions SET revoked_at = now()",
        "UPDATE user_sessions SET created_at = now() - interval '2 days', expires_at = now() - interval '1 second'",
        "DELETE FROM user_sessions",
        "UPDATE users SET disabled_at = now()",
        "UPDATE tenants SET disabled_at = now()",
        "DELETE FROM users",
    ],
)
async def test_a_token_is_worth_nothing_once_its_session_its_user_or_its_tenant_is_gone(auth, ended):
    account = await auth.user(role=Role.ADMIN)
    token = (await auth.login()).access_token
    client, _ = auth_client(auth)
    subject = await client.subject(token)
    await auth.execute(ended)
    with pytest.raises(Unauthenticated):
        await validate(auth, token)
    with pytest.raises(Unauthenticated):
        await auth.as_user(token).GetUserPermissions(GetUserPermissionsRequest(user_id=str(account.user_id)))
    with pytest.raises(Unauthenticated):
        await client.permissions(subject)


async def test_a_revoked_session_is_refused_elsewhere_as_soon_as_the_bus_has_told(make_auth, redis):
    auth = await make_auth(redis)
    account = await auth.user()
    kept, ended = [(await auth.login()).access_token for _ in range(2)]
    client, cache = auth_client(auth, redis)
    bus = InvalidationBus(redis, (cache,))
    await bus.start()
    await asyncio.wait_for(bus.connected.wait(), 5)
    subject = await client.subject(ended)
    assert await client.permissions(subject)

    await auth.revoke(account, subject.session_id)

    async def refused():
        try:
            await client.permissions(subject)
        except Unauthenticated:
            return True

    await eventually(refused, within=1.0)
    assert await client.permissions(await client.subject(kept)), "the user's other session goes on"
    await bus.stop()
    ((metadata,),) = await auth.execute("SELECT metadata FROM auth_audit_log WHERE action = 'session.revoke'")
    assert metadata["session_id"] == str(subject.session_id)
    assert metadata["reason"] == "test"


async def test_the_published_keys_verify_a_token_and_hold_no_private_half(auth):
    await auth.user()
    token = (await auth.login()).access_token
    answer = await auth.as_user().GetJwks(GetJwksRequest())
    assert answer == await auth.as_service("registry").GetJwks(GetJwksRequest())
    (key,) = answer.keys
    assert (key.kty, key.crv, key.alg, key.use) == ("OKP", "Ed25519", "EdDSA", "sig")
    public = jwt.PyJWK({"kty": key.kty, "crv": key.crv, "x": key.x, "alg": key.alg}).key
    assert jwt.decode(token, public, algorithms=["EdDSA"], audience="novacron")["name"] == "alice"
    assert jwt.get_unverified_header(token)["kid"] == key.kid


async def test_a_rotation_in_the_database_reaches_a_running_replica_without_a_failed_token(auth):
    account = await auth.user()
    old = (await auth.login()).access_token
    await auth.execute("UPDATE signing_keys SET state = 'secondary'")
    other_replica = Keyring(KeyStore(auth.database), auth.sealer)
    await other_replica.ensure_primary()
    new = await Tokens(other_replica, timedelta(minutes=5)).issue(
        Session(
            (await auth.tokens.verify(old)).subject.session_id,
            account,
            datetime.now(UTC) + timedelta(hours=1),
        )
    )

    async def known():
        return await validate(auth, new.text)

    await eventually(known, within=5.0)
    await validate(auth, old)
    assert {key.state for key in await auth.keyring.published()} == {KeyState.PRIMARY, KeyState.SECONDARY}


async def test_replicas_that_start_at_once_agree_on_one_first_key(auth):
    await auth.execute("DELETE FROM signing_keys")
    replicas = [Keyring(KeyStore(auth.database), auth.sealer) for _ in range(8)]
    await asyncio.gather(*(replica.ensure_primary() for replica in replicas))
    assert len({(await replica.signer())[0] for replica in replicas}) == 1
    assert await auth.execute("SELECT count(*) FROM signing_keys") == [(1,)]


async def test_validating_needs_a_caller_and_a_token_to_look_at(auth):
    await auth.user()
    token = (await auth.login()).access_token
    request = ValidateTokenRequest(access_token=token)
    await auth.as_user(token).ValidateToken(request)
    with pytest.raises(Unauthenticated, match="Bearer"):
        await auth.as_user().ValidateToken(request)
    with pytest.raises(Unauthenticated):
        await auth.as_user("nonsense").ValidateToken(request)
    with pytest.raises(PermissionDenied, match="agent may not call"):
        await auth.as_service("agent/node-1").ValidateToken(request)
    for text in ("", "x" * 8193):
        with pytest.raises(InvalidArgument) as caught:
            await auth.as_user(token).ValidateToken(ValidateTokenRequest(access_token=text))
        assert caught.value.violations[0].field == "access_token"
