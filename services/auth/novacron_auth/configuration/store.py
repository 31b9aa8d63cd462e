"""The table of the configuration: SQL in, plain settings out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from psycopg.types.json import Jsonb

from novacron.db import Connection, Database
from novacron.ids import new_id

from .configuration import Plain


@dataclass(frozen=True, slots=True)
class Stored:
    """What administrators set, by path. Version 0: nothing yet."""

    auth_config_id: UUID | None = None
    settings: dict[str, Plain] = field(default_factory=dict)
    version: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None


class ConfigurationStore:
    """One row per environment."""

    def __init__(self, database: Database, environment: str) -> None:
        self._database = database
        self._environment = environment

    async def read(self) -> Stored:
        async with self._database.connection() as connection:
            return await self._row(connection, "")

    async def hold(self, connection: Connection) -> Stored:
        """The row, made if need be, locked to the end of the transaction."""
        await connection.execute(
            "INSERT INTO authentication_configuration (auth_config_id, environment) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            (new_id(), self._environment),
        )
        return await self._row(connection, "FOR UPDATE")

    async def write(self, connection: Connection, settings: dict[str, Plain]) -> None:
        await connection.execute(
            """
            UPDATE authentication_configuration SET configuration = %s, version = version + 1, updated_at = now()
             WHERE environment = %s
            """,
            (Jsonb(settings), self._environment),
        )

    async def _row(self, connection: Connection, lock: str) -> Stored:
        statement = f"""
            SELECT auth_config_id, configuration, version, created_at, updated_at
              FROM authentication_configuration WHERE environment = %s {lock}
            """  # noqa: S608 - a word of ours
        row = await (await connection.execute(statement.encode(), (self._environment,))).fetchone()
        return Stored(*row) if row else Stored()
