"""``novacron node drain`` and ``undrain``: emptying a node, and opening it again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer

from novacron_cli.connection import Connection, connect
from novacron_cli.failure import told
from novacron_cli.node_table import FIELDS, NodeArgument
from novacron_cli.options import GraceOption, IdOption, WaitOption
from novacron_cli.output import Columns, Output, OutputOption, say, write_one
from novacron_cli.words import when, word

if TYPE_CHECKING:
    from novacron.errors import NovacronError

app = typer.Typer()
_LOOK_SECONDS = 0.5


@app.command(epilog="Example:  novacron node drain host-1 --budget 4;  later  novacron node undrain host-1")
@told
async def drain(
    context: typer.Context,
    node: NodeArgument,
    budget: Annotated[int, typer.Option(min=0, max=64, help="How many VMs are off at once; 0: 2.")] = 0,
    grace: GraceOption = None,
    evict: Annotated[
        bool, typer.Option("--evict/--no-evict", help="Move its VMs away, or only let it take no new ones.")
    ] = True,
    cancel: Annotated[
        bool, typer.Option("--cancel", help="Turn a drain round: end the moves under way, and open the node.")
    ] = False,
    id: IdOption = "",
    wait: WaitOption = True,
    output: OutputOption = Output.TABLE,
) -> None:
    """Empty a node: it takes no new VMs, and those on it are moved to others with their disks.

    A running VM is shut down, moved and started again. What cannot be moved stays and is named with its reason; the node
    stays closed, so the same command after the cause is mended moves the rest. Interrupted, the drain goes on.
    """
    async with connect(context) as connection:
        if not evict:
            await _set_status(connection, node, output, undo=False)
            return
        begun = await (_turned(connection, node) if cancel else _begun(connection, node, budget, grace, id))
        ended = await _followed(connection, begun) if wait else begun
        write_one(ended, _FIELDS, output)
        if wait:
            _raise_unless(ended, cancel)


@app.command(epilog="Example:  novacron node undrain host-1")
@told
async def undrain(context: typer.Context, node: NodeArgument, output: OutputOption = Output.TABLE) -> None:
    """Let a node take VMs again. Those that were moved away stay where they are."""
    from novacron.errors import FailedPrecondition

    async with connect(context) as connection:
        if await _under_way(connection, node):
            raise FailedPrecondition(
                f"{node} is being drained: novacron node drain {node} --cancel ends that and opens it"
            )
        await _set_status(connection, node, output, undo=True)


async def _set_status(connection: Connection, node: str, output: Output, *, undo: bool) -> None:
    from novacron.api.scheduler.v1 import DrainNodeRequest

    found = await connection.nodes.DrainNode(DrainNodeRequest(node=node, undo=undo))
    say(f"{found.name} takes VMs again" if undo else f"{found.name} takes no new VMs")
    write_one(found, FIELDS, output)


async def _begun(connection: Connection, node: str, budget: int, grace: int | None, drain_id: str) -> Any:
    from novacron.api.vm.v1 import DrainNodeRequest

    # Chosen here: an attempt whose answer was lost is repeated, the drain is not.
    request_id = drain_id or str(uuid4())
    request = DrainNodeRequest(node=node, budget=budget, grace_seconds=grace, request_id=request_id)
    drain = await connection.drains.DrainNode(request)
    if drain.drain_id != request_id:
        say(f"{drain.node_name} is being drained already, {drain.budget} at once: this is that drain")
    return drain


async def _turned(connection: Connection, node: str) -> Any:
    from novacron.api.vm.v1 import CancelNodeDrainRequest

    return await connection.drains.CancelNodeDrain(CancelNodeDrainRequest(drain=node))


async def _under_way(connection: Connection, node: str) -> bool:
    from novacron.api.vm.v1 import GetNodeDrainRequest
    from novacron.errors import NotFound

    try:
        return not _is_over(await connection.drains.GetNodeDrain(GetNodeDrainRequest(drain=node)))
    except NotFound:
        return False


async def _followed(connection: Connection, drain: Any) -> Any:
    from novacron.api.vm.v1 import GetNodeDrainRequest
    from novacron_cli.progress import Progress
    from novacron_cli.settle import patiently

    request = GetNodeDrainRequest(drain=drain.drain_id)
    with Progress(f"draining {drain.node_name}") as progress:
        while not _is_over(drain):
            progress.notice(_told(drain))
            await asyncio.sleep(_LOOK_SECONDS)
            drain = await patiently(lambda: connection.drains.GetNodeDrain(request), progress)
    return drain


def _is_over(drain: Any) -> bool:
    return bool(drain.finished_at.seconds)


# Who reads nodes and may not drain them is not told which.
_SOMEBODYS = "a VM"


def _told(drain: Any) -> str:
    """``1 moved, 2 on their way, 3 left`` and who cannot be moved."""
    parts = [f"{drain.moved} moved, {drain.under_way} on their way, {drain.left} left on {drain.node_name}"]
    if drain.left_behind:
        parts.append("cannot be moved: " + ", ".join(one.name or _SOMEBODYS for one in drain.left_behind))
    return "; ".join(parts)


def _raise_unless(drain: Any, cancel: bool) -> None:
    """:raises NovacronError: the drain is over, and the node is not what was asked for."""
    from novacron.api.vm.v1 import NODE_DRAIN_STATE_CANCELLED, NODE_DRAIN_STATE_DRAINED
    from novacron.errors import FailedPrecondition

    if drain.state == (NODE_DRAIN_STATE_CANCELLED if cancel else NODE_DRAIN_STATE_DRAINED):
        return
    if drain.state == NODE_DRAIN_STATE_CANCELLED:
        raise FailedPrecondition(f"the drain of {drain.node_name} was cancelled; what was moved stays where it is")
    if drain.state == NODE_DRAIN_STATE_DRAINED:
        say(f"{drain.node_name} was empty before the drain could be cancelled; novacron node undrain opens it")
        return
    raise _failure(drain)


def _failure(drain: Any) -> NovacronError:
    from novacron.errors import NoCapacity, SagaFailed, SagaStuck

    lines = [f"{one.name}: {one.message}" for one in drain.left_behind]
    message = "\n  ".join([f"{drain.node_name} is not empty, and stays closed:", *lines]) if lines else drain.error
    reasons = {one.reason for one in drain.left_behind}
    kind = NoCapacity if reasons == {"NO_CAPACITY"} else SagaStuck if "SAGA_STUCK" in reasons else SagaFailed
    return kind(message, metadata={"saga_id": drain.drain_id})


def _state(drain: Any) -> str:
    from novacron.api.vm.v1 import NodeDrainState

    return word(NodeDrainState, drain.state)


_FIELDS: Columns = {
    "node": lambda drain: drain.node_name,
    "drain": lambda drain: drain.drain_id,
    "state": _state,
    "moved": lambda drain: str(drain.moved),
    "on their way": lambda drain: str(drain.under_way),
    "left": lambda drain: str(drain.left),
    "cannot be moved": lambda drain: ", ".join(one.name or _SOMEBODYS for one in drain.left_behind),
    "error": lambda drain: drain.error,
    "begun": lambda drain: when(drain.created_at),
    "ended": lambda drain: when(drain.finished_at),
}
