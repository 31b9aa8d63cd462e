"""The barrier: in each participant, an operation of a saga's step takes effect at most once, and never after its undo.

One row per (saga, step, operation), written in the transaction of the effect and holding the response:

* a repeated action returns the stored response;
* a compensation that arrives before its action takes the action's key as well, and does nothing;
* the late action then finds its key taken and is refused. Without this, a create that arrives after its delete leaks.

The rules are dtm's sub-transaction barrier; the response kept with the key is ours.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

from ..db import Connection, MigrationSource
from ..errors import StepCompensated
from .key import SagaKey, current_key

MIGRATIONS = MigrationSource("saga_barrier", Path(__file__).parent / "barrier_migrations")


class Message(Protocol):
    """A protobuf message, as far as the barrier sees it."""

    def SerializeToString(self) -> bytes: ...
    def ParseFromString(self, data: bytes, /) -> Any: ...


M = TypeVar("M", bound=Message)

_TAKE = """
INSERT INTO saga_barrier (saga_id, step, operation, compensated_first) VALUES (%s, %s, %s, %s)
ON CONFLICT DO NOTHING
"""
# Keys are taken in one order everywhere: of two who want the same ones neither waits for the other in turn.
_KEEP_EACH = """
INSERT INTO saga_barrier (saga_id, step, operation, response)
SELECT saga_id, step, 'action', decode(response, 'hex')
FROM json_to_recordset(%s) AS made (saga_id uuid, step text, response text) ORDER BY saga_id, step
"""
_TAKEN = """
SELECT saga_id, step FROM saga_barrier JOIN json_to_recordset(%s) AS asked (saga_id uuid, step text) USING (saga_id, step)
WHERE operation = 'action'
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


async def keep_each(connection: Connection, made: Mapping[SagaKey, Message]) -> None:
    """Take the keys of actions that were carried out together, each with its answer, in the transaction of their effects.

    Where a twin or a compensation has taken one already, the transaction fails with ``UniqueViolation``, in a pipeline when
    its end is waited for, and has no effect. :func:`taken` tells which these are, and :func:`once` what becomes of them. A twin
    in flight is waited for. :raises ValueError: one of these is a compensation's, which goes there too.
    """
    if made:
        # As one value: of arrays the driver dumps each element by itself, which costs more than all else about them.
        rows = [_named(key) | {"response": answer.SerializeToString().hex()} for key, answer in made.items()]
        await connection.execute(_KEEP_EACH, (json.dumps(rows),))


async def taken(connection: Connection, keys: Iterable[SagaKey]) -> frozenset[SagaKey]:
    """Those of these actions that were carried out, or undone before they came."""
    cursor = await connection.execute(_TAKEN, (json.dumps([_named(key) for key in keys]),))
    return frozenset(SagaKey(saga_id, step, "action") for saga_id, step in await cursor.fetchall())


def _named(key: SagaKey) -> dict[str, str]:
    if key.operation != "action":
        raise ValueError(f"{key} is no action")
    return {"saga_id": str(key.saga_id), "step": key.step}


async def _stored(connection: Connection, response: type[M], key: SagaKey) -> M:
    found = await (await connection.execute(_READ, (key.saga_id, key.step, key.operation))).fetchone()
    if found is None or found[1]:
        raise StepCompensated(f"step {key.step} of saga {key.saga_id} was undone before this arrived: it stays undone")
    message = response()
    message.ParseFromString(bytes(found[0]))
    return message
