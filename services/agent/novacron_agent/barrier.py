"""The barrier on a host: kept in a journal beside the domains, since the agent has no database.

The rules are those of :mod:`novacron.saga.barrier`. What differs is that an effect on a hypervisor and a line in a file are no
one transaction. So a compensation first writes that the action is undone, and then undoes it whether or not the action is
known here; and an action that was begun but never noted is carried out again, told that it is not the first time.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from novacron.errors import StepCompensated
from novacron.saga.barrier import Message
from novacron.saga.key import SagaKey, current_key

from .drivers.journal import Journal
from .drivers.turns import Turns

M = TypeVar("M", bound=Message)

# No saga is retried after this long; what was noted for it may go.
_KEEP_SECONDS = 14 * 86_400


class HostBarrier:
    """At most one operation on a VM at a time, each saga's key at most once, none after its undoing."""

    def __init__(self, path: Path) -> None:
        self._journal = Journal(path)
        self._noted: dict[str, dict[str, Any]] = {}
        self._turns = Turns()

    async def open(self) -> None:
        self._noted = await self._journal.open()
        oldest = time.time() - _KEEP_SECONDS
        for key in [key for key, note in self._noted.items() if note["at"] < oldest]:
            del self._noted[key]
            await self._journal.drop(key)

    async def close(self) -> None:
        await self._turns.settle()
        await self._journal.close()

    async def once(
        self,
        vm_id: UUID,
        response: type[M],
        effect: Callable[[bool], Awaitable[M]],
        *,
        admit: Callable[[], None] = lambda: None,
    ) -> M:
        """Carry out ``effect(again)`` under the current saga's key; returns the one response.

        ``again`` is true when an earlier try may have had its effect already. ``admit`` raises for what may not be carried out
        any more: it is asked when the turn has come, so that nobody acts who waited, or slept, for too long. Then nothing is
        noted.

        :raises StepCompensated: this is an action whose compensation has been here.
        """
        key = current_key()

        async def in_turn() -> M:
            admit()
            return await self._in_turn(key, response, effect)

        return await self._turns.take(vm_id, in_turn)

    async def _in_turn(self, key: SagaKey | None, response: type[M], effect: Callable[[bool], Awaitable[M]]) -> M:
        if key is None:
            return await effect(False)
        note = self._noted.get(str(key), {})
        if note.get("undone"):
            raise StepCompensated(
                f"step {key.step} of saga {key.saga_id} was undone before this arrived: it stays undone"
            )
        if "response" in note:
            stored = response()
            stored.ParseFromString(base64.b64decode(note["response"]))
            return stored
        if key.operation == "compensation":
            await self._note(SagaKey(key.saga_id, key.step, "action"), undone=True)
        await self._note(key, begun=True)
        made = await effect(bool(note))
        await self._note(key, response=base64.b64encode(made.SerializeToString()).decode())
        return made

    async def _note(self, key: SagaKey, **what: Any) -> None:
        note = {"at": int(time.time()), **what}
        await self._journal.put(str(key), note)
        self._noted[str(key)] = note
