"""``novacron user``."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from novacron_cli import quantities
from novacron_cli.connection import connect
from novacron_cli.failure import ExitCode, Refusal, told
from novacron_cli.options import FilterOption, IdOption, LimitOption
from novacron_cli.output import Columns, Output, OutputOption, say, write_list, write_one
from novacron_cli.words import ago, when, word

app = typer.Typer(no_args_is_help=True, help="Users: who signs in, and their passwords.")


class Role(StrEnum):
    """The role that every user has."""

    ADMIN = "admin"
    OPERATOR = "operator"
    USER = "user"
    VIEWER = "viewer"


UserArgument = Annotated[str, typer.Argument(metavar="USER", help="Id, or name in your tenant.")]
PasswordFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Holds the password; - is standard input. Default: ask.")
]


@app.command(epilog="Example:  novacron user create alice alice@example.org --role operator")
@told
async def create(
    context: typer.Context,
    username: Annotated[str, typer.Argument(help="Unique in the tenant, whatever the case.")],
    email: Annotated[str, typer.Argument(help="Unique in the tenant.")],
    role: Annotated[Role, typer.Option(help="What it may do.")] = Role.USER,
    tenant: Annotated[str, typer.Option(metavar="TENANT", help="Id or name of its tenant. Default: yours.")] = "",
    password_file: PasswordFile = None,
    no_password: Annotated[bool, typer.Option("--no-password", help="It signs in through a provider only.")] = False,
    id: IdOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Create a user.

    A password has at least 8 characters, better 15, and is none of those that everybody tries first.
    """
    password = "" if no_password else _new_password(username, password_file)
    from uuid import uuid4

    from novacron.api.auth.v1 import CreateUserRequest, GetTenantRequest, TenantServiceStub, UserServiceStub

    async with connect(context) as connection:
        tenant_id = ""
        if tenant:
            found = await connection.of_auth(TenantServiceStub).GetTenant(GetTenantRequest(tenant=tenant))
            tenant_id = found.tenant_id
        request = CreateUserRequest(
            user_id=id or str(uuid4()),
            username=username,
            email=email,
            password=password,
            role=f"USER_ROLE_{role.name}",
            tenant_id=tenant_id,
        )
        write_one(await connection.of_auth(UserServiceStub).CreateUser(request), _FIELDS, output)


@app.command("list", epilog="Example:  novacron user list --filter 'role = admin AND disabled = false'")
@told
async def list_users(
    context: typer.Context,
    filter: FilterOption = "",
    limit: LimitOption = 0,
    output: OutputOption = Output.TABLE,
) -> None:
    """List the users that you see, oldest first.

    Filters: username, email, role, tenant_id, mfa_enabled, disabled, locked.
    """
    from novacron.api.auth.v1 import ListUsersRequest, UserServiceStub
    from novacron_cli import finding

    async with connect(context) as connection:
        call = connection.of_auth(UserServiceStub).ListUsers
        write_list(await finding.everything(call, ListUsersRequest(filter=filter), "users", limit), _COLUMNS, output)


@app.command()
@told
async def show(context: typer.Context, user: UserArgument, output: OutputOption = Output.TABLE) -> None:
    """Show one user."""
    async with connect(context) as connection:
        write_one(await _get(connection, user), _FIELDS, output)


@app.command(epilog="Example:  novacron user update alice --role viewer")
@told
async def update(
    context: typer.Context,
    user: UserArgument,
    username: Annotated[str | None, typer.Option(metavar="NAME", help="Its new name.")] = None,
    email: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Its new address.")] = None,
    role: Annotated[Role | None, typer.Option(help="Its new role.")] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Change a user's name, address or role."""
    changes = {"username": username, "email": email, "role": f"USER_ROLE_{role.name}" if role else None}
    given = {name: value for name, value in changes.items() if value is not None}
    if not given:
        raise Refusal("nothing to change", ExitCode.USAGE, "--username, --email or --role")
    from google.protobuf.field_mask_pb2 import FieldMask

    from novacron.api.auth.v1 import UpdateUserRequest, UserServiceStub

    async with connect(context) as connection:
        held = await _get(connection, user)
        request = UpdateUserRequest(
            user_id=held.user_id, etag=held.etag, update_mask=FieldMask(paths=sorted(given)), **given
        )
        write_one(await connection.of_auth(UserServiceStub).UpdateUser(request), _FIELDS, output)


@app.command()
@told
async def disable(context: typer.Context, user: UserArgument) -> None:
    """End a user's sessions and let it in no more. Its VMs run on."""
    await _do(context, user, "Disable")
    say(f"user {user} is disabled; `novacron user enable {user}` lets it in again")


@app.command()
@told
async def enable(context: typer.Context, user: UserArgument) -> None:
    """Let a user in again."""
    await _do(context, user, "Enable")
    say(f"user {user} is enabled")


@app.command()
@told
async def unlock(context: typer.Context, user: UserArgument) -> None:
    """Forget a user's failed logins. A lock ends by itself, too."""
    await _do(context, user, "Unlock")
    say(f"user {user} is unlocked")


@app.command()
@told
async def delete(context: typer.Context, user: UserArgument) -> None:
    """Delete a user with its sessions, keys and grants. Its VMs and its audit entries stay."""
    await _do(context, user, "Delete")
    say(f"user {user} is deleted")


@app.command(
    epilog="Example:  novacron user passwd   (asks for both)  |  printf 'old\\nnew' | novacron user passwd --from -"
)
@told
async def passwd(
    context: typer.Context,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Holds the current password, then the new one, a line each."),
    ] = None,
) -> None:
    """Set your own password, and end your other sessions."""
    if source is not None:
        current, _, new = quantities.content(source).rstrip("\r\n").partition("\n")
    else:
        _require_terminal("--from FILE")
        current = typer.prompt("Current password", hide_input=True, err=True)
        new = typer.prompt("New password", hide_input=True, confirmation_prompt=True, err=True)
    from novacron.api.auth.v1 import ChangePasswordRequest, UserServiceStub

    async with connect(context) as connection:
        request = ChangePasswordRequest(current_password=current.rstrip("\r"), new_password=new)
        answer = await connection.of_auth(UserServiceStub).ChangePassword(request)
    say(f"the password is set; other sessions ended: {answer.revoked_sessions}")


@app.command("reset-password")
@told
async def reset_password(context: typer.Context, user: UserArgument, password_file: PasswordFile = None) -> None:
    """Set a user's password, unlock the user and end all its sessions."""
    password = _new_password(user, password_file)
    from novacron.api.auth.v1 import ResetPasswordRequest, UserServiceStub

    async with connect(context) as connection:
        request = ResetPasswordRequest(user_id=(await _get(connection, user)).user_id, new_password=password)
        answer = await connection.of_auth(UserServiceStub).ResetPassword(request)
    say(f"the password of {user} is set; sessions ended: {answer.revoked_sessions}")


def _new_password(name: str, file: Path | None) -> str:
    if file is not None:
        return quantities.content(file).rstrip("\r\n")
    _require_terminal("--password-file FILE, or --password-file - to read it here")
    password: str = typer.prompt(f"New password of {name}", hide_input=True, confirmation_prompt=True, err=True)
    return password


def _require_terminal(otherwise: str) -> None:
    if not sys.stdin.isatty():
        raise Refusal("no password", ExitCode.USAGE, f"give {otherwise}")


async def _do(context: typer.Context, user: str, verb: str) -> None:
    from novacron.api.auth import v1

    async with connect(context) as connection:
        request = getattr(v1, f"{verb}UserRequest")(user_id=(await _get(connection, user)).user_id)
        await getattr(connection.of_auth(v1.UserServiceStub), f"{verb}User")(request)


async def _get(connection: Any, user: str) -> Any:
    from novacron.api.auth.v1 import GetUserRequest, UserServiceStub

    return await connection.of_auth(UserServiceStub).GetUser(GetUserRequest(user=user))


def _role(user: Any) -> str:
    from novacron.api.auth.v1 import UserRole

    return word(UserRole, user.role)


def _state(user: Any) -> str:
    if user.disabled_at.seconds:
        return "disabled"
    return "locked" if user.locked_until.seconds else "enabled"


_COLUMNS: Columns = {
    "name": lambda user: user.username,
    "email": lambda user: user.email,
    "role": _role,
    "mfa": lambda user: "yes" if user.mfa_enabled else "",
    "state": _state,
    "last login": lambda user: ago(user.last_login),
    "id": lambda user: user.user_id,
}
_FIELDS: Columns = {
    **_COLUMNS,
    "tenant": lambda user: user.tenant_id,
    "failed logins": lambda user: str(user.failed_login_attempts or ""),
    "locked until": lambda user: when(user.locked_until),
    "password set": lambda user: when(user.password_changed_at),
    "created": lambda user: when(user.created_at),
}
