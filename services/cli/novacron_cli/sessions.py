"""``novacron session``: the sessions that a user has, and what was noticed about them."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from novacron_cli.connection import connect
from novacron_cli.failure import told
from novacron_cli.options import FilterOption, LimitOption
from novacron_cli.output import Columns, Output, OutputOption, say, write_list, write_one
from novacron_cli.words import ago, when, word

app = typer.Typer(no_args_is_help=True, help="Sessions: where you are logged in, and where you should not be.")

SessionArgument = Annotated[str, typer.Argument(metavar="SESSION", help="Id of the session.")]
UserOption = Annotated[str, typer.Option(metavar="USER", help="Another user's, by id or name. Default: your own.")]
ReasonOption = Annotated[str, typer.Option(metavar="TEXT", help="Why: for its user and the audit log.")]


@app.command("list", epilog="Example:  novacron session list --all;  novacron session list --user alice")
@told
async def list_sessions(
    context: typer.Context,
    user: UserOption = "",
    all: Annotated[bool, typer.Option("--all", help="Those too that have ended.")] = False,
    filter: FilterOption = "",
    limit: LimitOption = 0,
    output: OutputOption = Output.TABLE,
) -> None:
    """List sessions, newest first; * is the one that asks. Filters: status, ip_address, authentication_method."""
    from novacron.api.auth.v1 import ListSessionsRequest, SessionServiceStub
    from novacron_cli import finding

    async with connect(context) as connection:
        request = ListSessionsRequest(
            user_id=await _user_id(connection, user),
            filter=finding.conditions("" if all else "status = active", filter),
        )
        call = connection.of_auth(SessionServiceStub).ListSessions
        write_list(await finding.everything(call, request, "sessions", limit), _COLUMNS, output)


@app.command()
@told
async def show(context: typer.Context, session: SessionArgument, output: OutputOption = Output.TABLE) -> None:
    """Show one session, with its risk and why, and what its user may do."""
    from novacron.api.auth.v1 import GetSessionRequest, SessionServiceStub

    async with connect(context) as connection:
        found = await connection.of_auth(SessionServiceStub).GetSession(GetSessionRequest(session_id=session))
        write_one(found, _FIELDS, output)


@app.command()
@told
async def revoke(context: typer.Context, session: SessionArgument, reason: ReasonOption = "") -> None:
    """End a session, everywhere, within a second."""
    from novacron.api.auth.v1 import RevokeSessionRequest, SessionServiceStub

    async with connect(context) as connection:
        request = RevokeSessionRequest(session_id=session, reason=reason)
        await connection.of_auth(SessionServiceStub).RevokeSession(request)
    say(f"session {session} has ended")


@app.command("revoke-all", epilog="Example:  novacron session revoke-all --keep-current")
@told
async def revoke_all(
    context: typer.Context,
    user: UserOption = "",
    keep_current: Annotated[bool, typer.Option("--keep-current", help="All but the one that asks.")] = False,
    reason: ReasonOption = "",
) -> None:
    """End all sessions of a user."""
    from novacron.api.auth.v1 import RevokeAllSessionsRequest, SessionServiceStub

    async with connect(context) as connection:
        request = RevokeAllSessionsRequest(
            user_id=await _user_id(connection, user), keep_current=keep_current, reason=reason
        )
        answer = await connection.of_auth(SessionServiceStub).RevokeAllSessions(request)
    say(f"sessions ended: {answer.revoked_sessions}")


@app.command()
@told
async def events(
    context: typer.Context, user: UserOption = "", limit: LimitOption = 50, output: OutputOption = Output.TABLE
) -> None:
    """List what was noticed about logins: new devices and networks, failures, impossible travel, stolen tokens."""
    from novacron.api.auth.v1 import ListSecurityEventsRequest, SessionServiceStub
    from novacron_cli import finding

    async with connect(context) as connection:
        request = ListSecurityEventsRequest(user_id=await _user_id(connection, user))
        call = connection.of_auth(SessionServiceStub).ListSecurityEvents
        found = await finding.everything(call, request, "security_events", limit, "security events")
        write_list(found, _EVENTS, output)


async def _user_id(connection: Any, user: str) -> str:
    if not user:
        return ""
    from novacron.api.auth.v1 import GetUserRequest, UserServiceStub
    from novacron_cli import finding

    if finding.is_id(user):
        return user
    found: str = (await connection.of_auth(UserServiceStub).GetUser(GetUserRequest(user=user))).user_id
    return found


def _word(enum: str, value: int) -> str:
    from novacron.api.auth import v1

    return word(getattr(v1, enum), value)


def _place(session: Any) -> str:
    where = session.geo_location
    return ", ".join(part for part in (where.city, where.country) if part)


_COLUMNS: Columns = {
    "from": lambda session: f"{session.ip_address or '-'}{' *' if session.current else ''}",
    "status": lambda session: _word("SessionStatus", session.status),
    "method": lambda session: _word("AuthenticationMethod", session.authentication_method),
    "risk": lambda session: f"{session.risk_score:.2f}",
    "began": lambda session: ago(session.created_at),
    "used": lambda session: ago(session.last_accessed_at),
    "session": lambda session: session.session_id,
}
_FIELDS: Columns = {
    **_COLUMNS,
    "program": lambda session: session.user_agent,
    "place": _place,
    "ends": lambda session: when(session.expires_at),
    "ended": lambda session: when(session.revoked_at),
    "reason": lambda session: session.revoked_reason,
    "roles": lambda session: ", ".join(session.roles),
    "permissions": lambda session: ", ".join(session.permissions),
    "noticed": lambda session: "; ".join(event.description for event in session.security_events),
    "user": lambda session: session.user_id,
}
_EVENTS: Columns = {
    "event": lambda event: _word("SecurityEventType", event.event_type),
    "risk": lambda event: f"{event.risk:.2f}",
    "what": lambda event: event.description,
    "from": lambda event: event.ip_address,
    "ago": lambda event: ago(event.created_at),
    "session": lambda event: event.session_id,
}
