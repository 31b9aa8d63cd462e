"""`novacron role` and `novacron api-key`, as a shell runs them, against the real service."""

from __future__ import annotations

import json

import pytest

from novacron_auth.users.account import Role

from ..cli.conftest import Result, Shell
from .conftest import PASSWORD

SERVICES = ("auth", "vm", "scheduler", "federation", "monitoring", "registry")


@pytest.fixture
def novacron(tmp_path, novacron_command) -> Shell:
    import os

    here = tmp_path / "somewhere"
    (here / ".novacron").mkdir(parents=True)
    environment = {"HOME": str(tmp_path / "user"), "COLUMNS": "200", "TZ": "UTC", "PYTHONUTF8": "1"}
    return Shell(here, {"PATH": os.environ["PATH"], **environment}, novacron_command)


@pytest.fixture
async def as_root(auth, novacron, ca):
    """The command in the hands of a platform admin; it has to succeed unless ``code`` says otherwise."""
    await auth.user("root", Role.ADMIN)
    home = novacron.directory / ".novacron"
    endpoints = dict.fromkeys(SERVICES, f"127.0.0.1:{auth.server.port}")
    (home / "client.json").write_text(json.dumps({"ca_file": str(ca.identity("vm").ca), "endpoints": endpoints}))

    async def run(*arguments: str, code: int = 0, **environment: str) -> Result:
        result = await novacron(*arguments, **environment)
        assert result.code == code, result.err
        return result

    login = await novacron("login", "root", "--password-file", "-", typed=PASSWORD)
    assert login.code == 0, login.err
    return run


async def test_a_role_is_made_given_shown_and_taken(auth, as_root):
    await auth.user("carol", Role.VIEWER)
    made = await as_root("role", "create", "looker", "-p", "vm:read", "-p", "saga:read", "--description", "Looks")
    assert "saga:read, vm:read" in made.out
    given = await as_root("role", "grant", "carol", "looker", "--for", "8h")
    assert "carol" in given.out
    assert "root" in given.out
    shown = (await as_root("role", "show", "looker", "-o", "json")).json
    assert [one["role"] for one in shown["role_grants"]] == ["looker"]
    changed = (await as_root("role", "update", "looker", "-p", "vm:read", "--mfa", "-o", "json")).json
    assert (changed["permissions"], changed["mfa_required"], changed["description"]) == (["vm:read"], True, "Looks")
    assert "no longer has the role looker" in (await as_root("role", "revoke", "carol", "looker")).err
    assert "is deleted" in (await as_root("role", "delete", "looker")).err
    assert "role list" in (await as_root("role", "show", "looker", code=3)).err


async def test_permissions_are_listed_and_a_misspelt_one_is_told(as_root):
    assert {"vm:create", "role:grant"} <= set((await as_root("role", "permissions")).out.split())
    refused = await as_root("role", "create", "bad", "-p", "vm:raed", code=2)
    assert "nothing asks for vm:raed: `novacron role permissions`" in refused.err
    assert "nothing to change" in (await as_root("role", "update", "viewer", code=2)).err


async def test_a_key_alone_goes_to_stdout_and_opens_what_its_user_may(as_root):
    made = await as_root("api-key", "create", "ci", "-p", "role:read", "--scope", "auth", "--for", "30d")
    key = made.out.strip()
    assert key.startswith("nvk_")
    assert key not in made.err
    assert "not shown again" in made.err
    assert "viewer" in (await as_root("role", "list", NOVACRON_API_KEY=key)).out
    refused = await as_root("user", "list", NOVACRON_API_KEY=key, code=4)
    assert "needs user:read" in refused.err
    listed = await as_root("api-key", "list")
    assert key[:12] in listed.out
    assert key not in listed.out


async def test_a_key_is_rotated_by_its_name_and_revoked_by_its_prefix(as_root):
    first = (await as_root("api-key", "create", "ci")).out.strip()
    await as_root("role", "list", NOVACRON_API_KEY=first)
    second = (await as_root("api-key", "rotate", "ci", "--overlap", "1h")).out.strip()
    for key in (first, second):
        await as_root("role", "list", NOVACRON_API_KEY=key)
    assert "is revoked" in (await as_root("api-key", "revoke", first[:12], "--reason", "leaked")).err
    refused = await as_root("role", "list", NOVACRON_API_KEY=second, code=4)
    assert "novacron api-key create" in refused.err
    assert "revoked" in (await as_root("api-key", "show", "ci")).out
    assert "api-key list" in (await as_root("api-key", "show", "none", code=3)).err
