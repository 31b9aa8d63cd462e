"""Beginning and ending to keep a VM's samples: steps of sagas, so each takes effect at most once and never after its undo."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from novacron.db import Database
from novacron.errors import AlreadyExists
from novacron.paging import PageTokens, page_size
from novacron.saga import barrier
from novacron.saga.barrier import M

from .store import Store
from .target import NewTarget, Target


class Targets:
    """Commands on targets, each of which answers with the message that the barrier keeps beside the effect; and their list."""

    def __init__(self, database: Database, store: Store, tokens: PageTokens) -> None:
        self._database = database
        self._store = store
        self._tokens = tokens

    async def create(self, wanted: NewTarget, response: type[M], answer: Callable[[Target], M]) -> M:
        """Keep this VM's samples from now on; the same again returns the same.

        :raises AlreadyExists: this VM is kept for another tenant, from another node or at another interval.
        :raises StepCompensated: the saga has already undone this step.
        """
        async with self._database.transaction() as connection:

            async def effect() -> M:
                target = await self._store.insert_target(connection, wanted)
                if other := target.differs_from(wanted):
                    raise AlreadyExists(
                        f"vm {wanted.vm_id} is already monitored with another {', '.join(other)}: "
                        "call DeleteVmMonitoring first, or repeat the request as it was"
                    )
                return answer(target)

            return await barrier.once(connection, response, effect)

    async def delete(self, vm_id: UUID, response: type[M], answer: Callable[[bool], M]) -> M:
        """Keep no more samples of this VM; those that are kept stay until their retention. Answers whether any were kept."""
        async with self._database.transaction() as connection:

            async def effect() -> M:
                return answer(await self._store.delete_target(connection, vm_id))

            return await barrier.once(connection, response, effect)

    async def page(self, size: int, token: str, tenant: UUID | None) -> tuple[list[Target], str]:
        """Targets by the VM's id, and the token of the next page. :raises InvalidArgument: the token is none of ours."""
        after = self._tokens.open(token, "targets", tenant)
        limit = page_size(size)
        found = await self._store.targets(tenant, UUID(after[0]) if after else None, limit + 1)
        more = len(found) > limit
        return found[:limit], self._tokens.seal([found[limit - 1].vm_id], "targets", tenant) if more else ""
