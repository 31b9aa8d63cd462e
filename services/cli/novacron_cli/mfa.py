"""``novacron mfa``: your second factor, and what an administrator does for who lost theirs."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from novacron_cli import quantities
from novacron_cli.connection import connect
from novacron_cli.failure import ExitCode, Refusal, told
from novacron_cli.output import Columns, Output, OutputOption, as_json, say, write_data, write_table
from novacron_cli.words import ago, word

if TYPE_CHECKING:
    from novacron_cli.connection import Connection

app = typer.Typer(
    no_args_is_help=True,
    help="Second factors: an authenticator app or a security key beside your password, and recovery codes for when it is lost.",
    epilog="Security keys and passkeys (WebAuthn) need a browser, which a terminal is not: a page at one of auth's "
    "NOVACRON_WEBAUTHN_ORIGINS registers them and logs in with them (auth's README has the calls). Here they are listed and "
    "removed. To log in here beside a key, set an app up too, or use a recovery code.",
)

CodeOption = Annotated[
    str, typer.Option("--code", metavar="CODE", help="Of your app now; each works once. Default: ask.")
]
CodeOrRecoveryOption = Annotated[
    str, typer.Option("--code", metavar="CODE", help="Of your app now, or a recovery code. Default: ask.")
]
PasswordOption = Annotated[
    Path | None, typer.Option("--password-file", metavar="FILE", help="Holds your password; - is standard input.")
]


@app.command(epilog="Example:  novacron mfa enroll --name phone")
@told
async def enroll(
    context: typer.Context,
    name: Annotated[str, typer.Option(help="To know it by, such as `phone`.")] = "",
    password_file: PasswordOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Set an authenticator app up: shows a QR code, then asks for the app's first code.

    Only that code turns it on; your other sessions end then, and you are shown recovery codes, this once. Where nobody can be
    asked, `novacron mfa verify` does the second half. The QR code takes the package segno (pip install 'novacron[qr]'); without
    it you type the secret.
    """
    from novacron.api.auth.v1 import EnrollTotpRequest, MfaServiceStub

    async with connect(context) as connection:
        request = EnrollTotpRequest(name=name, password=_password(password_file))
        begun = await connection.of_auth(MfaServiceStub).EnrollTotp(request)
        if output is not Output.TABLE:
            write_data(as_json(begun), output)
        else:
            show_app(begun.secret, begun.uri)
        if sys.stdin.isatty() and output is Output.TABLE:
            await _confirm(connection, begun.mfa_credential_id, _asked("Code of the app"))
        else:
            say("it has no effect yet: `novacron mfa verify --code CODE` turns it on")


@app.command(epilog="Example:  novacron mfa verify --code 123456")
@told
async def verify(context: typer.Context, code: CodeOption = "") -> None:
    """Turn on what `enroll` began; or, where it is on, show a code in a session that began without one."""
    async with connect(context) as connection:
        await _confirm(connection, await _app_id(connection), code or _asked("Code of the app"))


@app.command("list", hidden=True)
@app.command()
@told
async def status(
    context: typer.Context,
    user: Annotated[str, typer.Option(metavar="USER", help="Another user's, by id or name. Default: your own.")] = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Show what there is, apps and security keys, how many recovery codes are left, and whether a role requires one."""
    async with connect(context) as connection:
        held = await _factors(connection, await _user_id(connection, user))
        if output is not Output.TABLE:
            write_data(as_json(held), output)
            return
        if held.mfa_credentials:
            write_table(list(_COLUMNS), [[cell(one) for cell in _COLUMNS.values()] for one in held.mfa_credentials])
            say(f"recovery codes left: {held.recovery_codes_left}")
        else:
            say("no second factor: `novacron mfa enroll` sets one up")
        if held.required:
            say("a role requires a second factor")


@app.command("recovery-codes", epilog="Example:  novacron mfa recovery-codes > codes.txt")
@told
async def recovery_codes(context: typer.Context, code: CodeOption = "") -> None:
    """Make new recovery codes and show them, this once; the old ones end. Each is good for one login in place of the app."""
    from novacron.api.auth.v1 import GenerateRecoveryCodesRequest, MfaServiceStub

    async with connect(context) as connection:
        request = GenerateRecoveryCodesRequest(one_time_code=code or _asked("Code of the app"))
        _show_codes((await connection.of_auth(MfaServiceStub).GenerateRecoveryCodes(request)).recovery_codes)


@app.command(epilog="Example:  novacron mfa disable --code 123456")
@told
async def disable(
    context: typer.Context, code: CodeOrRecoveryOption = "", password_file: PasswordOption = None
) -> None:
    """Remove your app, and with the last second factor your recovery codes. Takes your password and a code."""
    async with connect(context) as connection:
        await _remove(connection, await _app_id(connection), password_file, code)


@app.command(epilog="Example:  novacron mfa remove 'blue key' --code mzxw-6ytb-oi2d-4nzt")
@told
async def remove(
    context: typer.Context,
    factor: Annotated[str, typer.Argument(help="Name or id, as `novacron mfa status` shows them.")],
    code: CodeOrRecoveryOption = "",
    password_file: PasswordOption = None,
) -> None:
    """Remove one of your second factors, such as a security key that you lost. Takes your password and a code.

    With the last one your recovery codes go too. A page in a browser can show a security key in place of a code.
    """
    async with connect(context) as connection:
        held = (await _factors(connection)).mfa_credentials
        found = [one.mfa_credential_id for one in held if factor in (one.mfa_credential_id, one.name)]
        if len(found) != 1:
            said = "several second factors have this name" if found else "you have no second factor of this name or id"
            raise Refusal(said, ExitCode.NOT_FOUND, "`novacron mfa status` shows them with their ids")
        await _remove(connection, found[0], password_file, code)


@app.command()
@told
async def reset(
    context: typer.Context, user: Annotated[str, typer.Argument(help="Who lost it, by id or name.")]
) -> None:
    """Remove another user's second factors and end the user's sessions. Be sure who asks you to. Takes mfa:reset."""
    from novacron.api.auth.v1 import MfaServiceStub, ResetMfaRequest

    async with connect(context) as connection:
        request = ResetMfaRequest(user_id=await _user_id(connection, user))
        answer = await connection.of_auth(MfaServiceStub).ResetMfa(request)
    say(f"second factors removed: {answer.removed_credentials}; the sessions of {user} have ended")


def show_app(secret: str, uri: str) -> None:
    """What an app needs: a QR code where segno is installed and somebody looks, and always the text."""
    if sys.stdout.isatty() and (drawn := qr_code(uri)):
        typer.echo(drawn)
    spelled = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    typer.echo(f"secret: {spelled}")
    typer.echo(f"uri:    {uri}")


def qr_code(text: str) -> str:
    """``text`` drawn in half blocks for a terminal; empty: segno is not installed."""
    try:
        import segno
    except ImportError:
        return ""
    drawn = io.StringIO()
    segno.make(text, error="l").terminal(out=drawn, border=2, compact=True)
    return drawn.getvalue()


async def _confirm(connection: Connection, credential_id: str, code: str) -> None:
    from novacron.api.auth.v1 import ConfirmTotpRequest, MfaServiceStub

    request = ConfirmTotpRequest(mfa_credential_id=credential_id, one_time_code=code)
    answer = await connection.of_auth(MfaServiceStub).ConfirmTotp(request)
    connection.session.takes_a_code()
    if answer.recovery_codes:
        say("the app is on: logins take its code from now on; your other sessions have ended")
        _show_codes(answer.recovery_codes)
    else:
        say("this session has shown its second factor")


def _show_codes(codes: Any) -> None:
    say("recovery codes, each good for one login without the app; keep them on paper, they are not shown again:")
    for one in codes:
        typer.echo(one)


async def _factors(connection: Connection, user_id: str = "") -> Any:
    from novacron.api.auth.v1 import ListMfaCredentialsRequest, MfaServiceStub

    request = ListMfaCredentialsRequest(user_id=user_id)
    return await connection.of_auth(MfaServiceStub).ListMfaCredentials(request)


async def _remove(connection: Connection, credential_id: str, password_file: Path | None, code: str) -> None:
    from novacron.api.auth.v1 import DeleteMfaCredentialRequest, MfaServiceStub

    request = DeleteMfaCredentialRequest(
        mfa_credential_id=credential_id,
        password=_password(password_file),
        one_time_code=code or _asked("Code of the app, or a recovery code"),
    )
    await connection.of_auth(MfaServiceStub).DeleteMfaCredential(request)
    left = any(one.HasField("confirmed_at") for one in (await _factors(connection)).mfa_credentials)
    say("removed: logins take what is left" if left else "removed: your password alone logs you in")


async def _app_id(connection: Connection) -> str:
    from novacron.api.auth.v1 import MFA_TYPE_TOTP

    for one in (await _factors(connection)).mfa_credentials:
        if one.type == MFA_TYPE_TOTP:
            found: str = one.mfa_credential_id
            return found
    raise Refusal("there is no authenticator app", ExitCode.NOT_FOUND, "`novacron mfa enroll` sets one up")


async def _user_id(connection: Connection, user: str) -> str:
    from novacron.api.auth.v1 import GetUserRequest, UserServiceStub
    from novacron_cli import finding

    if not user or finding.is_id(user):
        return user
    found: str = (await connection.of_auth(UserServiceStub).GetUser(GetUserRequest(user=user))).user_id
    return found


def _password(file: Path | None) -> str:
    return quantities.content(file).rstrip("\r\n") if file is not None else _asked("Your password", "--password-file -")


def _asked(what: str, option: str = "--code CODE") -> str:
    if not sys.stdin.isatty():
        raise Refusal(f"{what.lower()}: nobody is there to ask", ExitCode.USAGE, f"give {option}")
    answer: str = typer.prompt(what, hide_input="assword" in what, err=True)
    return answer


def _type(value: int) -> str:
    from novacron.api.auth import v1

    return word(v1.MfaType, value)


_COLUMNS: Columns = {
    "name": lambda one: one.name or "-",
    "type": lambda one: _type(one.type),
    "state": lambda one: "on" if one.HasField("confirmed_at") else "begun",
    "used": lambda one: ago(one.last_used_at) if one.HasField("last_used_at") else "-",
    "made": lambda one: ago(one.created_at),
    "id": lambda one: one.mfa_credential_id,
}
