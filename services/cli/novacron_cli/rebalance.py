"""``novacron rebalance``: what to move where, and moving it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from novacron_cli import quantities
from novacron_cli.connection import Connection, connect
from novacron_cli.failure import ExitCode, Refusal, told
from novacron_cli.options import GraceOption
from novacron_cli.output import Columns, Output, OutputOption, as_json, say, write_data, write_list

if TYPE_CHECKING:
    from collections.abc import Iterable

app = typer.Typer(no_args_is_help=True, help="Rebalance: which VMs should rather be on other nodes.")

PolicyOption = Annotated[
    str,
    typer.Option(
        "--policy",
        metavar="hotspot|consolidation",
        help="hotspot: cool nodes by measured load. consolidation: empty nodes, to be switched off.",
    ),
]
MovesOption = Annotated[int, typer.Option("--max-moves", min=1, max=1000, help="At most so many.")]
TimeOption = Annotated[str, typer.Option("--time-limit", metavar="DURATION", help="For the solver, up to 1m.")]
HotOption = Annotated[
    float,
    typer.Option("--hot-share", min=0.01, max=1, help="hotspot: above which share of its capacity a node is hot."),
]
FullOption = Annotated[
    float, typer.Option("--full-share", min=0.01, max=1, help="consolidation: how full a node may be made, by claims.")
]


@app.command(epilog="Example:  novacron rebalance propose --policy hotspot --max-moves 5")
@told
async def propose(
    context: typer.Context,
    policy: PolicyOption,
    max_moves: MovesOption = 10,
    time_limit: TimeOption = "2s",
    hot_share: HotOption = 0.8,
    full_share: FullOption = 0.9,
    output: OutputOption = Output.TABLE,
) -> None:
    """Say which VMs should move where, what each move gains, and why. Nothing is moved.

    Every move passes the filters that a new VM has to pass, and needs its new place while the old one is still held: any
    part may be carried out, in any order. With -o json it is what `novacron rebalance apply FILE` takes. For operators.
    """
    async with connect(context) as connection:
        proposal = await _proposal(connection, policy, max_moves, time_limit, hot_share, full_share)
        if output is not Output.TABLE:
            write_data(as_json(proposal), output)
            return
        write_list(proposal.moves, await _columns(connection, proposal.moves), output)
        _explain(proposal)


@app.command(
    epilog="Examples:  novacron rebalance apply --policy hotspot --max-moves 5  |  "
    "novacron rebalance propose --policy consolidation -o json > plan.json;  novacron rebalance apply plan.json --yes"
)
@told
async def apply(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A proposal that -o json wrote; - is standard input.")
    ] = None,
    policy: PolicyOption = "",
    max_moves: MovesOption = 10,
    parallel: Annotated[int, typer.Option("--max-parallel", min=1, max=64, help="How many VMs are off at once.")] = 2,
    time_limit: TimeOption = "2s",
    hot_share: HotOption = 0.8,
    full_share: FullOption = 0.9,
    grace: GraceOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before anything is moved.")] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Move VMs as a proposal says: the one in FILE, or with --policy one that is made now.

    A VM that runs is shut down, moved and started again. One that has left the node that it was to be moved from stays where
    it is now; one that cannot be moved goes on where it is, and is named with its reason. Interrupted, the moves under way go
    on and no other begins.
    """
    if (file is None) == (not policy):
        raise typer.BadParameter("name a FILE with a proposal, or make one with --policy")
    from novacron_cli.rebalance_moves import carry_out

    async with connect(context) as connection:
        if file is not None:
            proposal = _read(file)
        else:
            proposal = await _proposal(connection, policy, max_moves, time_limit, hot_share, full_share)
        moves = list(proposal.moves)[:max_moves]
        if moves and not yes:
            write_list(moves, await _columns(connection, moves), Output.TABLE)
            typer.confirm(f"move {len(moves)} VMs, {parallel} at a time?", abort=True, err=True)
        outcomes = await carry_out(connection, moves, parallel, grace)
        if output is Output.TABLE:
            write_list(outcomes, _OUTCOMES, output)
        else:
            write_data([asdict(one) for one in outcomes], output)
        _explain(proposal)
        if failed := sum(not one.moved for one in outcomes):
            raise Refusal(
                f"{failed} of {len(outcomes)} VMs were not moved, and are where they were",
                ExitCode.REFUSED,
                "propose again: what has changed since is taken into account",
            )


async def _proposal(
    connection: Connection, policy: str, max_moves: int, time_limit: str, hot_share: float, full_share: float
) -> Any:
    from google.protobuf.duration_pb2 import Duration

    from novacron.api.scheduler.v1 import ProposeRebalanceRequest, RebalanceServiceStub

    if policy not in ("hotspot", "consolidation"):
        raise typer.BadParameter(f"{policy!r} is no policy: say hotspot or consolidation", param_hint="--policy")
    limit = Duration()
    limit.FromMilliseconds(int(quantities.seconds(time_limit) * 1000))
    request = ProposeRebalanceRequest(
        kind=f"REBALANCE_KIND_{policy.upper()}",
        max_moves=max_moves,
        time_limit=limit,
        hot_share=hot_share,
        full_share=full_share,
    )
    return await connection.of_scheduler(RebalanceServiceStub).ProposeRebalance(request)


def _read(file: Path) -> Any:
    from google.protobuf.json_format import ParseDict, ParseError

    from novacron.api.scheduler.v1 import RebalanceProposal

    try:
        return ParseDict(json.loads(quantities.content(file)), RebalanceProposal())
    except (ValueError, ParseError) as error:
        raise typer.BadParameter(
            f"{file} is no proposal ({error}): `novacron rebalance propose -o json` writes one"
        ) from None


async def _columns(connection: Connection, moves: Iterable[Any]) -> Columns:
    from novacron_cli.rebalance_moves import names_of

    names = await names_of(connection, (move.vm_id for move in moves))
    return {
        "vm": lambda move: names.get(move.vm_id, move.vm_id),
        "from": lambda move: move.source_node_name,
        "to": lambda move: move.target_node_name,
        "gain": lambda move: f"{move.gain:.2f}",
        "why": lambda move: move.reason,
    }


def _explain(proposal: Any) -> None:
    say(f"{proposal.explanation} (gain {proposal.gain:.2f}, by {proposal.solver})")
    if proposal.unmeasured_vms:
        say(f"{proposal.unmeasured_vms} VMs were not measured lately, and count for all that they hold")


_OUTCOMES: Columns = {
    "vm": lambda one: one.name,
    "from": lambda one: one.source,
    "to": lambda one: one.target,
    "moved": lambda one: "yes" if one.moved else "no",
    "why": lambda one: one.why,
}
