"""Logging in, staying logged in, logging out."""

import json
import stat

from .conftest import PASSWORD


async def test_on_this_machines_stack_login_needs_no_argument(novacron, installation):
    result = await novacron("login")
    assert (result.code, result.out) == (0, "")
    assert "logged in as admin" in result.err
    assert (await novacron("vm", "list")).code == 0


async def test_the_token_is_for_its_owner_alone(novacron, logged_in):
    mode = (logged_in.home / "token.json").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


async def test_without_a_login_every_command_says_how_to_log_in(novacron, installation):
    result = await novacron("vm", "list", "-o", "json")
    assert (result.code, result.out) == (4, "")
    assert "not logged in" in result.err
    assert "novacron login" in result.err


async def test_the_admins_session_goes_on_when_its_token_has_ended(novacron, installation):
    installation.auth.lifetime = 1.0  # sooner than a token is still used
    await novacron("login")
    installation.auth.lifetime = 300.0
    assert (await novacron("vm", "list")).code == 0
    assert installation.auth.logins == ["admin", "admin"]


async def test_the_admins_session_goes_on_when_its_token_is_refused(novacron, logged_in):
    logged_in.auth.revoke("admin")
    assert (await novacron("vm", "list")).code == 0
    assert logged_in.auth.logins == ["admin", "admin"]


async def test_anyone_elses_session_ends_with_its_token_and_is_not_taken_over_by_the_admin(novacron, installation):
    installation.auth.passwords["acme", "alice"] = ("alice's own", ("vm:*",))
    result = await novacron("login", "alice", "--tenant", "acme", "--password-file", "-", typed="alice's own\n")
    assert result.code == 0, result.err
    installation.auth.revoke("alice")
    result = await novacron("vm", "list")
    assert result.code == 4
    assert "novacron login" in result.err
    assert installation.auth.logins == ["alice"]


async def test_another_tenants_admin_is_not_taken_for_this_machines(novacron, installation):
    installation.auth.passwords["acme", "admin"] = ("acme's own", ("vm:*",))
    await novacron("login", "admin", "--tenant", "acme", "--password-file", "-", typed="acme's own")
    installation.auth.revoke("admin")
    assert (await novacron("vm", "list")).code == 4
    assert installation.auth.logins == ["admin"]


async def test_a_wrong_password_is_told_without_a_hint_at_which_part_was_wrong(novacron, installation):
    result = await novacron("login", "alice", "--password-file", "-", typed="guess")
    assert result.code == 4
    assert "do not match" in result.err
    assert not (installation.home / "token.json").exists()


async def test_without_a_terminal_and_a_password_login_says_how_to_give_one(novacron, installation):
    result = await novacron("login", "alice")
    assert result.code == 2
    assert "--password-file" in result.err


async def test_logout_forgets_the_token_and_is_harmless_twice(novacron, logged_in):
    assert "logged out" in (await novacron("logout")).err
    assert (await novacron("vm", "list")).code == 4
    assert "nobody was logged in" in (await novacron("logout")).err


async def test_a_token_is_not_sent_to_another_installation(novacron, logged_in):
    kept = json.loads((logged_in.home / "token.json").read_text())
    (logged_in.home / "token.json").write_text(json.dumps({**kept, "issuer": "elsewhere:7401"}))
    result = await novacron("vm", "list")
    assert result.code == 4
    assert "not logged in" in result.err


async def test_the_admins_password_is_not_sent_to_an_auth_service_named_on_the_command_line(novacron, installation):
    result = await novacron("--endpoint", f"auth=localhost:{installation.address.rpartition(':')[2]}", "login")
    assert result.code == 2
    assert installation.auth.logins == []


async def test_an_installation_elsewhere_is_named_once_and_kept(novacron, installation, tmp_path):
    home = str(tmp_path / "elsewhere")
    ca_file = installation.profile["ca_file"]
    options = ("--data-dir", home, "--endpoint", installation.address, "--ca-file", ca_file)
    result = await novacron(*options, "login", "admin", "--password-file", "-", typed=PASSWORD)
    assert result.code == 0, result.err
    assert (await novacron("--data-dir", home, "vm", "list")).code == 0
    assert (await novacron("vm", "list", NOVACRON_HOME=home)).code == 0


async def test_login_for_programs_says_who_logged_in(novacron, installation):
    assert (await novacron("login", "-o", "json")).json["username"] == "admin"
