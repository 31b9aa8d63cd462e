"""``novacron policy``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from novacron_cli import quantities
from novacron_cli.connection import connect
from novacron_cli.failure import told
from novacron_cli.options import LimitOption
from novacron_cli.output import Columns, Output, OutputOption, say, write_list, write_one
from novacron_cli.words import ago, when, word

app = typer.Typer(no_args_is_help=True, help="Scheduling policies: how a tenant wants its VMs placed.")

PolicyArgument = Annotated[str, typer.Argument(metavar="POLICY", help="Id of the policy.")]
FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The policy as JSON; - is standard input.")]

_EXAMPLE = (
    'Example:  echo \'{"name": "apart", "policy_type": "POLICY_TYPE_PLACEMENT", "rules": {"groups": ["db"]}, '
    '"anti_affinity_rules": [{"kind": "anti_affinity", "group": "db", "required": true}]}\' | novacron policy create -'
)


@app.command(epilog=_EXAMPLE)
@told
async def create(context: typer.Context, file: FileArgument, output: OutputOption = Output.TABLE) -> None:
    """Create a policy. A placement policy counts for every VM that is placed from now on.

    A placement policy's rules know strategy (spread, binpack), spread_over (availability_zone, region), groups and preempts;
    its constraints node_labels, regions and availability_zones; its preferences node_labels; its anti_affinity_rules kind,
    group, over and required.

    With {"preempts": "lower_priority"} VMs of your tenant with a lower priority are stopped where a VM that is created or
    started finds no room (novacron vm create --priority). Never another tenant's, and none that could be spared.
    """
    from novacron.api.scheduler.v1 import CreateSchedulingPolicyRequest, PolicyServiceStub

    request = CreateSchedulingPolicyRequest(policy=_policy(_document(file)))
    async with connect(context) as connection:
        write_one(await connection.of_scheduler(PolicyServiceStub).CreateSchedulingPolicy(request), FIELDS, output)


@app.command()
@told
async def update(
    context: typer.Context, policy: PolicyArgument, file: FileArgument, output: OutputOption = Output.TABLE
) -> None:
    """Change the fields that the file names, such as {"enabled": false}."""
    from google.protobuf.field_mask_pb2 import FieldMask

    from novacron.api.scheduler.v1 import PolicyServiceStub, UpdateSchedulingPolicyRequest

    said = _document(file)
    changed = _policy(said | {"policy_id": policy})
    request = UpdateSchedulingPolicyRequest(policy=changed, update_mask=FieldMask(paths=list(said)))
    async with connect(context) as connection:
        write_one(await connection.of_scheduler(PolicyServiceStub).UpdateSchedulingPolicy(request), FIELDS, output)


@app.command("list")
@told
async def list_policies(context: typer.Context, limit: LimitOption = 0, output: OutputOption = Output.TABLE) -> None:
    """List the policies that you see, oldest first."""
    from novacron.api.scheduler.v1 import ListSchedulingPoliciesRequest, PolicyServiceStub
    from novacron_cli import finding

    async with connect(context) as connection:
        call = connection.of_scheduler(PolicyServiceStub).ListSchedulingPolicies
        write_list(await finding.everything(call, ListSchedulingPoliciesRequest(), "policies", limit), COLUMNS, output)


@app.command()
@told
async def show(context: typer.Context, policy: PolicyArgument, output: OutputOption = Output.TABLE) -> None:
    """Show one policy."""
    from novacron.api.scheduler.v1 import GetSchedulingPolicyRequest, PolicyServiceStub

    async with connect(context) as connection:
        call = connection.of_scheduler(PolicyServiceStub).GetSchedulingPolicy
        write_one(await call(GetSchedulingPolicyRequest(policy_id=policy)), FIELDS, output)


@app.command()
@told
async def delete(context: typer.Context, policy: PolicyArgument) -> None:
    """Delete a policy. VMs stay where they are."""
    from novacron.api.scheduler.v1 import DeleteSchedulingPolicyRequest, PolicyServiceStub

    async with connect(context) as connection:
        call = connection.of_scheduler(PolicyServiceStub).DeleteSchedulingPolicy
        await call(DeleteSchedulingPolicyRequest(policy_id=policy))
    say(f"policy {policy} is deleted")


def _document(file: Path) -> dict[str, Any]:
    try:
        said = json.loads(quantities.content(file))
    except json.JSONDecodeError as error:
        raise typer.BadParameter(f"{file} is not JSON: {error}") from None
    if not isinstance(said, dict):
        raise typer.BadParameter(f"{file} holds no JSON object")
    return said


def _policy(said: dict[str, Any]) -> Any:
    from google.protobuf.json_format import ParseDict, ParseError

    from novacron.api.scheduler.v1 import SchedulingPolicy

    try:
        return ParseDict(said, SchedulingPolicy())
    except ParseError as error:
        raise typer.BadParameter(f"this is no policy: {error}") from None


def _kind(policy: Any) -> str:
    from novacron.api.scheduler.v1 import PolicyType

    return word(PolicyType, policy.policy_type)


def _json(message: Any) -> str:
    from google.protobuf.json_format import MessageToDict

    said = MessageToDict(message)
    return json.dumps(said) if said else ""


COLUMNS: Columns = {
    "name": lambda policy: policy.name,
    "type": _kind,
    "priority": lambda policy: str(policy.priority),
    "enabled": lambda policy: "yes" if policy.enabled else "no",
    "rules": lambda policy: _json(policy.rules),
    "age": lambda policy: ago(policy.created_at),
    "id": lambda policy: policy.policy_id,
}
FIELDS: Columns = {
    **COLUMNS,
    "tenant": lambda policy: policy.tenant_id,
    "description": lambda policy: policy.description,
    "constraints": lambda policy: _json(policy.constraints),
    "preferences": lambda policy: _json(policy.preferences),
    "rules between VMs": lambda policy: "; ".join(_json(rule) for rule in policy.anti_affinity_rules),
    "sizes": lambda policy: _json(policy.resource_requirements),
    "updated": lambda policy: when(policy.updated_at),
}
