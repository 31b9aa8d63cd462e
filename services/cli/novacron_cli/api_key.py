"""``novacron api-key``."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from novacron_cli import quantities
from novacron_cli.connection import connect
from novacron_cli.failure import ExitCode, Refusal, told
from novacron_cli.options import FilterOption, IdOption, LimitOption
from novacron_cli.output import Columns, Output, OutputOption, as_json, say, write_data, write_list, write_one
from novacron_cli.words import ago, when

if TYPE_CHECKING:
    from novacron_cli.connection import Connection

app = typer.Typer(
    no_args_is_help=True,
    help="API keys: for programs, in the name of a user. Commands use the one in NOVACRON_API_KEY in place of a session.",
)

KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="Id, name or prefix of the key.")]
UserOption = Annotated[str, typer.Option(metavar="USER", help="Id or name of its user. Default: you.")]


@app.command(
    epilog="Example:  export NOVACRON_API_KEY=$(novacron api-key create ci -p vm:read -p vm:create --scope vm --for 30d)"
)
@told
async def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="To know it by; unique among its user's.")],
    permission: Annotated[
        list[str] | None,
        typer.Option(
            "--permission",
            "-p",
            metavar="RESOURCE:ACTION",
            help="What it may do, such as vm:read; may be repeated. Default: all that its user may.",
        ),
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(metavar="SERVICE", help="A service that it opens, such as vm; may be repeated. Default: all."),
    ] = None,
    limit_per_minute: Annotated[
        int, typer.Option(min=0, help="Calls a minute.", show_default="what the configuration says")
    ] = 0,
    lasting: Annotated[
        str, typer.Option("--for", metavar="DURATION", help="30m, 8h, 90d. Default: what the configuration says.")
    ] = "",
    user: UserOption = "",
    id: IdOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Create a key and show it, this once: the key alone on stdout, what it is on stderr.

    It never may more than its user may at that moment, and opens neither passwords nor second factors, sessions or keys.
    """
    seconds = quantities.seconds(lasting) if lasting else 0.0
    from uuid import uuid4

    from google.protobuf.duration_pb2 import Duration

    from novacron.api.auth.v1 import ApiKeyServiceStub, CreateApiKeyRequest

    ttl = Duration()
    ttl.FromTimedelta(timedelta(seconds=seconds))
    async with connect(context) as connection:
        request = CreateApiKeyRequest(
            api_key_id=id or str(uuid4()),
            name=name,
            user_id=await _user_id(connection, user),
            permissions=permission or (),
            scopes=scope or (),
            rate_limit_per_minute=limit_per_minute,
            ttl=ttl if lasting else None,
        )
        _show(await connection.of_auth(ApiKeyServiceStub).CreateApiKey(request), output)


@app.command("list", epilog="Example:  novacron api-key list --filter 'revoked = false'")
@told
async def list_keys(
    context: typer.Context,
    user: UserOption = "",
    filter: FilterOption = "",
    limit: LimitOption = 0,
    output: OutputOption = Output.TABLE,
) -> None:
    """List keys, oldest first; never their secrets.

    Filters: name, prefix, revoked.
    """
    from novacron.api.auth.v1 import ApiKeyServiceStub, ListApiKeysRequest
    from novacron_cli import finding

    async with connect(context) as connection:
        request = ListApiKeysRequest(user_id=await _user_id(connection, user), filter=filter)
        call = connection.of_auth(ApiKeyServiceStub).ListApiKeys
        write_list(await finding.everything(call, request, "api_keys", limit, "keys"), _COLUMNS, output)


@app.command()
@told
async def show(
    context: typer.Context, key: KeyArgument, user: UserOption = "", output: OutputOption = Output.TABLE
) -> None:
    """Show what one key is; its secret was shown when it was made."""
    from novacron.api.auth.v1 import ApiKeyServiceStub, GetApiKeyRequest

    async with connect(context) as connection:
        request = GetApiKeyRequest(api_key_id=await _key_id(connection, key, user))
        write_one(await connection.of_auth(ApiKeyServiceStub).GetApiKey(request), _FIELDS, output)


@app.command(epilog="Example:  novacron api-key rotate ci --overlap 1h > ci.key")
@told
async def rotate(
    context: typer.Context,
    key: KeyArgument,
    overlap: Annotated[
        str, typer.Option(metavar="DURATION", help="How long the old one works on, a week at most.", show_default="0")
    ] = "",
    user: UserOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Give a key another secret and show it, this once. Who uses it goes over to the new one within the overlap."""
    seconds = quantities.seconds(overlap) if overlap else 0.0
    from google.protobuf.duration_pb2 import Duration

    from novacron.api.auth.v1 import ApiKeyServiceStub, RotateApiKeyRequest

    lasts = Duration()
    lasts.FromTimedelta(timedelta(seconds=seconds))
    async with connect(context) as connection:
        request = RotateApiKeyRequest(api_key_id=await _key_id(connection, key, user), overlap=lasts)
        _show(await connection.of_auth(ApiKeyServiceStub).RotateApiKey(request), output)


@app.command()
@told
async def revoke(
    context: typer.Context,
    key: KeyArgument,
    reason: Annotated[str, typer.Option(help="For the audit log.")] = "",
    user: UserOption = "",
) -> None:
    """End a key. It is refused everywhere within a second."""
    from novacron.api.auth.v1 import ApiKeyServiceStub, RevokeApiKeyRequest

    async with connect(context) as connection:
        request = RevokeApiKeyRequest(api_key_id=await _key_id(connection, key, user), reason=reason)
        revoked = await connection.of_auth(ApiKeyServiceStub).RevokeApiKey(request)
        say(f"API key {revoked.name} ({revoked.prefix}) is revoked")


def _show(made: Any, output: Output) -> None:
    if output is not Output.TABLE:
        write_data(as_json(made), output)
        return
    key = made.api_key
    ends = when(made.api_key.expires_at) or "never"
    say(f"API key {key.name} of user {key.user_id}, which ends {ends}. It is not shown again:")
    typer.echo(made.key)


async def _user_id(connection: Connection, user: str) -> str:
    from novacron.api.auth.v1 import GetUserRequest, UserServiceStub
    from novacron_cli import finding

    if not user or finding.is_id(user):
        return user
    found: str = (await connection.of_auth(UserServiceStub).GetUser(GetUserRequest(user=user))).user_id
    return found


async def _key_id(connection: Connection, key: str, user: str) -> str:
    """The id of the key of this id, name or prefix among the user's; of several of one name the one that works.

    :raises Refusal: there is none.
    """
    from novacron.api.auth.v1 import ApiKeyServiceStub, ListApiKeysRequest
    from novacron_cli import finding

    if finding.is_id(key):
        return key
    request = ListApiKeysRequest(user_id=await _user_id(connection, user))
    found = await finding.everything(connection.of_auth(ApiKeyServiceStub).ListApiKeys, request, "api_keys")
    fitting = [one for one in found if key in (one.name, one.prefix)]
    if not fitting:
        raise Refusal(f"API key {key} not found", ExitCode.NOT_FOUND, "`novacron api-key list` shows what there is")
    chosen: str = min(fitting, key=lambda one: (one.HasField("revoked_at"), -one.created_at.ToNanoseconds())).api_key_id
    return chosen


_COLUMNS: Columns = {
    "name": lambda key: key.name,
    "prefix": lambda key: key.prefix,
    "permissions": lambda key: ", ".join(key.permissions) or "all of its user's",
    "scopes": lambda key: ", ".join(key.scopes) or "all",
    "a minute": lambda key: str(key.rate_limit_per_minute),
    "used": lambda key: f"{ago(key.last_used_at)} ago" if key.last_used_at.seconds else "never",
    "ends": lambda key: "revoked" if key.HasField("revoked_at") else when(key.expires_at) or "never",
    "id": lambda key: key.api_key_id,
}
_FIELDS: Columns = {
    **_COLUMNS,
    "user": lambda key: key.user_id,
    "created": lambda key: when(key.created_at),
    "revoked": lambda key: when(key.revoked_at),
}
