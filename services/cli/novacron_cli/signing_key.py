"""``novacron signing-key``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from novacron_cli.connection import connect
from novacron_cli.failure import ExitCode, Refusal, told
from novacron_cli.output import Columns, Output, OutputOption, as_json, say, write_data, write_list
from novacron_cli.words import when, word

if TYPE_CHECKING:
    from novacron_cli.connection import Connection

app = typer.Typer(
    no_args_is_help=True,
    help="The ring of keys that sign access tokens. It turns by itself (jwt_config.key_rotation_interval); these turn it now.",
)


@app.command("list")
@told
async def list_keys(context: typer.Context, output: OutputOption = Output.TABLE) -> None:
    """List keys, newest first: staged (next in line), primary (signs), secondary (verifies on), revoked."""
    from novacron.api.auth.v1 import ListSigningKeysRequest, SigningKeyServiceStub

    async with connect(context) as connection:
        ring = await connection.of_auth(SigningKeyServiceStub).ListSigningKeys(ListSigningKeysRequest())
    write_list(ring.signing_keys, _COLUMNS, output)
    if output is Output.TABLE:
        due = when(ring.next_rotation_at)
        say(f"the next rotation is due {due}" if due else "no rotation is scheduled")


@app.command(epilog="Example:  novacron signing-key rotate --emergency --yes")
@told
async def rotate(
    context: typer.Context,
    emergency: Annotated[
        bool,
        typer.Option("--emergency", help="A key may have leaked: revoke every other key, and with it every token."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before an emergency rotation.")] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Make the staged key the one that signs, and stage another. No token fails.

    With --emergency every token that was signed before is refused everywhere within a second: sessions go on by their refresh
    tokens, programs with an access token alone have to log in again.
    """
    if emergency and not yes:
        typer.confirm("Every access token that is in use will be refused. Go on?", abort=True, err=True)
    from novacron.api.auth.v1 import RotateSigningKeysRequest, SigningKeyServiceStub

    async with connect(context) as connection:
        keys = connection.of_auth(SigningKeyServiceStub)
        # Named, so that an attempt that is made again turns the ring once.
        request = RotateSigningKeysRequest(primary_key_id=await _primary(connection), emergency=emergency)
        made = await keys.RotateSigningKeys(request)
    if output is Output.TABLE:
        say(f"signing key {made.signing_key_id} signs now" + ("; every other key is revoked" if emergency else ""))
    else:
        write_data(as_json(made), output)


@app.command()
@told
async def revoke(
    context: typer.Context, key: Annotated[str, typer.Argument(metavar="KEY", help="Id of the key.")]
) -> None:
    """Take a key that signs no more out of the ring: its tokens are refused everywhere within a second."""
    from novacron.api.auth.v1 import RevokeSigningKeyRequest, SigningKeyServiceStub

    async with connect(context) as connection:
        request = RevokeSigningKeyRequest(signing_key_id=key)
        revoked = await connection.of_auth(SigningKeyServiceStub).RevokeSigningKey(request)
    say(f"signing key {revoked.signing_key_id} is revoked")


async def _primary(connection: Connection) -> str:
    from novacron.api.auth.v1 import KeyState, ListSigningKeysRequest, SigningKeyServiceStub

    ring = await connection.of_auth(SigningKeyServiceStub).ListSigningKeys(ListSigningKeysRequest())
    for key in ring.signing_keys:
        if key.state == KeyState.KEY_STATE_PRIMARY:
            found: str = key.signing_key_id
            return found
    raise Refusal("no key signs", ExitCode.REFUSED, "restart the auth service: it makes one")


def _state(key: Any) -> str:
    from novacron.api.auth.v1 import KeyState

    return word(KeyState, key.state)


_COLUMNS: Columns = {
    "key": lambda key: key.signing_key_id,
    "state": _state,
    "created": lambda key: when(key.created_at),
    "signs since": lambda key: when(key.activated_at),
    "until": lambda key: when(key.retired_at),
    "leaves the ring": lambda key: when(key.expires_at),
}
