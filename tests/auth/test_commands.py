"""``novacron user``, ``tenant``, ``session``, ``login`` and ``logout`` as a shell runs them, against the real service."""

import asyncio
import json

import pytest

from novacron_auth.users.account import Role


async def login(run, name, password):
    code, _, err = await run("login", name, "--password-file", "-", typed=password)
    assert code == 0, err


def age_token(run):
    """As if the access token's minutes had passed."""
    path = run.home / "token.json"
    token = json.loads(path.read_text())
    path.write_text(json.dumps({**token, "expires_at": "2001-01-01T00:00:00+00:00"}))
    return token


async def test_an_admin_makes_a_tenant_and_a_user_who_logs_in_changes_the_password_and_is_disabled(
    auth, shell, password
):
    await auth.user("root", Role.ADMIN)
    admin, alice = shell("admin"), shell("alice")
    await login(admin, "root", password)
    code, _, err = await admin("tenant", "create", "acme", "--display-name", "Acme")
    assert code == 0, err
    first, second = "a long first password", "a long second password"
    code, out, err = await admin(
        *("user", "create", "alice", "alice@acme.example", "--tenant", "acme", "--role", "viewer", "-o", "json"),
        *("--password-file", "-"),
        typed=first,
    )
    assert code == 0, err
    made = json.loads(out)
    assert (made["username"], made["role"]) == ("alice", "USER_ROLE_VIEWER")

    code, _, err = await alice("login", "alice", "--tenant", "acme", "--password-file", "-", typed=first)
    assert code == 0, err
    code, _, err = await alice("user", "passwd", "--from", "-", typed=f"wrong\n{second}\n")
    assert (code, "current_password: does not match" in err) == (2, True)
    code, _, err = await alice("user", "passwd", "--from", "-", typed=f"{first}\npassword1\n")
    assert (code, "everybody tries first" in err) == (2, True)
    code, _, err = await alice("user", "passwd", "--from", "-", typed=f"{first}\n{second}\n")
    assert code == 0, err
    code, out, _ = await alice("session", "list", "-o", "json")
    assert [one["status"] for one in json.loads(out)] == ["SESSION_STATUS_ACTIVE"]
    code, _, err = await alice("user", "list")
    assert (code, "needs user:read" in err) == (4, True)

    code, _, err = await admin("user", "disable", made["user_id"])
    assert (code, "enable" in err) == (0, True)
    code, _, err = await alice("session", "list")
    assert (code, "novacron login" in err) == (4, True)
    code, out, _ = await admin("user", "list", "--filter", "disabled = true")
    assert "alice@acme.example" in out
    assert "disabled" in out


async def test_a_session_goes_on_silently_and_several_commands_may_renew_it_at_once(auth, shell, password):
    await auth.user()
    run = shell("alice")
    await login(run, "alice", password)
    before = age_token(run)
    results = await asyncio.gather(*(run("session", "list", "-o", "json") for _ in range(3)))
    assert {code for code, _, _ in results} == {0}, results
    after = json.loads((run.home / "token.json").read_text())
    assert after["refresh_token"] != before["refresh_token"]
    (session,) = json.loads(results[0][1])
    assert (session["current"], len(session["device_fingerprint"])) == (True, 32)
    assert await auth.execute("SELECT count(*) FROM auth_audit_log WHERE action = 'login'") == [(1,)]


async def test_logout_ends_the_session_itself_and_everywhere_ends_all(auth, shell, password):
    await auth.user()
    here, there = shell("here"), shell("there")
    for run in (here, there):
        await login(run, "alice", password)
    stolen = (here.home / "token.json").read_text()
    assert "logged out" in (await here("logout"))[2]
    (here.home / "token.json").write_text(stolen)
    code, _, err = await here("session", "list")
    assert (code, "novacron login" in err) == (4, True)
    await login(here, "alice", password)
    assert "everywhere" in (await here("logout", "--everywhere"))[2]
    assert (await there("session", "list"))[0] == 4
    assert await auth.execute("SELECT count(*) FROM user_sessions WHERE revoked_at IS NULL") == [(0,)]


@pytest.mark.parametrize("group", ["user", "tenant", "session"])
async def test_help_says_what_there_is(shell, group):
    code, out, _ = await shell("nobody")(group, "--help")
    assert code == 0
    assert {"user": "reset-password", "tenant": "disable", "session": "revoke-all"}[group] in out
