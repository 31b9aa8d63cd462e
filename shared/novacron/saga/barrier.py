"""The barrier: in each participant, an operation of a saga's step takes effect at most once, and never after its undo.

One row per (saga, step, operation), written in the transaction of the effect and holding the response:

* a repeated action returns the stored response;
* a compensation that arrives before its action takes the action's key as well, and does nothing;
* the late action then finds its key taken and is refused. Without this, a create that arrives after its delete leaks.

The rules are dtm's sub-transaction barrier; the response kept with the key is ours.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
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


async def _stored(connection: Connection, response: type[M], key: SagaKey) -> M:
    found = await (await connection.execute(_READ, (key.saga_id, key.step, key.operation))).fetchone()
    if found is None or found[1]:
        raise StepCompensated(f"step {key.step} of saga {key.saga_id} was undone before this arrived: it stays undone")
    message = response()
    message.ParseFromString(bytes(found[0]))
    return message
