"""Security keys: how one is registered and shown, and everything that is no answer of it."""

import asyncio
import json

import pytest

from novacron.api.auth.v1 import (
    AUTHENTICATION_METHOD_MFA,
    MFA_TYPE_WEBAUTHN,
    SECURITY_EVENT_TYPE_SECURITY_KEY_COPIED,
    BeginWebauthnAssertionRequest,
    BeginWebauthnRegistrationRequest,
    ConfirmTotpRequest,
    DeleteMfaCredentialRequest,
    EnrollTotpRequest,
    FinishWebauthnRegistrationRequest,
    GenerateRecoveryCodesRequest,
    ListMfaCredentialsRequest,
    ListSecurityEventsRequest,
    LoginRequest,
    MfaServiceStub,
    ResetMfaRequest,
    SessionServiceStub,
    VerifyWebauthnAssertionRequest,
)
from novacron.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, Unauthenticated
from novacron.settings import SettingsError
from novacron_auth.mfa.relying_party import RelyingParty
from novacron_auth.users.account import Role

from . import authenticator_app
from .refusals import bad_field, refused
from .security_key import ORIGIN, PRESENT, SETTINGS, SecurityKey, begin, options, register


@pytest.fixture
async def auth(make_auth):
    return await make_auth(**SETTINGS)


@pytest.fixture
async def registered(auth, token, password):
    return await register(auth, token, password)


@pytest.fixture
def key(registered):
    return registered[0]


async def forgive(auth):
    """As if the failures of a test so far were long ago."""
    await auth.execute("DELETE FROM login_throttles")
    await auth.execute("UPDATE users SET locked_until = NULL, failed_login_attempts = 0")


async def test_a_key_is_registered_by_a_browser_and_shown_at_the_login(auth, alice, token, mfa, password):
    asked = json.loads(await begin(auth, token, password))
    assert asked["rp"] == {"id": "example.org", "name": "NovaCron"}
    assert asked["attestation"] == "none"
    assert asked["authenticatorSelection"]["residentKey"] == "required"
    other = (await auth.login()).access_token
    key, _, codes = await register(auth, token, password)
    assert len(set(codes)) == 10
    with pytest.raises(Unauthenticated):
        await auth.tokens_of(other)
    (shown,) = (await mfa.ListMfaCredentials(ListMfaCredentialsRequest())).mfa_credentials
    assert (shown.name, shown.type, shown.HasField("confirmed_at")) == ("blue key", MFA_TYPE_WEBAUTHN, True)
    await refused(auth.login())
    login = await auth.login(webauthn_assertion=key.get(await options(auth)))
    assert login.session.authentication_method == AUTHENTICATION_METHOD_MFA
    assert not login.second_factor_needed
    (shown,) = (await mfa.ListMfaCredentials(ListMfaCredentialsRequest())).mfa_credentials
    assert shown.HasField("last_used_at")
    # A recovery code stands in for a key as it does for an app.
    await auth.login(one_time_code=codes[0])


async def test_the_options_of_a_login_are_the_same_for_everybody_but_the_challenge(auth, key):
    first, second = json.loads(await options(auth)), json.loads(await options(auth))
    assert first.pop("challenge") != second.pop("challenge")
    assert first == second
    assert first["allowCredentials"] == []
    assert first["rpId"] == "example.org"


LIES = {
    "another origin": {"client": {"origin": "https://console.example.org.evil.example"}},
    "the origin over http": {"client": {"origin": "http://console.example.org"}},
    "another domain's key": {"rp_id": "evil.example"},
    "another challenge": {"client": {"challenge": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}},
    "another site's frame": {"client": {"crossOrigin": True}},
    "a registration": {"client": {"type": "webauthn.create"}},
    "nobody present": {"flags": 0},
    "a flipped signature": {"flip": 1},
    "another user's handle": {"user_handle": bytes(16)},
}


async def test_whatever_is_wrong_about_an_answer_is_told_like_a_wrong_password(auth, key, password):
    wrong = await refused(auth.login(password="wrong"))
    answers = {name: key.get(await options(auth), **lie) for name, lie in LIES.items()}
    answers |= {"nothing": "", "no JSON": "{", "a list": "[]", "a number": "7", "an empty object": "{}"}
    half = json.loads(key.get(await options(auth)))
    half["response"]["clientDataJSON"] = "bnVsbA"
    answers |= {"empty client data": json.dumps(half)}
    for name, answer in answers.items():
        await forgive(auth)
        assert await refused(auth.login(webauthn_assertion=answer)) == wrong, name
    await forgive(auth)
    right = key.get(await options(auth))
    assert await refused(auth.login("nobody", webauthn_assertion=right)) == wrong
    causes = await auth.execute(
        "SELECT DISTINCT error_message FROM auth_audit_log WHERE action = 'login' AND NOT success ORDER BY 1"
    )
    assert causes == [("second factor",), ("unknown user",), ("wrong password",)]
    await auth.login(webauthn_assertion=key.get(await options(auth), flags=PRESENT))


async def test_an_answer_works_once_whatever_comes_of_it(auth, key):
    answer = key.get(await options(auth))
    await auth.login(webauthn_assertion=answer)
    await refused(auth.login(webauthn_assertion=answer))
    # Who answers with a wrong password has used the challenge up, and not the counter.
    asked = await options(auth)
    await refused(auth.login(password="wrong", webauthn_assertion=key.get(asked)))
    await refused(auth.login(webauthn_assertion=key.get(asked)))
    await auth.login(webauthn_assertion=key.get(await options(auth)))


async def test_of_twenty_logins_with_one_answer_exactly_one_begins_a_session(auth, key, password):
    answer, stub = key.get(await options(auth)), auth.as_user()
    request = LoginRequest(username="alice", password=password, webauthn_assertion=answer)
    results = await asyncio.gather(*(stub.Login(request, timeout=30) for _ in range(20)), return_exceptions=True)
    assert [isinstance(one, Unauthenticated) for one in results].count(False) == 1


async def test_a_challenge_expires(auth, key):
    asked = await options(auth)
    await auth.execute("UPDATE webauthn_challenges SET expires_at = now()")
    await refused(auth.login(webauthn_assertion=key.get(asked)))
    await options(auth)
    assert await auth.execute("SELECT count(*) FROM webauthn_challenges") == [(1,)]


async def test_a_key_is_its_users_alone(auth, key, password):
    await auth.user("bob")
    bobs, _, _ = await register(auth, (await auth.login("bob")).access_token, password)
    await refused(auth.login("bob", webauthn_assertion=key.get(await options(auth))))
    # Nor does it help to say that it is bob's, or to name bob's key and sign with one's own.
    await refused(auth.login("bob", webauthn_assertion=key.get(await options(auth), user_handle=bobs.user_handle)))
    forged = json.loads(key.get(await options(auth), user_handle=bobs.user_handle))
    forged["id"] = forged["rawId"] = json.loads(bobs.get(await options(auth)))["id"]
    await refused(auth.login("bob", webauthn_assertion=json.dumps(forged)))
    await auth.login("bob", webauthn_assertion=bobs.get(await options(auth)))


async def test_a_counter_that_goes_back_is_refused_and_told_as_a_copy(auth, alice, token, key):
    await auth.login(webauthn_assertion=key.get(await options(auth)))
    for counter in (key.counter, key.counter - 1, 0):
        await refused(auth.login(webauthn_assertion=key.get(await options(auth), counter=counter)))
        key.counter -= 1
    stub = auth.as_user(token, SessionServiceStub)
    events = (await stub.ListSecurityEvents(ListSecurityEventsRequest())).security_events
    copied = [one for one in events if one.event_type == SECURITY_EVENT_TYPE_SECURITY_KEY_COPIED]
    assert len(copied) == 3
    causes = await auth.execute("SELECT error_message FROM auth_audit_log WHERE action = 'login' AND NOT success")
    assert causes == [("copied security key",)] * 3
    # The real one is ahead of what was taken, and goes on.
    await auth.login(webauthn_assertion=key.get(await options(auth), counter=100))


async def test_a_key_that_does_not_count_is_taken_again_and_again(auth, token, password):
    key, _, _ = await register(auth, token, password, SecurityKey())
    for _ in range(2):
        await auth.login(webauthn_assertion=key.get(await options(auth)))


async def test_wrong_answers_lock_the_account_as_wrong_passwords_do(auth, key, lockout):
    for _ in range(lockout.attempts):
        await refused(auth.login(webauthn_assertion=key.get(await options(auth), flip=1)))
    await refused(auth.login(webauthn_assertion=key.get(await options(auth))))


async def test_a_registration_is_of_who_began_it_once_and_at_our_site(auth, alice, token, mfa, password):
    async def finish(stub, credential):
        with pytest.raises(InvalidArgument) as caught:
            await stub.FinishWebauthnRegistration(FinishWebauthnRegistrationRequest(credential=credential))
        assert bad_field(caught) == ["credential"]

    await auth.user("bob")
    bob = auth.as_user((await auth.login("bob")).access_token, MfaServiceStub)
    asked = await begin(auth, token, password)
    await finish(bob, SecurityKey().create(asked))
    await finish(mfa, SecurityKey().create(await options(auth) and asked, client={"origin": "https://evil.example"}))
    # It was answered: what comes now is too late.
    await finish(mfa, SecurityKey().create(asked))
    for lie in (
        {"rp_id": "evil.example"},
        {"client": {"type": "webauthn.get"}},
        {"client": {"crossOrigin": True}},
        {"flags": PRESENT},
        {"flags": 0x44},
        {"statement": {"sig": b"x"}},
    ):
        await finish(mfa, SecurityKey().create(await begin(auth, token, password), **lie))
    late = await begin(auth, token, password)
    await auth.execute("UPDATE webauthn_challenges SET expires_at = now()")
    await finish(mfa, SecurityKey().create(late))
    # A challenge for showing a key registers none, and the other way round.
    shown = {**json.loads(late), "challenge": json.loads(await options(auth))["challenge"]}
    await finish(mfa, SecurityKey().create(json.dumps(shown)))
    for garbage in ("{", "[]", "null", '{"id": 7}'):
        await finish(mfa, garbage)
    assert not (await mfa.ListMfaCredentials(ListMfaCredentialsRequest())).mfa_credentials


async def test_a_registrations_challenge_lets_nobody_in(auth, token, key, password):
    asked = await begin(auth, token, password)
    await refused(auth.login(webauthn_assertion=key.get(asked)))


async def test_one_key_is_registered_once(auth, token, mfa, key, password):
    asked = await begin(auth, token, password)
    assert len(json.loads(asked)["excludeCredentials"]) == 1
    with pytest.raises(AlreadyExists):
        await mfa.FinishWebauthnRegistration(FinishWebauthnRegistrationRequest(credential=key.create(asked)))


async def test_a_stolen_token_alone_adds_no_key(auth, token, mfa):
    with pytest.raises(InvalidArgument) as caught:
        await mfa.BeginWebauthnRegistration(BeginWebauthnRegistrationRequest(password="wrong"))
    assert bad_field(caught) == ["password"]


async def test_who_has_a_factor_adds_another_only_in_a_session_that_has_shown_it(auth, token, mfa, key, password):
    app, app_id = await authenticator_app.begin(auth, token, password)
    await auth.execute("UPDATE user_sessions SET second_factor = false")
    waiting = SecurityKey()
    for call in (
        mfa.EnrollTotp(EnrollTotpRequest(password=password)),
        mfa.ConfirmTotp(ConfirmTotpRequest(mfa_credential_id=app_id, one_time_code=await app.code())),
        mfa.BeginWebauthnRegistration(BeginWebauthnRegistrationRequest(password=password)),
    ):
        with pytest.raises(FailedPrecondition, match="show the second factor"):
            await call
    with pytest.raises(InvalidArgument) as caught:
        answer = key.get(await options(auth), flip=1)
        await mfa.VerifyWebauthnAssertion(VerifyWebauthnAssertionRequest(webauthn_assertion=answer))
    assert bad_field(caught) == ["webauthn_assertion"]
    answer = key.get(await options(auth))
    await mfa.VerifyWebauthnAssertion(VerifyWebauthnAssertionRequest(webauthn_assertion=answer))
    # Now it has, and what is added leaves the recovery codes and the sessions as they are.
    confirmed = await mfa.ConfirmTotp(ConfirmTotpRequest(mfa_credential_id=app_id, one_time_code=await app.code()))
    assert not confirmed.recovery_codes
    assert not (await register(auth, token, password, waiting, "spare"))[2]
    await app.wait()
    await auth.login(one_time_code=await app.code())
    await auth.login(webauthn_assertion=waiting.get(await options(auth)))
    names = [one.name for one in (await mfa.ListMfaCredentials(ListMfaCredentialsRequest())).mfa_credentials]
    assert names == ["blue key", "phone", "spare"]


async def test_one_of_several_is_removed_and_the_last_takes_the_recovery_codes_along(
    auth, alice, token, mfa, registered, password
):
    key, key_id, _ = registered
    spare, spare_id, _ = await register(auth, token, password, SecurityKey(counter=1), "spare")

    async def remove(credential_id, **shown):
        request = DeleteMfaCredentialRequest(mfa_credential_id=credential_id, password=password, **shown)
        await mfa.DeleteMfaCredential(request)

    with pytest.raises(InvalidArgument) as caught:
        await remove(key_id, webauthn_assertion=key.get(await options(auth), flip=1))
    assert bad_field(caught) == ["webauthn_assertion"]
    with pytest.raises(InvalidArgument) as caught:
        await remove(key_id)
    assert bad_field(caught) == ["one_time_code"]
    await remove(key_id, webauthn_assertion=spare.get(await options(auth)))
    await refused(auth.login())
    await refused(auth.login(webauthn_assertion=key.get(await options(auth))))
    assert (await mfa.ListMfaCredentials(ListMfaCredentialsRequest())).recovery_codes_left == 10
    await auth.execute("UPDATE roles SET mfa_required = true WHERE name = 'user' AND tenant_id IS NULL")
    with pytest.raises(FailedPrecondition, match="requires"):
        await remove(spare_id, webauthn_assertion=spare.get(await options(auth)))
    await auth.execute("UPDATE roles SET mfa_required = false WHERE name = 'user' AND tenant_id IS NULL")
    request = GenerateRecoveryCodesRequest(webauthn_assertion=spare.get(await options(auth)))
    codes = (await mfa.GenerateRecoveryCodes(request)).recovery_codes
    await remove(spare_id, one_time_code=codes[0])
    assert (await mfa.ListMfaCredentials(ListMfaCredentialsRequest())).recovery_codes_left == 0
    await auth.login()
    with pytest.raises(NotFound):
        await remove(spare_id, one_time_code=codes[1])
    assert await auth.audit.verify(alice.tenant_id) is None


async def test_an_administrator_takes_lost_keys_away(auth, alice, key):
    await auth.user("root", Role.ADMIN)
    admin = auth.as_user((await auth.login("root")).access_token, MfaServiceStub)
    assert (await admin.ResetMfa(ResetMfaRequest(user_id=str(alice.user_id)))).removed_credentials == 1
    await auth.login()


async def test_without_an_origin_no_keys_are_taken_and_it_is_said_what_to_set(make_auth, password):
    auth = await make_auth()
    await auth.user()
    stub = auth.as_user((await auth.login()).access_token, MfaServiceStub)
    for call in (
        stub.BeginWebauthnRegistration(BeginWebauthnRegistrationRequest(password=password)),
        stub.FinishWebauthnRegistration(FinishWebauthnRegistrationRequest(credential="{}")),
        stub.BeginWebauthnAssertion(BeginWebauthnAssertionRequest()),
        stub.VerifyWebauthnAssertion(VerifyWebauthnAssertionRequest(webauthn_assertion="{}")),
    ):
        with pytest.raises(FailedPrecondition, match="NOVACRON_WEBAUTHN_RP_ID"):
            await call
    await auth.login(webauthn_assertion="{}")


@pytest.mark.parametrize(
    ("rp_id", "origins"),
    [
        ("example.org", ""),
        ("", ORIGIN),
        ("example.org", "https://example.com"),
        ("example.org", "https://badexample.org"),
        ("example.org", "http://example.org"),
        ("example.org", "https://example.org/console"),
        ("example.org", "https://EXAMPLE.org"),
        ("example.org", "https://a@example.org"),
        ("example.org", "https://example.org:x"),
        ("example.org", "console.example.org"),
        ("127.0.0.1", "https://127.0.0.1"),
    ],
)
def test_an_origin_that_no_browser_would_serve_safely_is_refused_at_the_start(rp_id, origins):
    with pytest.raises(SettingsError, match="NOVACRON_WEBAUTHN"):
        RelyingParty.of(rp_id, origins)


def test_origins_are_a_list_and_localhost_needs_no_tls():
    party = RelyingParty.of("localhost", "http://localhost:8080, https://localhost")
    assert party.origins == ("http://localhost:8080", "https://localhost")
    assert RelyingParty.of("", "") is None
