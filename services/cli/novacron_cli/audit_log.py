"""``novacron audit-log``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from novacron_cli import quantities
from novacron_cli.connection import connect
from novacron_cli.failure import ExitCode, Refusal, told
from novacron_cli.options import FilterOption
from novacron_cli.output import Columns, Output, OutputOption, as_json, say, write_data, write_list
from novacron_cli.words import pairs, when

if TYPE_CHECKING:
    from novacron_cli.connection import Connection

app = typer.Typer(
    no_args_is_help=True,
    help="What happened to users, sessions, roles and keys: who did it, when, from where, and whether it was allowed.",
)

TenantOption = Annotated[str, typer.Option(metavar="TENANT", help="Id or name of the tenant. Default: yours.")]
UserOption = Annotated[str, typer.Option(metavar="USER", help="Only what this user did: id or name.")]
ActionOption = Annotated[
    str, typer.Option(metavar="ACTION", help="Only this: login, user.create; 'role.*' is all of a kind.")
]
SinceOption = Annotated[str, typer.Option(metavar="WHEN", help="Only from then on: 15m, 2d, 2026-03-01T12:00.")]
UntilOption = Annotated[str, typer.Option(metavar="WHEN", help="Only until then.")]
OutcomeOption = Annotated[
    bool | None, typer.Option("--succeeded/--failed", help="Only what was done, or only what was refused.")
]


@app.command("list", epilog="Example:  novacron audit-log list --failed --action login --since 1h")
@told
async def list_entries(
    context: typer.Context,
    user: UserOption = "",
    action: ActionOption = "",
    since: SinceOption = "",
    until: UntilOption = "",
    succeeded: OutcomeOption = None,
    filter: FilterOption = "",
    tenant: TenantOption = "",
    limit: Annotated[int, typer.Option(min=0, help="At most so many; 0: all.")] = 50,
    output: OutputOption = Output.TABLE,
) -> None:
    """List entries, newest first.

    Filters: user_id, action, success, ip_address, created_at, metadata.KEY (such as metadata.target_user_id).
    """
    asked = _filter(action, since, until, succeeded, filter)
    from novacron.api.auth.v1 import AuditLogServiceStub, ListAuditEntriesRequest
    from novacron_cli import finding

    async with connect(context) as connection:
        request = ListAuditEntriesRequest(
            filter=finding.conditions(asked, await _by(connection, user)),
            tenant_id=await _tenant_id(connection, tenant),
        )
        call = connection.of_auth(AuditLogServiceStub).ListAuditEntries
        write_list(await finding.everything(call, request, "audit_entries", limit, "entries"), _COLUMNS, output)


@app.command(epilog="Example:  novacron audit-log export --after 1200 >> audit.jsonl")
@told
async def export(
    context: typer.Context,
    user: UserOption = "",
    action: ActionOption = "",
    since: SinceOption = "",
    until: UntilOption = "",
    succeeded: OutcomeOption = None,
    filter: FilterOption = "",
    tenant: TenantOption = "",
    after: Annotated[
        int, typer.Option(min=0, metavar="SEQUENCE", help="Only what comes after this entry: goes on with an export.")
    ] = 0,
) -> None:
    """Write entries as JSON lines, oldest first. The last line's `sequence` is where the next export goes on."""
    asked = _filter(action, since, until, succeeded, filter)
    from novacron.api.auth.v1 import AuditLogServiceStub, ExportAuditEntriesRequest
    from novacron_cli import finding

    async with connect(context) as connection:
        request = ExportAuditEntriesRequest(
            filter=finding.conditions(asked, await _by(connection, user)),
            tenant_id=await _tenant_id(connection, tenant),
            after_sequence=after,
        )
        written = 0
        async for entry in connection.of_auth(AuditLogServiceStub).ExportAuditEntries(request):
            typer.echo(json.dumps(as_json(entry), ensure_ascii=False))
            written += 1
        say(f"{written} entries")


@app.command(epilog="Example:  novacron audit-log verify --tenant acme -o json > acme-head.json")
@told
async def verify(context: typer.Context, tenant: TenantOption = "", output: OutputOption = Output.TABLE) -> None:
    """Check every link of a chain. Exit code 1: it is not what was written; the first wrong entry is named.

    Keep the head that it prints somewhere else: who rewrites a whole chain cannot bring that back.
    """
    from novacron.api.auth.v1 import AuditLogServiceStub, VerifyAuditLogRequest

    async with connect(context) as connection:
        request = VerifyAuditLogRequest(tenant_id=await _tenant_id(connection, tenant))
        answer = await connection.of_auth(AuditLogServiceStub).VerifyAuditLog(request)
    if output is not Output.TABLE:
        write_data(as_json(answer), output)
    elif answer.whole:
        typer.echo(f"whole: {answer.checked_entries} entries, head {answer.head_sequence} {answer.head_hash.hex()}")
    if not answer.whole:
        raise Refusal(
            f"the audit log is broken at entry {answer.faulty_sequence}: {answer.problem}",
            ExitCode.REFUSED,
            "somebody changed the database past the service: keep a copy of it as it is, and compare it with a backup",
        )


def _filter(action: str, since: str, until: str, succeeded: bool | None, more: str) -> str:
    from novacron_cli.finding import conditions, quoted

    return conditions(
        f"action = {quoted(action)}" if action else "",
        f'created_at >= "{quantities.moment(since).isoformat()}"' if since else "",
        f'created_at < "{quantities.moment(until).isoformat()}"' if until else "",
        "" if succeeded is None else f"success = {str(succeeded).lower()}",
        more,
    )


async def _by(connection: Connection, user: str) -> str:
    from novacron.api.auth.v1 import GetUserRequest, UserServiceStub
    from novacron_cli import finding

    if user and not finding.is_id(user):
        user = (await connection.of_auth(UserServiceStub).GetUser(GetUserRequest(user=user))).user_id
    return f'user_id = "{user}"' if user else ""


async def _tenant_id(connection: Connection, tenant: str) -> str:
    from novacron.api.auth.v1 import GetTenantRequest, TenantServiceStub
    from novacron_cli import finding

    if not tenant or finding.is_id(tenant):
        return tenant
    found: str = (await connection.of_auth(TenantServiceStub).GetTenant(GetTenantRequest(tenant=tenant))).tenant_id
    return found


def _what(entry: Any) -> str:
    if not entry.success:
        return entry.error_message or "refused"
    return "ok"


_COLUMNS: Columns = {
    "at": lambda entry: when(entry.created_at),
    "action": lambda entry: entry.action,
    "outcome": _what,
    "by": lambda entry: entry.user_id,
    "from": lambda entry: entry.ip_address,
    "about": lambda entry: pairs(entry.metadata),
    "id": lambda entry: str(entry.sequence),
}
