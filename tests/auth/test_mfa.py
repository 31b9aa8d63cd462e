"""Second factors: how they begin, that each code works once, who needs them, and how they end."""

import asyncio
import base64
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

from novacron.api.auth.v1 import (
    AUTHENTICATION_METHOD_MFA,
    ApiKeyServiceStub,
    AuthenticationConfiguration,
    AuthenticationConfigurationServiceStub,
    ConfirmTotpRequest,
    CreateApiKeyRequest,
    DeleteMfaCredentialRequest,
    EnrollTotpRequest,
    GenerateRecoveryCodesRequest,
    GetUserPermissionsRequest,
    ListMfaCredentialsRequest,
    LoginRequest,
    MfaServiceStub,
    ResetMfaRequest,
    UpdateAuthenticationConfigurationRequest,
)
from novacron.errors import DataLoss, FailedPrecondition, InvalidArgument, NotFound, PermissionDenied, Unauthenticated
from novacron_auth.mfa import totp
from novacron_auth.users.account import Role

from .authenticator_app import begin, enroll
from .refusals import bad_field, refused
from .role_callers import admin


async def actions(auth):
    return await auth.execute("SELECT action, success, error_message FROM auth_audit_log ORDER BY created_at, sequence")


@pytest.mark.parametrize(
    ("at", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_the_codes_are_those_of_rfc_6238(at, code):
    assert totp.code_at(b"12345678901234567890", at // 30) == code


def test_a_code_stands_for_its_own_step_and_one_on_either_side_and_no_more():
    secret = totp.new_secret()
    for drift in (-1, 0, 1):
        assert totp.matching_step(secret, totp.code_at(secret, 1000 + drift), 1000, 1) == 1000 + drift
    for drift in (-2, 2):
        assert totp.matching_step(secret, totp.code_at(secret, 1000 + drift), 1000, 1) is None
    assert totp.matching_step(secret, "", 1000, 1) is None
    assert totp.matching_step(secret, "ünf", 1000, 1) is None


async def test_an_app_is_told_its_secret_once_and_counts_only_after_its_first_code(auth, alice, token, mfa, password):
    app, credential_id = await begin(auth, token, password)
    # Begun has no effect: the login goes on without a code.
    await auth.login()
    (shown,) = (await mfa.ListMfaCredentials(ListMfaCredentialsRequest())).mfa_credentials
    assert (shown.name, shown.HasField("confirmed_at")) == ("phone", False)
    with pytest.raises(InvalidArgument) as caught:
        await mfa.ConfirmTotp(ConfirmTotpRequest(mfa_credential_id=credential_id, one_time_code="000000"))
    assert bad_field(caught) == ["one_time_code"]
    answer = await mfa.ConfirmTotp(ConfirmTotpRequest(mfa_credential_id=credential_id, one_time_code=await app.code()))
    assert answer.mfa_credential.HasField("confirmed_at")
    assert len(set(answer.recovery_codes)) == 10
    await refused(auth.login())
    await app.wait()
    login = await auth.login(one_time_code=await app.code())
    assert login.session.authentication_method == AUTHENTICATION_METHOD_MFA
    assert not login.second_factor_needed
    status = await mfa.ListMfaCredentials(ListMfaCredentialsRequest())
    assert (status.recovery_codes_left, status.required) == (10, False)


async def test_the_uri_of_the_app_says_all_that_it_needs(auth, token, password):
    begun = await auth.as_user(token, MfaServiceStub).EnrollTotp(EnrollTotpRequest(password=password))
    parts = urlsplit(begun.uri)
    assert (parts.scheme, parts.netloc, parts.path) == ("otpauth", "totp", "/NovaCron:alice")
    asked = {key: values[0] for key, values in parse_qs(parts.query).items()}
    assert asked == {
        "secret": begun.secret,
        "issuer": "NovaCron",
        "algorithm": "SHA1",
        "digits": "6",
        "period": "30",
    }
    assert len(base64.b32decode(begun.secret + "=" * (-len(begun.secret) % 8))) == 20


async def test_begun_again_before_it_counts_the_secret_is_another_and_afterwards_it_is_refused(
    auth, token, mfa, password
):
    first, first_id = await begin(auth, token, password)
    second, second_id = await begin(auth, token, password)
    with pytest.raises(NotFound):
        await mfa.ConfirmTotp(ConfirmTotpRequest(mfa_credential_id=first_id, one_time_code=await first.code()))
    with pytest.raises(InvalidArgument):
        await mfa.ConfirmTotp(ConfirmTotpRequest(mfa_credential_id=second_id, one_time_code=await first.code()))
    await mfa.ConfirmTotp(ConfirmTotpRequest(mfa_credential_id=second_id, one_time_code=await second.code()))
    with pytest.raises(FailedPrecondition, match="mfa disable"):
        await begin(auth, token, password)


async def test_a_stolen_token_alone_adds_no_factor_and_guesses_are_counted(auth, token, lockout, password):
    for _ in range(lockout.attempts):
        with pytest.raises(InvalidArgument) as caught:
            await begin(auth, token, "wrong")
        assert bad_field(caught) == ["password"]
    with pytest.raises(InvalidArgument):
        await begin(auth, token, password)


async def test_turning_it_on_ends_the_other_sessions_and_keeps_the_one_that_did(auth, token, mfa, password):
    other = (await auth.login()).access_token
    await enroll(auth, token, password)
    await auth.tokens_of(token)
    with pytest.raises(Unauthenticated):
        await auth.tokens_of(other)


async def test_a_code_works_once_and_neither_it_nor_an_older_one_ever_again(auth, token, password):
    app, _, _ = await enroll(auth, token, password)
    now, before = await app.code(), await app.code(-1)
    await auth.login(one_time_code=now)
    await refused(auth.login(one_time_code=now))
    await refused(auth.login(one_time_code=before))
    # The next step's is another code: a clock that is half a minute ahead shows it already.
    await auth.login(one_time_code=await app.code(1))
    await refused(auth.login(one_time_code=now))


async def test_of_twenty_logins_with_one_code_exactly_one_begins_a_session(auth, token, password):
    app, _, _ = await enroll(auth, token, password)
    code, stub = await app.code(), auth.as_user()
    logins = [
        stub.Login(LoginRequest(username="alice", password=password, one_time_code=code), timeout=30) for _ in range(20)
    ]
    results = await asyncio.gather(*logins, return_exceptions=True)
    assert [isinstance(one, Unauthenticated) for one in results].count(False) == 1
    assert await auth.execute("SELECT count(*) FROM user_sessions WHERE second_factor AND revoked_at IS NULL") == [(2,)]


async def test_of_twenty_logins_with_one_recovery_code_exactly_one_begins_a_session(auth, token, mfa, password):
    _, _, codes = await enroll(auth, token, password)
    stub = auth.as_user()
    logins = [
        stub.Login(LoginRequest(username="alice", password=password, one_time_code=codes[0]), timeout=30)
        for _ in range(20)
    ]
    results = await asyncio.gather(*logins, return_exceptions=True)
    assert [isinstance(one, Unauthenticated) for one in results].count(False) == 1
    status = await mfa.ListMfaCredentials(ListMfaCredentialsRequest())
    assert status.recovery_codes_left == 9


async def test_a_code_that_is_missing_wrong_or_used_is_told_like_a_wrong_password_and_counted_like_one(
    auth, alice, token, password
):
    app, _, _ = await enroll(auth, token, password)
    code = await app.code()
    await auth.login(one_time_code=code)
    answers = [
        await refused(auth.login(password="wrong")),
        await refused(auth.login(password="wrong", one_time_code=await app.code(1))),
        await refused(auth.login()),
        await refused(auth.login(one_time_code="000000")),
        await refused(auth.login(one_time_code=code)),
        await refused(auth.login("nobody", one_time_code=code)),
    ]
    assert all(answer == answers[0] for answer in answers)
    causes = [row[2] for row in await actions(auth) if row[0] == "login" and not row[1]]
    assert causes == ["wrong password"] * 2 + ["second factor"] * 3 + ["unknown user"]
    # A code that came with a wrong password was not used up.
    await auth.execute("DELETE FROM login_throttles")
    await auth.execute("UPDATE users SET locked_until = NULL, failed_login_attempts = 0")
    await auth.login(one_time_code=await app.code(1))


async def test_wrong_codes_lock_the_account_as_wrong_passwords_do(auth, token, lockout, password):
    app, _, _ = await enroll(auth, token, password)
    for _ in range(lockout.attempts):
        await refused(auth.login(one_time_code="000000"))
    await refused(auth.login(one_time_code=await app.code()))


async def test_a_recovery_code_stands_in_for_the_app_once_however_it_is_typed(auth, token, password):
    _, _, codes = await enroll(auth, token, password)
    typed = codes[3].upper().replace("-", " ")
    login = await auth.login(one_time_code=typed)
    assert login.session.authentication_method == AUTHENTICATION_METHOD_MFA
    assert "a recovery code stood in" in str(
        await auth.execute("SELECT description FROM security_events WHERE event_type = 'recovery_code_used'")
    )
    await refused(auth.login(one_time_code=codes[3]))
    stored = await auth.execute("SELECT code_hash FROM mfa_recovery_codes")
    assert not any(code.encode() in bytes(row[0]) for row in stored for code in codes)


async def test_a_recovery_code_is_its_users_alone(auth, token, password):
    _, _, codes = await enroll(auth, token, password)
    await auth.user("bob")
    bobs = (await auth.login("bob")).access_token
    await enroll(auth, bobs, password)
    await refused(auth.login("bob", one_time_code=codes[0]))
    await auth.login("alice", one_time_code=codes[0])


async def test_new_recovery_codes_end_the_old_ones_and_take_a_code_of_the_app(auth, token, mfa, password):
    with pytest.raises(FailedPrecondition, match="mfa enroll"):
        await mfa.GenerateRecoveryCodes(GenerateRecoveryCodesRequest(one_time_code="000000"))
    app, _, old = await enroll(auth, token, password)
    with pytest.raises(InvalidArgument):
        await mfa.GenerateRecoveryCodes(GenerateRecoveryCodesRequest(one_time_code="000000"))
    request = GenerateRecoveryCodesRequest(one_time_code=await app.code())
    new = list((await mfa.GenerateRecoveryCodes(request)).recovery_codes)
    assert not set(new) & set(old)
    with pytest.raises(InvalidArgument):
        await mfa.GenerateRecoveryCodes(request)
    await refused(auth.login(one_time_code=old[0]))
    await auth.login(one_time_code=new[0])


async def test_guesses_at_codes_in_a_session_are_counted_exactly_and_locked_out(
    auth, alice, token, mfa, lockout, password
):
    app, _, _ = await enroll(auth, token, password)
    guesses = [
        mfa.GenerateRecoveryCodes(GenerateRecoveryCodesRequest(one_time_code=f"{n:06}"), timeout=30) for n in range(12)
    ]
    results = await asyncio.gather(*guesses, return_exceptions=True)
    assert {type(one) for one in results} == {InvalidArgument}
    causes = [row[2] for row in await actions(auth) if row[0] == "mfa.recovery_codes"]
    assert sorted(causes) == ["locked"] * (12 - lockout.attempts) + ["wrong code"] * lockout.attempts
    with pytest.raises(InvalidArgument):
        await mfa.GenerateRecoveryCodes(GenerateRecoveryCodesRequest(one_time_code=await app.code()))
    # Whoever guesses in a stolen session keeps the owner out of nothing else.
    await auth.login(one_time_code=await app.code())


async def test_it_is_turned_off_with_password_and_code_and_not_with_one_of_them(auth, alice, token, mfa, password):
    app, credential_id, codes = await enroll(auth, token, password)

    def remove(password, code):
        return mfa.DeleteMfaCredential(
            DeleteMfaCredentialRequest(mfa_credential_id=credential_id, password=password, one_time_code=code)
        )

    with pytest.raises(InvalidArgument) as caught:
        await remove("wrong", await app.code())
    assert bad_field(caught) == ["password"]
    with pytest.raises(InvalidArgument) as caught:
        await remove(password, "000000")
    assert bad_field(caught) == ["one_time_code"]
    await remove(password, codes[0])
    await auth.login()
    assert await auth.execute("SELECT count(*) FROM mfa_recovery_codes") == [(0,)]
    with pytest.raises(NotFound):
        await remove(password, codes[1])
    assert {"mfa.enroll", "mfa.enable", "mfa.disable"} <= {row[0] for row in await actions(auth) if row[1]}
    assert await auth.audit.verify(alice.tenant_id) is None


@pytest.fixture(params=["role", "configuration"])
async def requiring(request, auth, alice):
    """Alice's role requires a second factor: by itself, or by the configuration."""
    if request.param == "role":
        await auth.execute("UPDATE roles SET mfa_required = true WHERE name = 'user' AND tenant_id IS NULL")
    else:
        configurations = await admin(auth, stub=AuthenticationConfigurationServiceStub)
        wanted = AuthenticationConfiguration(mfa_required_roles=["user"])
        await configurations.UpdateAuthenticationConfiguration(
            UpdateAuthenticationConfigurationRequest(authentication_configuration=wanted)
        )


async def test_who_needs_a_second_factor_and_has_none_can_only_set_one_up(auth, alice, requiring, password):
    answer = await auth.login()
    assert answer.second_factor_needed
    token, session_id = answer.access_token, answer.session.session_id

    async def permissions():
        request = GetUserPermissionsRequest(user_id=str(alice.user_id), session_id=session_id)
        return (await auth.as_service().GetUserPermissions(request)).permissions

    assert not await permissions()
    with pytest.raises(PermissionDenied):
        await auth.as_user(token, ApiKeyServiceStub).CreateApiKey(CreateApiKeyRequest(name="way round"))
    mfa = auth.as_user(token, MfaServiceStub)
    assert (await mfa.ListMfaCredentials(ListMfaCredentialsRequest())).required
    app, credential_id, _ = await enroll(auth, token, password)
    assert "vm:*" in await permissions(), "the very session has it all now"
    await auth.as_user(token, ApiKeyServiceStub).CreateApiKey(CreateApiKeyRequest(name="the way"))
    with pytest.raises(FailedPrecondition, match="requires"):
        await mfa.DeleteMfaCredential(
            DeleteMfaCredentialRequest(
                mfa_credential_id=credential_id, password=password, one_time_code=await app.code()
            )
        )
    assert not (await auth.login(one_time_code=await app.code())).second_factor_needed


async def test_a_session_that_began_without_is_raised_by_a_code(auth, alice, token, password):
    app, credential_id, _ = await enroll(auth, token, password)
    await auth.execute("UPDATE user_sessions SET second_factor = false")
    mfa = auth.as_user(token, MfaServiceStub)
    with pytest.raises(InvalidArgument):
        await mfa.ConfirmTotp(ConfirmTotpRequest(mfa_credential_id=credential_id, one_time_code="000000"))
    request = ConfirmTotpRequest(mfa_credential_id=credential_id, one_time_code=await app.code())
    assert not (await mfa.ConfirmTotp(request)).recovery_codes
    assert await auth.execute("SELECT second_factor FROM user_sessions") == [(True,)]


async def test_an_administrator_resets_it_and_the_users_sessions_end(auth, alice, token, password):
    await auth.user("root", Role.ADMIN)
    await auth.user("carol", Role.VIEWER)
    await enroll(auth, token, password)
    viewer = auth.as_user((await auth.login("carol")).access_token, MfaServiceStub)
    root = await auth.login("root")
    admin = auth.as_user(root.access_token, MfaServiceStub)
    request = ResetMfaRequest(user_id=str(alice.user_id))
    with pytest.raises(PermissionDenied):
        await viewer.ResetMfa(request)
    with pytest.raises(PermissionDenied):
        await viewer.ListMfaCredentials(ListMfaCredentialsRequest(user_id=str(alice.user_id)))
    assert (await admin.ResetMfa(request)).removed_credentials == 1
    assert (await admin.ResetMfa(request)).removed_credentials == 0
    with pytest.raises(Unauthenticated):
        await auth.tokens_of(token)
    await auth.login()
    with pytest.raises(NotFound):
        await admin.ResetMfa(ResetMfaRequest(user_id=str(uuid4())))
    with pytest.raises(FailedPrecondition, match="mfa disable"):
        await admin.ResetMfa(ResetMfaRequest(user_id=root.user.user_id))
    assert [row[:2] for row in await actions(auth)].count(("mfa.reset", True)) == 2


async def test_a_tenants_administrator_resets_neither_strangers_nor_who_may_do_more(auth, alice):
    root = await auth.user("root", Role.ADMIN)
    boss = await auth.user("boss")
    stranger = await auth.user("dave", tenant="other")
    await auth.execute(
        "INSERT INTO user_roles (user_id, role_id) SELECT %s, id FROM roles WHERE name = 'tenant-admin'", boss.user_id
    )
    stub = auth.as_user((await auth.login("boss")).access_token, MfaServiceStub)
    await stub.ResetMfa(ResetMfaRequest(user_id=str(alice.user_id)))
    with pytest.raises(PermissionDenied):
        await stub.ResetMfa(ResetMfaRequest(user_id=str(root.user_id)))
    with pytest.raises(NotFound):
        await stub.ResetMfa(ResetMfaRequest(user_id=str(stranger.user_id)))
    with pytest.raises(NotFound):
        await stub.ListMfaCredentials(ListMfaCredentialsRequest(user_id=str(stranger.user_id)))


async def test_the_secret_is_stored_sealed_to_its_row(auth, token, password):
    await begin(auth, token, password)
    ((sealed,),) = await auth.execute("SELECT secret_sealed FROM mfa_credentials")
    assert sealed.startswith("v1.")
    ((credential_id,),) = await auth.execute("SELECT id FROM mfa_credentials")
    with pytest.raises(DataLoss):
        auth.sealer.open(sealed, "mfa_credentials", "secret_sealed", uuid4())
    assert len(auth.sealer.open(sealed, "mfa_credentials", "secret_sealed", credential_id)) == 20
