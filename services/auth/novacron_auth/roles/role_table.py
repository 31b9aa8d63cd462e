"""The table of roles: SQL in, dataclasses out. Methods that take a connection are part of their caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb

from novacron.db import Connection, Database
from novacron.paging import Filter

from .role import NewRole, Role

_COLUMNS = (
    """r.id, r.name, r.description, r.permissions, r.tenant_id, r.mfa_required, r.created_at, r.updated_at, r.version"""
)
# What a filter of the list may name.
FILTERED = {"name": "r.name", "tenant_id": "coalesce(r.tenant_id::text, '')"}
# The platform's own are everybody's to see.
_SEEN = "(%(sees)s::uuid IS NULL OR r.tenant_id IS NULL OR r.tenant_id = %(sees)s)"


def _role(row: tuple[Any, ...]) -> Role:
    values: list[Any] = [*row[:3], frozenset(row[3]), *row[4:]]
    return Role(*values)


class RoleTable:
    """Roles as they are stored. ``sees`` is the one tenant that the asker sees; None: all."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, role_id: UUID, sees: UUID | None) -> Role | None:
        async with self._database.connection() as connection:
            return await self._one(connection, f"r.id = %(id)s AND {_SEEN}", {"id": role_id, "sees": sees})

    async def named(self, name: str, tenant_id: UUID) -> Role | None:
        """The role that a tenant knows by this name."""
        condition = "r.name = %(name)s AND (r.tenant_id IS NULL OR r.tenant_id = %(tenant_id)s)"
        async with self._database.connection() as connection:
            return await self._one(connection, condition, {"name": name, "tenant_id": tenant_id})

    async def is_platforms(self, connection: Connection, name: str) -> bool:
        """Whether one of the platform's own has this name, which then is nobody else's."""
        return await self._one(connection, "r.name = %(name)s AND r.tenant_id IS NULL", {"name": name}) is not None

    async def hold(self, connection: Connection, role_id: UUID, sees: UUID | None) -> Role | None:
        """The role, which nobody changes or deletes until the transaction ends."""
        return await self._one(connection, f"r.id = %(id)s AND {_SEEN} FOR UPDATE OF r", {"id": role_id, "sees": sees})

    async def page(self, sees: UUID | None, kept: Filter, after: Sequence[Any] | None, number: int) -> list[Role]:
        """Up to ``number`` roles by name, after this ``(name, id)``."""
        where, values = kept.where(FILTERED)
        conditions: list[sql.Composable] = [where]
        if sees is not None:
            conditions.append(sql.SQL("(r.tenant_id IS NULL OR r.tenant_id = %s)"))
            values.append(sees)
        if after is not None:
            conditions.append(sql.SQL("(r.name, r.id) > (%s, %s)"))
            values.extend(after)
        statement = sql.SQL("SELECT {} FROM roles r WHERE {} ORDER BY r.name, r.id LIMIT %s").format(
            sql.SQL(_COLUMNS), sql.SQL(" AND ").join(conditions)
        )
        async with self._database.connection() as connection:
            found = await connection.execute(statement, [*values, number])
            return [_role(row) for row in await found.fetchall()]

    async def add(self, connection: Connection, new: NewRole) -> Role | None:
        """The role made; None: its id or its name is taken.

        :raises psycopg.errors.ForeignKeyViolation: there is no such tenant.
        """
        made = await connection.execute(
            f"""
            INSERT INTO roles AS r (id, tenant_id, name, description, permissions, mfa_required)
            VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING {_COLUMNS}
            """.encode(),  # noqa: S608 - words of ours
            (
                new.role_id,
                new.tenant_id,
                new.name,
                new.description,
                Jsonb(sorted(new.permissions)),
                new.mfa_required,
            ),
        )
        row = await made.fetchone()
        return _role(row) if row else None

    async def change(self, connection: Connection, role: Role) -> Role:
        """Store what can be changed of a role that is held, as its next version."""
        changed = await connection.execute(
            f"""
            UPDATE roles r SET description = %s, permissions = %s, mfa_required = %s,
                   version = version + 1, updated_at = now()
             WHERE id = %s RETURNING {_COLUMNS}
            """.encode(),  # noqa: S608 - words of ours
            (role.description, Jsonb(sorted(role.permissions)), role.mfa_required, role.role_id),
        )
        return _role(await changed.fetchone() or ())

    async def delete(self, connection: Connection, role_id: UUID) -> None:
        """With its grants."""
        await connection.execute("DELETE FROM roles WHERE id = %s", (role_id,))

    async def _one(self, connection: Connection, condition: str, values: dict[str, object]) -> Role | None:
        found = await connection.execute(f"SELECT {_COLUMNS} FROM roles r WHERE {condition}".encode(), values)  # noqa: S608
        row = await found.fetchone()
        return _role(row) if row else None
