"""What several sagas have the VM's host do: be off for a while, and run again."""

from __future__ import annotations

from typing import Any

from novacron.rpc import deadline
from novacron.saga import Context

from ..clients import Place
from . import participants

# Room for the agent's own work beyond the guest's grace.
BEYOND_GRACE_SECONDS = 30


async def of(context: Context[Any]) -> Place:
    """Where the agent of the node is now that the parameters name by ``node_id``."""
    return await participants.of(context).scheduler.place(context.params.node_id)


async def stop(context: Context[Any]) -> None:
    """The VM is off, if it ``runs`` when it is not; its guest has ``grace_seconds``."""
    params = context.params
    if params.runs:
        with deadline.within(params.grace_seconds + BEYOND_GRACE_SECONDS):
            await participants.of(context).agents.stop(await of(context), params.vm_id, params.grace_seconds)


async def resume(context: Context[Any]) -> None:
    """The VM is on again, if it ``runs`` when it is not off for this saga."""
    if context.params.runs:
        await participants.of(context).agents.start(await of(context), context.params.vm_id)
