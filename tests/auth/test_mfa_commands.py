"""``novacron mfa`` and ``novacron login`` with codes and providers, as a shell runs them, against the real service."""

import asyncio
import json
import re
import sys

import pytest

from novacron.ids import new_id
from novacron.rpc import Identity, Subject
from novacron_auth.caller import Caller
from novacron_auth.identity_providers.provider import NewIdentityProvider
from novacron_auth.users.account import Role
from novacron_cli.mfa import qr_code

from . import security_key
from .authenticator_app import App
from .oidc import running


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    with running(tmp_path_factory.mktemp("oidc")) as provider:
        yield provider


@pytest.fixture
async def auth(make_auth, provider):
    provider.control(reset=True)
    return await make_auth(identity_provider_ca_file=provider.ca_file, **security_key.SETTINGS)


@pytest.fixture
def run(shell):
    return shell("home")


@pytest.fixture
def start(run):
    """Begins a command and does not wait for it."""
    return run.start


async def said(process, pattern):
    """The first match on the command's stderr."""
    async with asyncio.timeout(60):
        while line := (await process.stderr.readline()).decode():
            if found := re.search(pattern, line):
                return found.group(0)
    raise AssertionError(f"it ended without saying {pattern}")


async def done(process):
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def test_an_app_is_set_up_used_at_the_login_and_removed(auth, run, password):
    await auth.user()
    code, _, err = await run("login", "alice", "--password-file", "-", typed=password)
    assert code == 0, err
    code, out, err = await run("mfa", "enroll", "--name", "phone", "--password-file", "-", "-o", "json", typed=password)
    assert code == 0, err
    assert "mfa verify" in err
    app = App(auth, json.loads(out)["secret"])
    code, out, err = await run("mfa", "verify", "--code", await app.code())
    assert code == 0, err
    codes = out.split()
    assert len(codes) == 10
    await app.wait()
    code, _, err = await run("login", "alice", "--password-file", "-", typed=password)
    assert (code, "do not match" in err) == (4, True)
    code, _, err = await run("login", "alice", "--code", await app.code(), "--password-file", "-", typed=password)
    assert code == 0, err
    await app.wait()
    code, out, err = await run("mfa", "recovery-codes", "--code", await app.code())
    assert (code, len(set(out.split()) - set(codes))) == (0, 10)
    code, out, err = await run("mfa", "status")
    assert "phone" in out
    assert "codes left: 10" in err
    await app.wait()
    code, _, err = await run("mfa", "disable", "--code", await app.code(), "--password-file", "-", typed=password)
    assert code == 0, err
    assert (await run("login", "alice", "--password-file", "-", typed=password))[0] == 0


async def test_a_security_key_is_listed_and_removed_here_and_used_in_a_browser(auth, run, password):
    await auth.user()
    _, _, codes = await security_key.register(auth, (await auth.login()).access_token, password)
    code, _, err = await run("login", "alice", "--code", codes[0], "--password-file", "-", typed=password)
    assert code == 0, err
    code, out, _ = await run("mfa", "list")
    assert (code, "blue key" in out, "webauthn" in out) == (0, True, True)
    code, _, err = await run("mfa", "verify", "--code", "123456")
    assert (code != 0, "no authenticator app" in err) == (True, True)
    removing = ("mfa", "remove", "blue key", "--password-file", "-", "--code")
    assert (await run(*removing, codes[0], typed=password))[0] != 0
    code, _, err = await run(*removing, codes[1], typed=password)
    assert (code, "password alone" in err) == (0, True), err
    code, _, err = await run(*removing, codes[2], typed=password)
    assert (code != 0, "mfa status" in err) == (True, True)
    code, out, _ = await run("mfa", "--help")
    assert (code, "WebAuthn" in out) == (0, True)


@pytest.fixture
async def corp(auth, provider):
    tenant_id = await auth.tenant()
    new = NewIdentityProvider(
        identity_provider_id=new_id(),
        tenant_id=tenant_id,
        scopes=("openid",),
        default_role=Role.USER,
        **provider.fields(),
    )
    caller = Caller(Identity(Subject(new_id(), tenant_id, "root", new_id()), frozenset(["*:*"])))
    await auth.identity_providers.create(caller, new)


async def test_a_browser_that_comes_back_to_this_machine_logs_the_command_in(provider, corp, start, run):
    import httpx

    process = await start("login", "--provider", "corp")
    url = await said(process, r"https://\S+")
    back = await provider.visit(url)
    redirect_uri = re.search(r"redirect_uri=([^&]+)", url).group(1).replace("%3A", ":").replace("%2F", "/")
    async with httpx.AsyncClient() as browser:
        # Somebody else's answer, before the right one, ends nothing.
        assert (await browser.get(redirect_uri, params={**back, "state": "another"})).status_code == 404
        assert "close this page" in (await browser.get(redirect_uri, params=back)).text
    code, _, err = await done(process)
    assert (code, "logged in as jane" in err) == (0, True), err
    assert (await run("session", "list"))[0] == 0


async def test_another_device_logs_the_command_in(provider, corp, start):
    process = await start("login", "--provider", "corp", "--device")
    user_code = (await said(process, r"type \w+")).removeprefix("type ")
    provider.control(approve=[user_code])
    code, _, err = await done(process)
    assert (code, "logged in as jane" in err) == (0, True), err


async def test_a_login_that_makes_no_sense_is_told_what_to_do(run):
    code, _, err = await run("login", "--device")
    assert (code, "--provider NAME" in err) == (2, True)
    code, out, _ = await run("mfa", "--help")
    assert code == 0
    assert "recovery-codes" in out


def test_the_qr_code_is_drawn_for_a_terminal():
    pytest.importorskip("segno", reason="pip install 'novacron[qr]' draws QR codes")
    drawn = qr_code("otpauth://totp/NovaCron:alice?secret=JBSWY3DPEHPK3PXP")
    assert len(drawn.splitlines()) > 15
    assert set("▀▄█") & set(drawn)


def test_without_segno_there_is_the_text(monkeypatch, capsys):
    from novacron_cli import mfa

    monkeypatch.setitem(sys.modules, "segno", None)
    mfa.show_app("JBSWY3DPEHPK3PXP", "otpauth://totp/x")
    out = capsys.readouterr().out
    assert "JBSW Y3DP EHPK 3PXP" in out
    assert "otpauth://totp/x" in out


async def test_an_administrator_adds_lists_and_deletes_a_provider(auth, provider, run, password, tmp_path):
    await auth.user("root", Role.ADMIN)
    await run("login", "root", "--password-file", "-", typed=password)
    secret = tmp_path / "secret"
    secret.write_text(provider.fields()["client_secret"] + "\n")
    adding = ("identity-provider", "create", "corp", provider.issuer, "--client-id", "novacron")
    code, out, err = await run(*adding, "--client-secret-file", str(secret), "--create-users", "--role", "viewer")
    assert (code, "viewer" in out) == (0, True), err
    code, _, err = await run(*adding, "--role", "king")
    assert (code, "operator" in err) == (2, True)
    code, out, _ = await run("identity-provider", "list")
    assert (code, provider.issuer in out, "a secret" in out) == (0, True, False)
    await auth.execute(
        "INSERT INTO external_identities (identity_provider_id, subject, user_id)"
        " SELECT p.id, 'her-subject', u.id FROM identity_providers p, users u WHERE u.username = 'root'"
    )
    code, out, _ = await run("identity-provider", "links", "--user", "root")
    assert (code, "her-subject" in out) == (0, True)
    code, _, err = await run("identity-provider", "unlink", "corp")
    assert (code, "no login through corp" in err) == (0, True), err
    code, _, err = await run("identity-provider", "unlink", "corp")
    assert (code != 0, "identity-provider links" in err) == (True, True)
    assert (await run("identity-provider", "delete", "corp"))[0] == 0
    code, _, err = await run("identity-provider", "delete", "corp")
    assert (code != 0, "identity-provider list" in err) == (True, True)


async def test_an_administrator_adds_a_provider_of_saml(auth, run, password, tmp_path):
    pytest.importorskip("signxml", reason="pip install 'novacron[saml]' judges SAML responses")
    from . import saml_provider

    await auth.user("root", Role.ADMIN)
    await run("login", "root", "--password-file", "-", typed=password)
    pem = tmp_path / "idp.pem"
    pem.write_text(saml_provider.Signer().certificate)
    adding = ("identity-provider", "create", "corp", saml_provider.ISSUER, "--client-id", saml_provider.AUDIENCE)
    code, _, err = await run(*adding, "--saml-sso-url", saml_provider.SSO)
    assert (code, "--saml-certificate-file" in err) == (2, True)
    code, out, err = await run(*adding, "--saml-sso-url", saml_provider.SSO, "--saml-certificate-file", str(pem))
    assert (code, "saml" in out, "/sso?tenant=1" in out) == (0, True, True), err
    following = tmp_path / "next.pem"
    following.write_text(saml_provider.Signer().certificate)
    code, _, err = await run("identity-provider", "set-certificates", "corp", str(pem), str(following))
    assert code == 0, err
    held = await auth.execute("SELECT cardinality(certificates) FROM identity_providers")
    assert held == [(2,)]
