"""The tables of users and their old passwords: SQL in, dataclasses out.

Methods that take a connection are part of their caller's transaction; the others are one statement each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from psycopg import sql

from novacron.db import Connection, Database
from novacron.paging import Filter

from .account import Role, folded
from .user import NewUser, User

# A lock that is over is none.
_COLUMNS = """u.id, u.tenant_id, u.username, u.email, u.role::text, u.last_login, u.mfa_enabled, u.failed_login_attempts,
    CASE WHEN u.locked_until > now() THEN u.locked_until END, u.disabled_at, u.password_changed_at, u.created_at,
    u.updated_at, u.version"""
# What a filter of the list may name.
FILTERED = {
    "username": "u.username_folded",
    "email": "u.email_folded",
    "role": "u.role",
    "tenant_id": "u.tenant_id",
    "mfa_enabled": "u.mfa_enabled",
    "disabled": "u.disabled_at IS NOT NULL",
    "locked": "coalesce(u.locked_until > now(), false)",
}


def _user(row: tuple[Any, ...]) -> User:
    values: list[Any] = [*row[:4], Role(row[4]), *row[5:]]
    return User(*values)


class UserStore:
    """Users as they are stored. ``sees`` is the one tenant that the asker sees; None: all."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, user_id: UUID, sees: UUID | None) -> User | None:
        async with self._database.connection() as connection:
            return await self._one(
                connection, "u.id = %s AND (%s::uuid IS NULL OR u.tenant_id = %s)", user_id, sees, sees
            )

    async def named(self, tenant_id: UUID, username: str) -> User | None:
        async with self._database.connection() as connection:
            return await self._one(
                connection, "u.tenant_id = %s AND u.username_folded = %s", tenant_id, folded(username)
            )

    async def hold(self, connection: Connection, user_id: UUID, sees: UUID | None) -> User | None:
        """The user, locked to the end of the transaction."""
        return await self._one(
            connection, "u.id = %s AND (%s::uuid IS NULL OR u.tenant_id = %s) FOR UPDATE OF u", user_id, sees, sees
        )

    async def page(self, sees: UUID | None, kept: Filter, after: Sequence[Any] | None, number: int) -> list[User]:
        """Up to ``number`` users, oldest first, after this ``(created_at, id)``."""
        where, values = kept.where(FILTERED)
        conditions: list[sql.Composable] = [where]
        if sees is not None:
            conditions.append(sql.SQL("u.tenant_id = %s"))
            values.append(sees)
        if after is not None:
            conditions.append(sql.SQL("(u.created_at, u.id) > (%s, %s)"))
            values.extend(after)
        statement = sql.SQL("SELECT {} FROM users u WHERE {} ORDER BY u.created_at, u.id LIMIT %s").format(
            sql.SQL(_COLUMNS), sql.SQL(" AND ").join(conditions)
        )
        async with self._database.connection() as connection:
            found = await connection.execute(statement, [*values, number])
            return [_user(row) for row in await found.fetchall()]

    async def add(self, connection: Connection, new: NewUser, password_hash: str | None) -> User | None:
        """The user made; None: its id, its name or its address is taken."""
        made = await connection.execute(
            f"""
            INSERT INTO users AS u (id, tenant_id, username, username_folded, email, email_folded, role, password_hash)
            VALUES (%s, %s, %s, %s, %s, %s, %s::user_role_enum, %s)
            ON CONFLICT DO NOTHING RETURNING {_COLUMNS}
            """.encode(),  # noqa: S608 - words of ours
            (
                new.user_id,
                new.tenant_id,
                new.username,
                folded(new.username),
                new.email,
                folded(new.email),
                new.role.value,
                password_hash,
            ),
        )
        row = await made.fetchone()
        return _user(row) if row else None

    async def change(self, connection: Connection, user: User) -> User:
        """Store name, address and role of a user that is held, as its next version.

        :raises psycopg.errors.UniqueViolation: name or address is taken.
        """
        changed = await connection.execute(
            f"""
            UPDATE users u SET username = %s, username_folded = %s, email = %s, email_folded = %s,
                   role = %s::user_role_enum, version = version + 1, updated_at = now()
             WHERE id = %s RETURNING {_COLUMNS}
            """.encode(),  # noqa: S608 - words of ours
            (user.username, folded(user.username), user.email, folded(user.email), user.role.value, user.user_id),
        )
        return _user(await changed.fetchone() or ())

    async def set_disabled(self, connection: Connection, user_id: UUID, disabled: bool) -> User:
        changed = await connection.execute(
            f"""
            UPDATE users u SET disabled_at = CASE WHEN %s THEN now() END, version = version + 1, updated_at = now()
             WHERE id = %s RETURNING {_COLUMNS}
            """.encode(),  # noqa: S608 - words of ours
            (disabled, user_id),
        )
        return _user(await changed.fetchone() or ())

    async def unlock(self, connection: Connection, user_id: UUID) -> User:
        """Forget failed logins, from wherever they came."""
        await connection.execute(
            "DELETE FROM login_throttles WHERE scope = 'familiar' AND key LIKE %s", (f"{user_id}:%",)
        )
        changed = await connection.execute(
            f"UPDATE users u SET failed_login_attempts = 0, locked_until = NULL WHERE id = %s RETURNING {_COLUMNS}".encode(),  # noqa: S608
            (user_id,),
        )
        return _user(await changed.fetchone() or ())

    async def delete(self, connection: Connection, user_id: UUID) -> None:
        await connection.execute(
            "DELETE FROM login_throttles WHERE scope = 'familiar' AND key LIKE %s", (f"{user_id}:%",)
        )
        await connection.execute("DELETE FROM users WHERE id = %s", (user_id,))

    async def any_user(self, connection: Connection) -> bool:
        row = await (await connection.execute("SELECT EXISTS (SELECT FROM users)")).fetchone()
        return bool(row and row[0])

    async def _one(self, connection: Connection, condition: str, *values: object) -> User | None:
        found = await connection.execute(f"SELECT {_COLUMNS} FROM users u WHERE {condition}".encode(), values)  # noqa: S608
        row = await found.fetchone()
        return _user(row) if row else None
