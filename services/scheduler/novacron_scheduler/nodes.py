"""Nodes: kept by heartbeats, drained by operators, read by both."""

from __future__ import annotations

from uuid import UUID

from novacron.db import Database
from novacron.errors import FailedPrecondition, InvalidArgument, NotFound, PermissionDenied
from novacron.paging import Comparison, Filter, PageTokens, page_size, parse_filter
from novacron.saga import barrier
from novacron.saga.key import SagaKey, current_key

from .answer import Answer, M
from .inventory.live import Inventory
from .node import Cluster, Heartbeat, Lease, Node, NodeStatus
from .resources import Ratios, Resources
from .store import NodeEventStore, NodeStore

_FIELDS = ("status", "name", "region", "availability_zone")
_MAPS = ("labels",)


class Nodes:
    """What may be done with nodes."""

    def __init__(
        self,
        database: Database,
        store: NodeStore,
        tokens: PageTokens,
        ratios: Ratios,
        lease_seconds: float,
        inventory: Inventory | None = None,
    ) -> None:
        self._database = database
        self._inventory = inventory or Inventory(database)
        self._store = store
        self._tokens = tokens
        self._ratios = ratios
        self._lease_seconds = lease_seconds
        self._events = NodeEventStore()

    async def heartbeat(self, beat: Heartbeat, certified: str) -> Lease:
        """Register the node or renew its lease. A node that was lost is taken back once its agent names the new epoch: then it
        has heard of its loss, and carries out nothing that was decided before.

        :raises PermissionDenied: the caller's certificate is another node's.
        :raises FailedPrecondition: a newer incarnation of the agent holds the lease.
        """
        if certified != beat.name:
            raise PermissionDenied(
                f"this certificate speaks for the node {certified or '(none)'} and not for {beat.name}:"
                " give the agent a certificate of its own node"
            )
        beat.check()
        allocatable = self._ratios.allocatable(beat.capacity, beat.reserved)
        async with self._database.connection() as connection:
            lease = await self._store.heartbeat(connection, beat, allocatable, self._lease_seconds)
        lease = lease or await self._take_back(beat, allocatable)
        if lease.changed:
            self._inventory.outdate()
        return lease

    async def _take_back(self, beat: Heartbeat, allocatable: Resources) -> Lease:
        async with self._database.transaction() as connection:
            held = await self._events.lock(connection, beat.node_id)
            if held.incarnation > beat.incarnation:
                raise FailedPrecondition(
                    f"a newer incarnation of the agent holds node {beat.name}: stop this one, or restart it to take over"
                )
            if beat.epoch not in (0, held.epoch):
                return Lease(held.status, held.epoch)
            if held.lost:
                await self._events.returned(connection, beat.node_id)
            lease = await self._store.heartbeat(connection, beat, allocatable, self._lease_seconds)
        assert lease is not None, "the row is locked, and nothing stands against it"
        return lease

    async def get(self, name_or_id: str) -> Node:
        """:raises NotFound: no such node."""
        async with self._database.connection() as connection:
            node = await self._store.get(connection, _key(name_or_id))
        return _found(node, name_or_id)

    async def drain(self, name_or_id: str, answer: Answer[Node, M], *, undo: bool) -> M:
        """Out of placement, or back in. No claim that comes after this takes anything there. :raises NotFound: no such node."""
        status = NodeStatus.READY if undo else NodeStatus.MAINTENANCE
        async with self._database.transaction() as connection:

            async def effect() -> M:
                node = await self._store.set_status(connection, _key(name_or_id), status)
                return answer.of(_found(node, name_or_id))

            made = await barrier.once(connection, answer.message, effect)
        self._inventory.outdate()
        return made

    async def failed(self, node_id: UUID, answer: Answer[int, M]) -> M:
        """A VM could not be made there: for a while other nodes go before it. :raises NotFound: no such node."""
        async with self._database.transaction() as connection:

            async def effect() -> M:
                count = await self._store.failed(connection, node_id)
                if count is None:
                    raise NotFound.named("node", node_id)
                return answer.of(count)

            # It is told while a step is undone, whose key is good for that: this is a deed of its own.
            key = current_key()
            own = SagaKey(key.saga_id, f"{key.step}-failed", "action") if key else None
            made = await barrier.once(connection, answer.message, effect, key=own)
        self._inventory.outdate()
        return made

    async def page(self, size: int, token: str, text: str) -> tuple[list[Node], str]:
        """Nodes by name, and the token of the next page. :raises InvalidArgument: filter or token is none of ours."""
        wanted = _filter(text)
        after = self._tokens.open(token, "nodes", text)
        limit = page_size(size)
        async with self._database.connection() as connection:
            found = await self._store.page(connection, wanted, after[0] if after else "", limit + 1)
        following = self._tokens.seal([found[limit - 1].name], "nodes", text) if len(found) > limit else ""
        return found[:limit], following

    async def clusters(self, size: int, token: str) -> tuple[list[Cluster], str]:
        """Clusters by name, and the token of the next page. :raises InvalidArgument: the token is none of ours."""
        after = self._tokens.open(token, "clusters")
        limit = page_size(size)
        async with self._database.connection() as connection:
            found = await self._store.clusters(connection, after[0] if after else "", limit + 1)
        following = self._tokens.seal([found[limit - 1].name], "clusters") if len(found) > limit else ""
        return found[:limit], following


def _key(name_or_id: str) -> UUID | str:
    try:
        return UUID(name_or_id)
    except ValueError:
        return name_or_id


def _found(node: Node | None, name_or_id: str) -> Node:
    if node is None:
        raise NotFound.named("node", name_or_id)
    return node


def _filter(text: str) -> Filter:
    """``status`` is told from the states that there are: a word that is none of them would silently match nothing."""
    parsed = parse_filter(text, _FIELDS, _MAPS)
    return Filter(tuple(_status(one) if one.field == "status" else one for one in parsed.comparisons))


def _status(one: Comparison) -> Comparison:
    value = one.value.lower().removeprefix("node_status_")
    if value not in list(NodeStatus) or one.operator not in ("=", "!="):
        raise InvalidArgument.at("filter", f"status is compared by = or != with one of {', '.join(NodeStatus)}")
    return Comparison(one.field, one.key, one.operator, value)
