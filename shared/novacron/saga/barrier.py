"""The barrier: in each participant, an operation of a saga's step takes effect at most once, and never after its undo.

One row per (saga, step, operation), written in the transaction of the effect and holding the response:

* a repeated action returns the stored response;
* a compensation that arrives before its action takes the action's key as well, and does nothing;
* the late action then finds its key taken and is refused. Without this, a create that arrives after its delete leaks.

The rules are dtm's sub-transaction barrier; the response kept with the key is ours.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar
from uuid import UUID

from ..db import Connection, MigrationSource
from ..errors import StepCompensated
from .key import SagaKey, current_key

MIGRATIONS = MigrationSource("saga_barrier", Path(__file__).parent / "barrier_migrations")


class Message(Protocol):
    """A protobuf message, as far as the barrier sees it."""

    def SerializeToString(self) -> bytes: ...
    def ParseFromString(self, data: bytes, /) -> Any: ...


M = TypeVar("M", bound=Message)
_Key = tuple[UUID, str]  # an action's saga and step

_TAKE = """
INSERT INTO saga_barrier (saga_id, step, operation, compensated_first) VALUES (%s, %s, %s, %s)
ON CONFLICT DO NOTHING
"""
# Keys are taken in one order everywhere: of two who want the same ones neither waits for the other in turn.
_TAKE_EACH = """
INSERT INTO saga_barrier (saga_id, step, operation)
SELECT saga_id, step, 'action' FROM json_to_recordset(%s) AS wanted (saga_id uuid, step text) ORDER BY saga_id, step
ON CONFLICT DO NOTHING RETURNING saga_id, step
"""
_KEEP_EACH = """
UPDATE saga_barrier SET response = decode(made.response, 'hex')
FROM json_to_recordset(%s) AS made (saga_id uuid, step text, response text)
WHERE saga_barrier.saga_id = made.saga_id AND saga_barrier.step = made.step AND operation = 'action'
"""
_FREE_EACH = """
DELETE FROM saga_barrier USING json_to_recordset(%s) AS unused (saga_id uuid, step text)
WHERE saga_barrier.saga_id = unused.saga_id AND saga_barrier.step = unused.step AND operation = 'action'
"""
_READ = "SELECT response, compensated_first FROM saga_barrier WHERE saga_id = %s AND step = %s AND operation = %s"
_KEEP = "UPDATE saga_barrier SET response = %s WHERE saga_id = %s AND step = %s AND operation = %s"


async def once(
    connection: Connection, response: type[M], effect: Callable[[], Awaitable[M]], *, key: SagaKey | None = None
) -> M:
    """Carry out ``effect`` in the caller's transaction unless this key already did; returns the one response.

    ``key`` is the current request's, unless given; a request that belongs to no saga is carried out as it is. A compensation
    whose action never took effect here returns an empty response and calls nothing.

    :raises StepCompensated: this is an action whose compensation has already been here.
    """
    key = key or current_key()
    if key is None:
        return await effect()
    row = (key.saga_id, key.step, key.operation)
    # A twin in flight holds the key's row: this waits for it, then finds what it left.
    taken = await connection.execute(_TAKE, (*row, False))
    if taken.rowcount == 0:
        return await _stored(connection, response, key)
    if key.operation == "compensation":
        action = await connection.execute(_TAKE, (key.saga_id, key.step, "action", True))
        if action.rowcount == 1:  # the action had not come, and now it cannot
            empty = response()
            await connection.execute(_KEEP, (empty.SerializeToString(), *row))
            return empty
    made = await effect()
    await connection.execute(_KEEP, (made.SerializeToString(), *row))
    return made


async def once_each(
    connection: Connection,
    keys: Sequence[SagaKey | None],
    effect: Callable[[Sequence[int]], Awaitable[Mapping[int, M]]],
) -> Mapping[int, M]:
    """Carry out, together and in the caller's transaction, those of these actions that never were; answers by their places.

    ``effect`` gets the places whose key was free, and of two with one key the first; those of no saga have no key. It answers
    those that it carried out. Whoever has no answer here left no trace: its key is as it was, and :func:`once` tells what
    becomes of it. Compensations go there too: :raises ValueError: one of these is none of an action.
    """
    wanted: dict[_Key, int] = {}
    for place, key in enumerate(keys):
        if key is not None:
            if key.operation != "action":
                raise ValueError(f"{key} is no action")
            wanted.setdefault((key.saga_id, key.step), place)
    free = [place for place, key in enumerate(keys) if key is None]
    taken: dict[int, _Key] = {}
    if wanted:
        cursor = await connection.execute(_TAKE_EACH, (_document(wanted),))
        taken = {wanted[row[0], row[1]]: (row[0], row[1]) for row in await cursor.fetchall()}
    made = await effect(sorted([*free, *taken]))
    kept = {key: {"response": made[place].SerializeToString().hex()} for place, key in taken.items() if place in made}
    if kept:
        await connection.execute(_KEEP_EACH, (_document(kept, kept),))
    unused = [key for place, key in taken.items() if place not in made]
    if unused:
        await connection.execute(_FREE_EACH, (_document(unused),))
    return made


def _document(keys: Iterable[_Key], more: Mapping[_Key, dict[str, str]] | None = None) -> str:
    """As one value: of arrays the driver dumps each element by itself, which costs more than all else about them."""
    return json.dumps([{"saga_id": str(key[0]), "step": key[1], **(more[key] if more else {})} for key in keys])


async def _stored(connection: Connection, response: type[M], key: SagaKey) -> M:
    found = await (await connection.execute(_READ, (key.saga_id, key.step, key.operation))).fetchone()
    if found is None or found[1]:
        raise StepCompensated(f"step {key.step} of saga {key.saga_id} was undone before this arrived: it stays undone")
    message = response()
    message.ParseFromString(bytes(found[0]))
    return message
