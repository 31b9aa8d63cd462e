"""The table ``circuit_breaker_configurations``."""

# ruff: noqa: S608 - statements are put together of this service's own constants

from __future__ import annotations

from uuid import UUID

from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb

from novacron.db import Database
from novacron.rpc.breaker import State
from novacron.rpc.breaker_configuration import FIELDS, FailureCriterion, RecoveryStrategy

from .breaker import Breaker, NewBreaker

# The names of a breaker's own fields are the columns' names.
_CONTENTS = (*FIELDS, "current_state", "fallback_response", "fallback_service_name", "reason", "updated_by")
_KEY = ("service_name", "target_service_name", "breaker_class")
_COLUMNS = ", ".join(("circuit_breaker_id", *_KEY, *_CONTENTS, "revision", "created_at", "updated_at"))
_INSERTED = ("circuit_breaker_id", "environment", *_KEY, *_CONTENTS)

_INSERT = f"""
INSERT INTO circuit_breaker_configurations ({", ".join(_INSERTED)})
VALUES ({", ".join(f"%({name})s" for name in _INSERTED)})
ON CONFLICT DO NOTHING
RETURNING {_COLUMNS}
"""
_UPDATE = f"""
UPDATE circuit_breaker_configurations
   SET {", ".join(f"{name} = %({name})s" for name in _CONTENTS)}, revision = revision + 1, updated_at = now()
 WHERE circuit_breaker_id = %(circuit_breaker_id)s AND environment = %(environment)s
   AND {" AND ".join(f"{name} = %({name})s" for name in _KEY)}
   AND (%(revision)s = 0 OR revision = %(revision)s)
RETURNING {_COLUMNS}
"""
_PAGE = f"""
SELECT {_COLUMNS} FROM circuit_breaker_configurations
 WHERE environment = %(environment)s AND (%(service)s = '' OR service_name = %(service)s)
   AND (%(after)s::text[] IS NULL OR (service_name, target_service_name, breaker_class)
        > ((%(after)s::text[])[1], (%(after)s::text[])[2], (%(after)s::text[])[3]))
 ORDER BY service_name, target_service_name, breaker_class LIMIT %(limit)s
"""
_SAME = f"""
SELECT {_COLUMNS} FROM circuit_breaker_configurations
 WHERE environment = %(environment)s AND (circuit_breaker_id = %(circuit_breaker_id)s
       OR (service_name = %(service_name)s AND target_service_name = %(target_service_name)s
           AND breaker_class = %(breaker_class)s))
 ORDER BY circuit_breaker_id = %(circuit_breaker_id)s DESC
"""


class BreakerStore:
    """The breaker configurations of one environment."""

    def __init__(self, database: Database, environment: str) -> None:
        self._database = database
        self.environment = environment

    async def insert(self, new: NewBreaker) -> Breaker | None:
        """None: the id, or the caller with this target and class, is there already."""
        return await self._one(_INSERT, self._parameters(new))

    async def update(self, wanted: NewBreaker, revision: int) -> Breaker | None:
        """None: it is not there, or is for others, or at another revision (0: any)."""
        return await self._one(_UPDATE, {**self._parameters(wanted), "revision": revision})

    async def delete(self, circuit_breaker_id: UUID) -> bool:
        query = "DELETE FROM circuit_breaker_configurations WHERE environment = %s AND circuit_breaker_id = %s"
        async with self._database.connection() as connection:
            return (await connection.execute(query, (self.environment, circuit_breaker_id))).rowcount == 1

    async def get(self, circuit_breaker_id: UUID) -> Breaker | None:
        query = (
            f"SELECT {_COLUMNS} FROM circuit_breaker_configurations WHERE environment = %s AND circuit_breaker_id = %s"
        )
        return await self._one(query, (self.environment, circuit_breaker_id))

    async def in_the_way(self, new: NewBreaker) -> Breaker | None:
        """What has this id; else what has this caller, target and class."""
        return await self._one(_SAME, self._parameters(new))

    async def page(self, service_name: str, after: list[str] | None, limit: int) -> list[Breaker]:
        """Configurations of a caller (empty: of all), those after this key."""
        wanted = {"environment": self.environment, "service": service_name, "after": after, "limit": limit}
        async with self._database.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
            return [_breaker(row) for row in await (await cursor.execute(_PAGE, wanted)).fetchall()]

    async def revisions(self) -> dict[UUID, int]:
        """What watchers compare."""
        query = "SELECT circuit_breaker_id, revision FROM circuit_breaker_configurations WHERE environment = %s"
        async with self._database.connection() as connection:
            return dict(await (await connection.execute(query, (self.environment,))).fetchall())

    async def _one(self, query: str, parameters: object) -> Breaker | None:
        async with self._database.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
            row = await (await cursor.execute(query, parameters)).fetchone()  # type: ignore[call-overload]
            return None if row is None else _breaker(row)

    def _parameters(self, wanted: NewBreaker) -> dict[str, object]:
        values: dict[str, object] = {name: wanted.values.get(name) for name in FIELDS}
        if criteria := wanted.values.get("failure_criteria"):
            values["failure_criteria"] = sorted(criteria)
        return {
            **values,
            "circuit_breaker_id": wanted.circuit_breaker_id,
            "environment": self.environment,
            **dict(zip(_KEY, wanted.key, strict=True)),
            "current_state": wanted.current_state,
            "fallback_response": Jsonb(dict(wanted.fallback_response)),
            "fallback_service_name": wanted.fallback_service_name,
            "reason": wanted.reason,
            "updated_by": wanted.updated_by,
        }


def _breaker(row: DictRow) -> Breaker:
    values = {name: value for name in FIELDS if (value := row.pop(name)) is not None}
    if "failure_criteria" in values:
        values["failure_criteria"] = frozenset(map(FailureCriterion, values["failure_criteria"]))
    if "recovery_strategy" in values:
        values["recovery_strategy"] = RecoveryStrategy(values["recovery_strategy"])
    row["current_state"] = State(row["current_state"])
    return Breaker(**row, values=values)
