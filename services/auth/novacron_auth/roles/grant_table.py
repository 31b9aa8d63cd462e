"""The table of grants: SQL in, dataclasses out. Methods that take a connection are part of their caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg.rows import class_row

from novacron.db import Connection, Database

from .role import RoleGrant

_COLUMNS = "g.user_id, g.role_id, r.name AS role, g.granted_by, g.granted_at, g.expires_at"
_LIVE = "(g.expires_at IS NULL OR g.expires_at > now())"


class GrantTable:
    """Grants as they are stored. One that has expired is as good as none, and waits to be written over."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, connection: Connection, user_id: UUID, role_id: UUID) -> RoleGrant | None:
        """A grant that holds."""
        async with connection.cursor(row_factory=class_row(RoleGrant)) as cursor:
            await cursor.execute(
                f"""
                SELECT {_COLUMNS} FROM user_roles g JOIN roles r ON r.id = g.role_id
                 WHERE g.user_id = %s AND g.role_id = %s AND {_LIVE}
                """.encode(),  # noqa: S608 - words of ours
                (user_id, role_id),
            )
            return await cursor.fetchone()

    async def give(
        self, connection: Connection, user_id: UUID, role_id: UUID, by: UUID, expires_at: datetime | None
    ) -> RoleGrant | None:
        """The grant, in place of one that was there before; None: it would be over already, by the database's clock."""
        async with connection.cursor(row_factory=class_row(RoleGrant)) as cursor:
            await cursor.execute(
                f"""
                WITH g AS (
                    INSERT INTO user_roles (user_id, role_id, granted_by, expires_at)
                    SELECT %(user_id)s, %(role_id)s, %(by)s, %(expires_at)s::timestamptz
                     WHERE %(expires_at)s::timestamptz IS NULL OR %(expires_at)s::timestamptz > now()
                    ON CONFLICT (user_id, role_id) DO UPDATE
                       SET granted_by = excluded.granted_by, granted_at = now(), expires_at = excluded.expires_at
                    RETURNING user_id, role_id, granted_by, granted_at, expires_at
                )
                SELECT {_COLUMNS} FROM g JOIN roles r ON r.id = g.role_id
                """.encode(),  # noqa: S608 - words of ours
                {"user_id": user_id, "role_id": role_id, "by": by, "expires_at": expires_at},
            )
            return await cursor.fetchone()

    async def take(self, connection: Connection, user_id: UUID, role_id: UUID) -> bool:
        """Whether there was one to take that still held."""
        taken = await connection.execute(
            "DELETE FROM user_roles g WHERE g.user_id = %s AND g.role_id = %s"
            " RETURNING g.expires_at IS NULL OR g.expires_at > now()",
            (user_id, role_id),
        )
        row = await taken.fetchone()
        return bool(row and row[0])

    async def page(
        self, sees: UUID | None, user_id: UUID | None, role_id: UUID | None, after: Sequence[Any] | None, number: int
    ) -> list[RoleGrant]:
        """Up to ``number`` grants that hold, oldest first, after this ``(granted_at, user_id, role_id)``."""
        conditions, values = [_LIVE], []
        for condition, value in (
            ("u.tenant_id = %s", sees),
            ("g.user_id = %s", user_id),
            ("g.role_id = %s", role_id),
        ):
            if value is not None:
                conditions.append(condition)
                values.append(value)
        if after is not None:
            conditions.append("(g.granted_at, g.user_id, g.role_id) > (%s, %s, %s)")
            values.extend(after)
        statement = sql.SQL(
            "SELECT {} FROM user_roles g JOIN roles r ON r.id = g.role_id JOIN users u ON u.id = g.user_id"
            " WHERE {} ORDER BY g.granted_at, g.user_id, g.role_id LIMIT %s"
        ).format(sql.SQL(_COLUMNS), sql.SQL(" AND ").join(sql.SQL(one) for one in conditions))
        async with (
            self._database.connection() as connection,
            connection.cursor(row_factory=class_row(RoleGrant)) as cursor,
        ):
            await cursor.execute(statement, [*values, number])
            return await cursor.fetchall()

    async def ended_since(self, since: datetime | None) -> tuple[datetime, list[UUID]]:
        """The database's time, and the users of whom a grant ended after ``since``."""
        async with self._database.connection() as connection:
            found = await connection.execute(
                """
                SELECT now(), (SELECT array_agg(DISTINCT user_id) FROM user_roles
                                WHERE expires_at > %s AND expires_at <= now())
                """,
                (since,),
            )
            row = await found.fetchone()
            assert row is not None
            return row[0], row[1] or []
