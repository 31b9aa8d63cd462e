"""The table of security events: SQL in, dataclasses out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from novacron.db import Connection, Database
from novacron.ids import new_id

from .origin import Origin
from .risk import EventType, Finding
from .session import SecurityEvent

_COLUMNS = "id, user_id, session_id, event_type, risk, description, ip_address, created_at"


def _event(row: tuple[Any, ...]) -> SecurityEvent:
    values: list[Any] = list(row)
    values[3] = EventType(row[3])
    return SecurityEvent(*values)


class EventStore:
    """What was noticed about users."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self,
        connection: Connection,
        tenant_id: UUID,
        user_id: UUID,
        findings: Iterable[Finding],
        *,
        origin: Origin,
        session_id: UUID | None = None,
    ) -> None:
        for one in findings:
            await connection.execute(
                """
                INSERT INTO security_events (id, tenant_id, user_id, session_id, event_type, risk, description, ip_address)
                VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
                """,
                (
                    new_id(),
                    tenant_id,
                    user_id,
                    session_id,
                    one.event_type.value,
                    one.risk,
                    one.description,
                    origin.ip_address,
                ),
            )

    async def of_session(self, session_id: UUID) -> list[SecurityEvent]:
        """The newest hundred of a session, newest first."""
        async with self._database.connection() as connection:
            found = await connection.execute(
                f"SELECT {_COLUMNS} FROM security_events WHERE session_id = %s ORDER BY created_at DESC, id DESC LIMIT 100",  # noqa: S608
                (session_id,),
            )
            return [_event(row) for row in await found.fetchall()]

    async def page(
        self, user_id: UUID, sees: UUID | None, after: Sequence[Any] | None, number: int
    ) -> list[SecurityEvent]:
        """Up to ``number`` events of a user, newest first, after this ``(created_at, id)``."""
        later = "AND (created_at, id) < (%(at)s, %(id)s)" if after is not None else ""
        at, id_ = after or (None, None)
        async with self._database.connection() as connection:
            found = await connection.execute(
                f"""
                SELECT {_COLUMNS} FROM security_events
                 WHERE user_id = %(user_id)s AND (%(sees)s::uuid IS NULL OR tenant_id = %(sees)s) {later}
                 ORDER BY created_at DESC, id DESC LIMIT %(number)s
                """.encode(),  # noqa: S608 - words of ours
                {"user_id": user_id, "sees": sees, "at": at, "id": id_, "number": number},
            )
            return [_event(row) for row in await found.fetchall()]
