"""Setting passwords: by their user, by an administrator, and what that ends; the time that failed logins take."""

import asyncio

import pytest

from novacron.api.auth.v1 import (
    AuthenticationConfiguration,
    AuthenticationConfigurationServiceStub,
    ChangePasswordRequest,
    PasswordPolicy,
    ResetPasswordRequest,
    UpdateAuthenticationConfigurationRequest,
    UserServiceStub,
)
from novacron.errors import InvalidArgument, Unauthenticated
from novacron_auth.users.account import Role
from novacron_auth.users.password_policy import common_passwords

NEW, NEWER = "a good new password", "an even newer password"


def change(stub, current, new):
    return stub.ChangePassword(ChangePasswordRequest(current_password=current, new_password=new))


async def user(auth, **named):
    account = await auth.user(**named)
    login = await auth.login(account.username)
    return account, login, auth.as_user(login.access_token, UserServiceStub)


async def keep_history(auth, number):
    await auth.user("root", Role.ADMIN)
    stub = auth.as_user((await auth.login("root")).access_token, AuthenticationConfigurationServiceStub)
    configuration = AuthenticationConfiguration(password_policy=PasswordPolicy(history=number))
    await stub.UpdateAuthenticationConfiguration(
        UpdateAuthenticationConfigurationRequest(authentication_configuration=configuration)
    )


async def test_a_changed_password_ends_the_other_sessions_and_a_repeated_change_is_no_fault(auth, password):
    _, login, stub = await user(auth)
    other = await auth.login()
    assert (await change(stub, password, NEW)).revoked_sessions == 1
    assert (await change(stub, password, NEW)).revoked_sessions == 0, "the answer may have been lost"
    await auth.tokens_of(login.access_token)
    for call in (auth.tokens_of(other.access_token), auth.login()):
        with pytest.raises(Unauthenticated):
            await call
    await auth.login(password=NEW)
    rows = await auth.execute("SELECT count(*) FROM security_events WHERE event_type = 'password_changed'")
    assert rows[0][0] >= 1


async def test_a_stolen_session_cannot_guess_at_the_password_for_long_and_locks_nobody_out(auth, lockout, password):
    account, _, stub = await user(auth)
    for number in range(lockout.attempts):
        with pytest.raises(InvalidArgument, match="does not match") as caught:
            await change(stub, f"guess {number}", NEW)
        assert [one.field for one in caught.value.violations] == ["current_password"]
    with pytest.raises(InvalidArgument, match="does not match"):
        await change(stub, password, NEW)
    await auth.login()
    rows = await auth.execute(
        "SELECT error_message FROM auth_audit_log WHERE user_id = %s AND action = 'user.change_password'",
        account.user_id,
    )
    assert sorted(row[0] for row in rows) == ["locked", *["wrong password"] * lockout.attempts]
    await auth.execute("UPDATE login_throttles SET locked_until = now(), resets_at = now()")
    await change(stub, password, NEW)


@pytest.mark.parametrize(
    ("new", "said"), [("short", "at least 8"), ("iloveyou", "everybody tries"), ("alice@example.org", "own name")]
)
async def test_the_policy_holds_for_changes_and_resets(auth, password, new, said):
    account, _, stub = await user(auth)
    await auth.user("root", Role.ADMIN)
    admin = auth.as_user((await auth.login("root")).access_token, UserServiceStub)
    for call in (
        change(stub, password, new),
        admin.ResetPassword(ResetPasswordRequest(user_id=str(account.user_id), new_password=new)),
    ):
        with pytest.raises(InvalidArgument, match=said) as caught:
            await call
        assert [one.field for one in caught.value.violations] == ["new_password"]
    with pytest.raises(InvalidArgument, match="is the current one"):
        await change(stub, password, password)
    await auth.login()


async def test_a_reset_unlocks_ends_every_session_and_sets_the_password(auth, lockout, password):
    account, login, _ = await user(auth)
    await auth.user("root", Role.ADMIN)
    admin = auth.as_user((await auth.login("root")).access_token, UserServiceStub)
    await auth.execute("UPDATE users SET locked_until = now() + interval '1 h', failed_login_attempts = 9")
    request = ResetPasswordRequest(user_id=str(account.user_id), new_password=NEW)
    assert (await admin.ResetPassword(request)).revoked_sessions == 1
    assert (await admin.ResetPassword(request)).revoked_sessions == 0
    with pytest.raises(Unauthenticated):
        await auth.tokens_of(login.access_token)
    await auth.login(password=NEW)


async def test_old_passwords_are_refused_when_the_policy_keeps_them_and_forgotten_when_not(auth, password):
    await keep_history(auth, 2)
    _, _, stub = await user(auth)
    await change(stub, password, NEW)
    await change(stub, NEW, NEWER)
    for old in (password, NEW):
        with pytest.raises(InvalidArgument, match="was this user's password before"):
            await change(stub, NEWER, old)
    await change(stub, NEWER, "a third new password")
    await change(stub, "a third new password", password)
    assert await auth.execute("SELECT count(*) FROM password_history") == [(2,)]


async def test_of_two_changes_at_once_one_is_done_and_the_other_told(auth, password):
    _, _, stub = await user(auth)
    results = await asyncio.gather(change(stub, password, NEW), change(stub, password, NEWER), return_exceptions=True)
    assert sorted(type(one).__name__ for one in results) in (
        ["ChangePasswordResponse", "Conflict"],
        ["ChangePasswordResponse", "InvalidArgument"],
    )


def test_the_list_of_common_passwords_is_there_and_holds_what_everybody_uses():
    assert len(common_passwords()) > 10_000
    assert {"password", "12345678", "qwertyuiop", "iloveyou"} <= common_passwords()
    assert all(len(one) >= 8 for one in common_passwords())
