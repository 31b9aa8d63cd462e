"""What may be done with drains: begin one, see how far it is, turn it round."""

from __future__ import annotations

from uuid import UUID

from novacron.db import Connection
from novacron.errors import AlreadyExists, Conflict, FailedPrecondition
from novacron.ids import new_id
from novacron.saga import Begun, Coordinator, request_cancel
from novacron.tenancy import every_tenant

from .clients import SchedulerClient
from .drain import Drain, NewDrain
from .drain_store import DrainStore
from .sagas import DRAIN_NODE, DrainNodeParams

# Each holds one of a worker's places while it waits for moves, which need places too.
_MOST_AT_ONCE = 16


class Drains:
    """The commands of the vm service on nodes, whose VMs are everybody's: a drain and its saga belong to no tenant."""

    def __init__(self, store: DrainStore, sagas: Coordinator, scheduler: SchedulerClient) -> None:
        self._store = store
        self._sagas = sagas
        self._scheduler = scheduler

    async def begin(
        self, node: str, by: UUID, *, budget: int, grace_seconds: int, request_id: UUID | None = None
    ) -> Drain:
        """The drain that this request began, or the one that is under way on the node.

        :raises NotFound: no such node. :raises AlreadyExists: the id is another request's.
        """
        place, is_open = await self._scheduler.node(node)
        new = NewDrain(request_id or new_id(), place.node_id, place.node_name, by, budget, grace_seconds, is_open)
        params = DrainNodeParams(new.node_id, new.node_name, new.was_open, by)
        with every_tenant():
            drain, begun = await self._begun(new, params)
        if begun is not None:
            self._sagas.launch(begun)
        return drain

    async def _begun(self, new: NewDrain, params: DrainNodeParams) -> tuple[Drain, Begun | None]:
        async with self._store.database.transaction() as connection:
            known = await self._store.with_id_or_of_node(connection, new.id, new.node_id)
            if known is not None:
                return _same(known, new), None
            if await self._store.under_way(connection) >= _MOST_AT_ONCE:
                raise FailedPrecondition(f"{_MOST_AT_ONCE} nodes are being drained already: wait until one is done")
            drain = await self._store.insert(connection, new)
            if drain is None:
                raise Conflict(f"another drain of {new.node_name} began at this moment: repeat the request")
            return drain, await self._sagas.begin(connection, DRAIN_NODE, new.id, params)

    async def get(self, drain: str) -> Drain:
        """By its id, or the newest of a node. :raises NotFound: there is none."""
        async with self._store.database.connection() as connection:
            return await self._store.find(connection, drain)

    async def cancel(self, drain: str) -> Drain:
        """Turn it round; one that is over, or about to be, stays as it is. :raises NotFound: as :meth:`get`."""
        with every_tenant():
            async with self._store.database.transaction() as connection:
                return await self._cancelled(connection, drain)

    async def _cancelled(self, connection: Connection, drain: str) -> Drain:
        found = await self._store.find(connection, drain)
        # The saga's row before the drain's, as in the saga's own commit.
        if await request_cancel(connection, found.id, f"the drain of {found.node_name} was cancelled"):
            await self._store.cancel(connection, found.id)
        return await self._store.find(connection, str(found.id))


def _same(known: Drain, new: NewDrain) -> Drain:
    if known.id == new.id and not known.is_of(new):
        raise AlreadyExists(f"{new.id} is taken by another request: choose a new id, or repeat the same contents")
    return known
