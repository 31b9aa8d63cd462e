"""VMs whose node is lost: put into a state of their own, and back when the node is heard again."""

from __future__ import annotations

from novacron import logs
from novacron.background import Background

from .clients import NodeEventClient
from .loss_store import LossStore

log = logs.logger(__name__)
_SECONDS = 2.0


class LossFollower:
    """Reads the scheduler's events from where it was left, and makes VMs agree with them; any number of replicas do no harm.

    An event is dealt with in the transaction that notes that it was: none is missed, and none counts twice. What follows for
    VMs is looked at anew in every turn: a VM that a saga works on is left to it, and comes into its state when that has ended.
    """

    def __init__(self, store: LossStore, events: NodeEventClient) -> None:
        self._store = store
        self._events = events
        self._background = Background("node-losses", self._turn, retry_seconds=_SECONDS)

    async def start(self) -> None:
        await self._background.start()

    async def stop(self) -> None:
        await self._background.stop()

    async def _turn(self) -> float:
        # Also while the scheduler is away: sagas end meanwhile.
        again = await self._store.settle()
        again += await self.read_once()
        return 0.0 if again else _SECONDS

    async def read_once(self) -> int:
        """Deal with the events that there are; returns how many."""
        after = await self._store.read_to()
        events = await self._events.after(after)
        if not events or not await self._store.note(after, events):
            return 0
        for one in events:
            log.warning("node lost" if one.lost else "node heard again", node=one.node_name, node_id=str(one.node_id))
        return len(events)
