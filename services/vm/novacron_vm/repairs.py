"""Repairs: what is held for nobody is given back, what is missing is made again. Each looks again before it does anything.

Whoever asks saw a contradiction some time ago. Here the VM is kept still first, then judged, then mended, so that nothing
is taken from a VM that came to need it meanwhile. Each repair is an order of its own and may be repeated: what is mended
already is nothing to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from novacron import logs
from novacron.errors import DeadlineExceeded, FailedPrecondition, NovacronError, Unavailable
from novacron.paging import PageTokens, page_size

from .agents import Agents, HostDomain
from .clients import MonitoringClient, SchedulerClient
from .repair import Order, Repair, Standing
from .repair_clients import LeakClient
from .repair_store import RepairStore

log = logs.logger(__name__)
# An agent that is up answers in milliseconds; who asks has to answer in time, too.
_ASK_SECONDS = 3.0
_DONE, _NOTHING = "done", "nothing to do"


class _Told:
    """What came of a repair, as its block says."""

    outcome = _NOTHING

    def done(self, something: bool) -> bool:
        self.outcome = _DONE if something else _NOTHING
        return something


class Repairs:
    """What may be mended. :raises FailedPrecondition: from every command: it is needed, or may be."""

    def __init__(
        self,
        store: RepairStore,
        scheduler: SchedulerClient,
        leaks: LeakClient,
        monitoring: MonitoringClient,
        agents: Agents,
        tokens: PageTokens,
    ) -> None:
        self._store = store
        self._scheduler = scheduler
        self._leaks = leaks
        self._monitoring = monitoring
        self._agents = agents
        self._tokens = tokens

    async def release_reservation(self, order: Order, node_id: UUID, decision_id: UUID) -> bool:
        """Free what is held of a node for a VM that is not there. A domain that is still there uses it: that goes first."""
        async with self._repair(order) as (standing, told):
            standing.must_not_be_on(node_id)
            if await self._is_on(node_id, order.vm_id):
                raise FailedPrecondition(
                    f"the domain of VM {order.vm_id} is still on the node: what it takes there is not free; destroy it first"
                )
            return told.done(await self._leaks.release(order.vm_id, node_id, decision_id))

    async def release_unneeded(self, order: Order, node_id: UUID, decision_id: UUID) -> bool:
        """As :meth:`release_reservation`, of what nobody complained about: where it is needed, or may be, no order is kept."""
        try:
            async with self._store.held(order.vm_id) as standing:
                standing.must_not_be_on(node_id)
                if await self._is_on(node_id, order.vm_id):
                    return False
        except FailedPrecondition:
            return False
        return await self.release_reservation(order, node_id, decision_id)

    async def delete_monitoring(self, order: Order) -> bool:
        """Keep no more samples of a VM that is gone."""
        async with self._repair(order) as (standing, told):
            standing.must_be_gone()
            return told.done(await self._leaks.unmonitor(order.vm_id))

    async def restore_monitoring(self, order: Order) -> None:
        """Keep the samples of a VM that runs."""
        async with self._repair(order) as (standing, told):
            vm, node_id = standing.running()
            await self._monitoring.create(vm.id, vm.tenant_id, node_id)
            told.done(True)

    async def destroy_domain(self, order: Order, node_id: UUID, *, never_heard_of: bool) -> bool:
        """Remove domain and disks of a VM that is gone, from one host."""
        async with self._repair(order) as (standing, told):
            standing.must_be_gone()
            if not never_heard_of:
                standing.must_be_known()
            there = await self._is_on(node_id, order.vm_id)
            if there:
                await self._agents.delete(await self._scheduler.place(node_id), order.vm_id)
            return told.done(there)

    async def domains(self, node_id: UUID) -> tuple[Sequence[HostDomain], str]:
        """What is on a node, or why nobody knows. An agent that is away is no fault of this service's, and is told as a fact.

        :raises NotFound: no such node.
        """
        place = await self._scheduler.place(node_id)
        try:
            async with asyncio.timeout(_ASK_SECONDS):
                return await self._agents.domains(place), ""
        except (Unavailable, DeadlineExceeded) as error:
            return (), error.message
        except TimeoutError:
            return (), f"the agent of node {place.node_name} does not answer"

    async def page(self, size: int, token: str) -> tuple[list[Repair], str]:
        """Repairs, newest first, and the token of the next page. :raises InvalidArgument: the token is none of ours."""
        position, limit = self._tokens.open(token, "repairs"), page_size(size)
        after = (datetime.fromisoformat(position[0]), UUID(position[1])) if position else None
        found = await self._store.page(after, limit + 1)
        more = len(found) > limit
        last = found[limit - 1] if more else None
        return found[:limit], self._tokens.seal((last.created_at, last.repair_id), "repairs") if last else ""

    @asynccontextmanager
    async def _repair(self, order: Order) -> AsyncIterator[tuple[Standing, _Told]]:
        """The order is kept, the VM is held, and what came of it is kept as well."""
        repair_id, told = await self._store.begin(order), _Told()
        try:
            async with self._store.held(order.vm_id) as standing:
                yield standing, told
        except NovacronError as error:
            refused = isinstance(error, FailedPrecondition)
            await self._store.end(repair_id, f"{'refused' if refused else 'failed'}: {error}")
            raise
        await self._store.end(repair_id, told.outcome)
        log.info(
            "repaired", action=str(order.action), vm=str(order.vm_id), outcome=told.outcome, by=str(order.initiated_by)
        )

    async def _is_on(self, node_id: UUID, vm_id: UUID) -> bool:
        """:raises FailedPrecondition: its agent does not answer, so it may be. :raises NotFound: no such node."""
        found, unreachable = await self.domains(node_id)
        if unreachable:
            raise FailedPrecondition(
                f"{unreachable}, so what is on it cannot be known: bring its agent back, then repeat"
            )
        return any(domain.vm_id == vm_id for domain in found)
