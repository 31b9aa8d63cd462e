"""Login: who gets in, what the others are told, and what is counted."""

import asyncio
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from argon2 import PasswordHasher

from novacron.api.auth.v1 import USER_ROLE_OPERATOR, LoginRequest
from novacron.errors import Internal, InvalidArgument, Overloaded, Unauthenticated
from novacron_auth.settings import AuthSettings
from novacron_auth.users.account import Role
from novacron_auth.users.passwords import Passwords

from .refusals import refused


async def failures(auth, account):
    return (await auth.execute("SELECT failed_login_attempts FROM users WHERE id = %s", account.user_id))[0][0]


async def test_a_login_answers_with_the_user_and_a_token_of_five_minutes(auth):
    account = await auth.user(role=Role.OPERATOR)
    before = datetime.now(UTC)
    answer = await auth.login()
    assert answer.user.user_id == str(account.user_id)
    assert answer.user.tenant_id == str(account.tenant_id)
    assert (answer.user.username, answer.user.email) == ("alice", "alice@example.org")
    assert answer.user.role == USER_ROLE_OPERATOR
    assert answer.user.last_login.ToDatetime(UTC) >= before - timedelta(seconds=1)
    left = answer.expires_at.ToDatetime(UTC) - before
    assert timedelta(minutes=4, seconds=58) < left <= timedelta(minutes=5, seconds=1)


async def test_the_token_is_an_access_token_of_rfc_9068_with_every_claim(auth):
    account = await auth.user()
    token = (await auth.login()).access_token
    header = jwt.get_unverified_header(token)
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (header["typ"], header["alg"]) == ("at+jwt", "EdDSA")
    assert header["kid"] in {key.kid for key in await auth.keyring.published()}
    assert claims["exp"] - claims["iat"] == 300
    named = {claims["sub"], claims["tid"], claims["name"], claims["aud"], claims["iss"]}
    assert named == {str(account.user_id), str(account.tenant_id), "alice", "novacron"}
    assert {"sid", "jti"} <= claims.keys()
    again = jwt.decode((await auth.login()).access_token, options={"verify_signature": False})
    assert again["jti"] != claims["jti"]
    assert again["sid"] != claims["sid"]


@pytest.mark.parametrize("written", ["alice", "ALICE", "Alice", "ＡＬＩＣＥ"])
async def test_a_name_is_the_same_in_any_case_and_width(auth, written):
    await auth.user()
    assert (await auth.login(written)).user.username == "alice"


async def test_the_same_name_in_two_tenants_is_two_users(auth):
    here = await auth.user(tenant="default", password="the password here")
    there = await auth.user(tenant="other", password="the password there")
    assert (await auth.login("alice", "the password here")).user.user_id == str(here.user_id)
    assert (await auth.login("alice", "the password there", "other")).user.user_id == str(there.user_id)
    await refused(auth.login("alice", "the password there"))


async def test_a_password_typed_on_another_keyboard_is_the_same_password(auth):
    await auth.user(password="caf\u00e9 noir")
    await auth.login(password="cafe\u0301 noir")


async def test_every_cause_of_a_refusal_gets_the_same_answer_to_the_byte(auth, lockout, password):
    await auth.user("alice")
    disabled = await auth.user("disabled")
    await auth.execute("UPDATE users SET disabled_at = now() WHERE id = %s", disabled.user_id)
    await auth.user("locked")
    for _ in range(lockout.attempts):
        await refused(auth.login("locked", "wrong"))
    await auth.user("dave", tenant="closed")
    await auth.execute("UPDATE tenants SET disabled_at = now() WHERE name = 'closed'")
    answers = [
        await refused(auth.login("alice", "wrong")),
        await refused(auth.login("nobody", password)),
        await refused(auth.login("disabled", password)),
        await refused(auth.login("locked", password)),
        await refused(auth.login("alice", password, "no-such-tenant")),
        await refused(auth.login("dave", password, "closed")),
        await refused(auth.login("al\0ice", password)),
        await refused(auth.login("alice", password, "de\0fault")),
        await refused(auth.login("ﷺ" * 255, password)),
    ]
    assert all(answer == answers[0] for answer in answers)
    assert "do not match" in answers[0].message


async def test_the_audit_log_knows_every_cause_that_the_caller_is_not_told(auth, lockout, password):
    account = await auth.user()
    await refused(auth.login("nobody"))
    await refused(auth.login(tenant="nowhere"))
    for _ in range(lockout.attempts):
        await refused(auth.login(password="wrong"))
    await refused(auth.login())
    await auth.execute("UPDATE users SET locked_until = NULL")
    await auth.login()
    await auth.execute("UPDATE users SET disabled_at = now()")
    await refused(auth.login())
    rows = await auth.execute(
        "SELECT success, error_message, user_id, metadata FROM auth_audit_log WHERE action = 'login' ORDER BY created_at"
    )
    assert [row[1] for row in rows] == [
        "unknown user",
        "unknown tenant",
        *["wrong password"] * lockout.attempts,
        "locked",
        None,
        "disabled",
    ]
    assert [row[0] for row in rows].count(True) == 1
    assert {row[2] for row in rows} == {None, account.user_id}
    assert [row[3].get("locked") for row in rows[2:7]] == ["false"] * (lockout.attempts - 1) + ["true"]


async def test_an_unknown_user_costs_the_same_hash_as_a_wrong_password(auth, monkeypatch):
    await auth.user()
    hashed = []
    verify = PasswordHasher.verify
    monkeypatch.setattr(PasswordHasher, "verify", lambda self, *a: hashed.append(a[0]) or verify(self, *a))
    for username, tenant in [("alice", ""), ("nobody", ""), ("alice", "nowhere")]:
        await refused(auth.login(username, "wrong", tenant))
    assert len(hashed) == 3
    assert len({text.split("$")[3] for text in hashed}) == 1, "with the same parameters"


async def test_fifty_wrong_guesses_at_once_are_counted_exactly_and_all_written(auth):
    account = await auth.user()
    stub = auth.as_user()
    guesses = (stub.Login(LoginRequest(username="alice", password=f"guess {n}"), timeout=30) for n in range(50))
    results = await asyncio.gather(*guesses, return_exceptions=True)
    assert {type(result) for result in results} == {Unauthenticated}
    assert await failures(auth, account) == 50
    written = await auth.execute("SELECT count(*) FROM auth_audit_log WHERE user_id = %s", account.user_id)
    assert written[0][0] == 50
    assert await auth.audit.verify(account.tenant_id) is None


async def test_a_lock_is_not_extended_by_guessing_on_and_ends_by_itself(auth, lockout):
    account = await auth.user()

    async def locked_until():
        return (await auth.execute("SELECT locked_until FROM users"))[0][0]

    for _ in range(lockout.attempts - 1):
        await refused(auth.login(password="wrong"))
    assert await locked_until() is None
    await refused(auth.login(password="wrong"))
    until = await locked_until()
    assert timedelta(minutes=14) < until - datetime.now(UTC) <= lockout.pause
    await refused(auth.login(password="wrong"))
    assert await locked_until() == until
    # The end of the lock is only a time: nobody has to lift it.
    await auth.execute("UPDATE users SET locked_until = now() - interval '1 second'")
    await refused(auth.login(password="wrong"))
    assert await failures(auth, account) == 1
    await auth.login()
    assert await failures(auth, account) == 0


async def test_a_right_password_sets_the_counter_back_and_keeps_one_session_per_login(auth):
    account = await auth.user()
    await refused(auth.login(password="wrong"))
    await asyncio.gather(*(auth.login() for _ in range(5)))
    assert await failures(auth, account) == 0
    sessions = await auth.execute("SELECT ip_address, user_agent FROM user_sessions")
    assert len(sessions) == 5
    assert all(str(address) in ("127.0.0.1", "::1") and "grpc-python" in agent for address, agent in sessions)


async def test_a_login_whose_audit_entry_cannot_be_written_does_not_happen(auth):
    account = await auth.user()
    await auth.execute("ALTER TABLE auth_audit_log ADD CONSTRAINT full_disk CHECK (false) NOT VALID")
    for password in ("correct horse battery staple", "wrong"):
        with pytest.raises(Internal):
            await auth.login(password=password)
    assert await auth.execute("SELECT last_login FROM users") == [(None,)]
    assert await auth.execute("SELECT id FROM user_sessions") == []
    assert await failures(auth, account) == 0


@pytest.mark.parametrize(
    ("field", "request_"),
    [
        ("username", LoginRequest(password="x")),
        ("password", LoginRequest(username="x")),
        ("username", LoginRequest(username="x" * 10_000, password="x")),
        ("password", LoginRequest(username="x", password="x" * 1025)),
        ("tenant", LoginRequest(username="x", password="x", tenant="x" * 256)),
    ],
)
async def test_a_missing_or_oversized_field_is_named_and_nothing_is_written(auth, field, request_):
    with pytest.raises(InvalidArgument) as caught:
        await auth.as_user().Login(request_)
    assert [one.field for one in caught.value.violations] == [field]
    assert await auth.execute("SELECT id FROM auth_audit_log") == []


async def test_a_password_of_1024_characters_is_a_password(auth):
    await auth.user(password="ü" * 1024)
    await auth.login(password="ü" * 1024)
    await refused(auth.login(password="ü" * 1023))


async def test_more_logins_than_fit_the_queue_are_told_to_come_back_and_not_counted(auth):
    auth.passwords = auth.logins._passwords = Passwords(PasswordHasher(4, 65_536, 1), threads=1, queue=1)
    account = await auth.user()
    stub = auth.as_user()
    results = await asyncio.gather(
        *(stub.Login(LoginRequest(username="alice", password="wrong"), timeout=30) for _ in range(20)),
        return_exceptions=True,
    )
    tried = [result for result in results if isinstance(result, Unauthenticated)]
    shed = [result for result in results if isinstance(result, Overloaded)]
    assert shed
    assert len(tried) + len(shed) == 20
    assert shed[0].retry_after_seconds == 1.0
    assert await failures(auth, account) == len(tried)


async def test_a_hash_of_weaker_parameters_is_made_anew_by_its_next_login(auth):
    await auth.user()
    stronger = auth.logins._passwords = Passwords(PasswordHasher(2, 64, 1), threads=1, queue=10)
    await auth.login()
    (hashed,) = (await auth.execute("SELECT password_hash FROM users"))[0]
    assert "m=64,t=2,p=1" in hashed
    await auth.login()
    assert await auth.execute("SELECT password_hash FROM users") == [(hashed,)]
    stronger.close()


async def test_a_damaged_hash_lets_nobody_in(auth):
    await auth.user()
    await auth.execute("UPDATE users SET password_hash = '$argon2id$damaged'")
    await refused(auth.login())


async def test_the_service_hashes_with_argon2id_at_19_mib_in_two_passes(tmp_path):
    settings = AuthSettings(database_url="postgresql://nobody@localhost/none", key_file=tmp_path / "key")
    passwords = Passwords.from_settings(settings)
    assert (await passwords.hash("secret")).startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    passwords.close()
