"""``novacron login`` and ``novacron logout``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from novacron_cli import quantities
from novacron_cli.connection import connect
from novacron_cli.failure import ExitCode, Refusal, told
from novacron_cli.output import Output, OutputOption, as_json, say, write_data
from novacron_cli.profile import FILE, Profile

if TYPE_CHECKING:
    from novacron.api.auth.v1 import LoginResponse
    from novacron_cli.connection import Connection

app = typer.Typer()


@app.command(
    epilog="Examples:  novacron login   (this machine's stack, as its admin)  |  "
    "novacron --endpoint auth=nc.example:7401 --endpoint vm=nc.example:7402 --ca-file ca.pem login alice --tenant acme  |  "
    "novacron login --provider corp   (in a browser; --device: on another device)"
)
@told
async def login(
    context: typer.Context,
    username: Annotated[str, typer.Argument(help="Who you are. Default: the admin of this machine's stack.")] = "",
    tenant: Annotated[str, typer.Option(help="Name of your tenant.", show_default="default")] = "",
    password_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Holds the password; - is standard input. Default: ask.")
    ] = None,
    code: Annotated[
        str, typer.Option(metavar="CODE", help="Of your authenticator app, or a recovery code, if you have one.")
    ] = "",
    provider: Annotated[
        str, typer.Option(metavar="NAME", help="Log in through this identity provider, in a browser.")
    ] = "",
    device: Annotated[
        bool, typer.Option("--device", help="With --provider: the browser is on another device; type a code there.")
    ] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Log in, and keep the tokens for the commands to come.

    On the machine where `novacron up` runs nothing else is needed: the admin's password is in a file there, and the
    session goes on for as long as you like. Elsewhere name the endpoints once: they are kept with the tokens, which are
    renewed silently until the session ends.

    Who has only a security key as second factor gives a recovery code here: a key needs a browser, see `novacron mfa --help`.
    """
    async with connect(context) as connection:
        if device and not provider:
            raise Refusal(
                "--device is a way to log in at an identity provider", ExitCode.USAGE, "name it: --provider NAME"
            )
        if provider:
            answer = await _through(connection, provider, tenant, device)
        else:
            answer = await _login(connection, username, tenant, password_file, code)
        if not (connection.profile.home / FILE).exists():
            say(f"endpoints kept in {connection.profile.save()}")
        say(f"logged in as {answer.user.username}")
        if answer.second_factor_needed:
            say(
                "this session may do nothing yet: a second factor is needed. `novacron mfa enroll`, or `novacron mfa verify`"
            )
        if output is not Output.TABLE:
            write_data(as_json(answer.user), output)


async def _through(connection: Connection, provider: str, tenant: str, by_device: bool) -> LoginResponse:
    from novacron_cli import login_provider
    from novacron_cli.session import device

    connection.profile.endpoint("auth")
    log_in = login_provider.by_device if by_device else login_provider.by_browser
    answer = await log_in(connection, provider, tenant, device(connection.profile.home))
    return connection.session.begin(answer, answer.user.username, tenant, again=False)


async def _login(
    connection: Connection, username: str, tenant: str, password_file: Path | None, code: str
) -> LoginResponse:
    profile = connection.profile
    name = username or profile.admin_user
    if not name:
        raise Refusal("who logs in?", ExitCode.USAGE, "`novacron login USER`")
    profile.endpoint("auth")
    password, asked = _password(profile, name, tenant, password_file)
    # Whether a code is needed is told to nobody who does not log in: who types a password is asked for both.
    if asked and not code:
        code = typer.prompt("Code of your app, if you have one", default="", show_default=False, err=True).strip()
    return await connection.session.login(name, password, tenant, code)


@app.command()
@told
async def logout(
    context: typer.Context,
    everywhere: Annotated[bool, typer.Option("--everywhere", help="End your sessions on every device.")] = False,
) -> None:
    """End the session and forget its tokens. Nothing that runs is touched."""
    from novacron.errors import NovacronError

    async with connect(context) as connection:
        try:
            forgotten = await connection.session.logout(everywhere=everywhere)
        except NovacronError as error:
            if everywhere:
                raise
            say(f"logged out here; the session goes on until it expires, for auth did not answer: {error.message}")
            return
    say("logged out" + (" everywhere" if everywhere else "") if forgotten else "nobody was logged in")


def _password(profile: Profile, name: str, tenant: str, file: Path | None) -> tuple[str, bool]:
    """The password, and whether somebody was asked for it."""
    from novacron_cli.session import admin_password

    if file is not None:
        return quantities.content(file).rstrip("\r\n"), False
    if profile.is_local and name == profile.admin_user and not tenant:
        return admin_password(profile), False
    if not sys.stdin.isatty():
        raise Refusal("no password", ExitCode.USAGE, "give --password-file FILE, or --password-file - to read it here")
    password: str = typer.prompt(f"Password of {name}", hide_input=True, err=True)
    return password, True
