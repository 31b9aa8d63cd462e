"""The second wall between tenants: every statement tells PostgreSQL whose rows its task may see, and policies hold it to that.

The first wall is the WHERE of each query. A query that forgot it still shows one tenant nothing of another's, and can neither
change nor write it: each table with tenants' rows has a policy on the setting ``novacron.tenant``, which names one tenant, or
every one. Whoever says nothing, a connection from elsewhere, sees nothing.

A tenant's name goes out with the statement itself, in one round trip, and lasts for its transaction: a connection that goes
back to the pool has nothing to be cleaned of. The service's own work runs on what its connections were told once: it costs
nothing. So a forgotten lift shows too little, never too much.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow

from .. import tenancy

SETTING = "novacron.tenant"
_TELL = f"SELECT set_config('{SETTING}', %s, true)"

Connection = psycopg.AsyncConnection[TupleRow]

# The owner of a table is held to its policies by FORCE ROW LEVEL SECURITY; these are not, whatever is done.
_UNBOUND = """
SELECT current_user::text FROM pg_roles
 WHERE rolname = current_user AND (rolsuper OR rolbypassrls) AND EXISTS (SELECT FROM pg_class WHERE relforcerowsecurity)
"""


class TenantConnection(psycopg.AsyncConnection[TupleRow]):
    """A connection whose every statement runs as :func:`novacron.tenancy.sees` says where it is sent."""

    # What the transaction under way was last told.
    _told = tenancy.EVERY_TENANT

    async def begin_session(self) -> None:
        """Once, when it is opened: the service's own work sees every tenant."""
        await see_everything(self)
        self.cursor_factory = _Cursor
        self.server_cursor_factory = _ServerCursor

    def restriction(self, statement: object) -> str | None:
        """What has to be said before this statement; None: nothing, the session's own word holds, or it reads no rows."""
        if _is_setting(statement):
            return None  # and some have to come before all else, such as SET TRANSACTION
        sees = tenancy.sees()
        if self.pgconn.transaction_status == TransactionStatus.IDLE:
            self._told = tenancy.EVERY_TENANT  # it was said for a transaction that is over
        if sees == tenancy.EVERY_TENANT == self._told:
            return None
        # A tenant's is said anew each time: a savepoint that was rolled back took it along.
        self._told = sees
        return sees

    async def tell(self, restriction: str) -> None:
        """Say it, for the transaction under way; in a pipeline without one, for the statements up to its end."""
        await psycopg.AsyncCursor(self).execute(_TELL, (restriction,))


class _Cursor(psycopg.AsyncCursor[TupleRow]):
    """Sends each statement behind what restricts it, in the same round trip and the same transaction."""

    async def execute(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        connection = self.connection
        assert isinstance(connection, TenantConnection), "made by its factory"
        restriction = connection.restriction(query)
        if restriction is None:
            return await super().execute(query, *args, **kwargs)
        async with connection.pipeline():
            await connection.tell(restriction)
            await super().execute(query, *args, **kwargs)
        return self

    async def executemany(self, *args: Any, **kwargs: Any) -> None:
        self._refuse_a_tenant("executemany")
        await super().executemany(*args, **kwargs)

    def stream(self, *args: Any, **kwargs: Any) -> Any:
        self._refuse_a_tenant("stream")
        return super().stream(*args, **kwargs)

    def copy(self, *args: Any, **kwargs: Any) -> Any:
        self._refuse_a_tenant("copy")
        return super().copy(*args, **kwargs)

    def _refuse_a_tenant(self, what: str) -> None:
        """These take no word before them: for one tenant they would run with everybody's eyes."""
        if tenancy.sees() != tenancy.EVERY_TENANT:
            raise RuntimeError(f"{what} does not say whose rows it may see: use execute in a tenant's request")


class _ServerCursor(psycopg.AsyncServerCursor[TupleRow]):
    """A cursor in the server lives in a transaction: what restricts it is said there first."""

    async def execute(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        connection = self.connection
        assert isinstance(connection, TenantConnection), "made by its factory"
        restriction = connection.restriction(query)
        if restriction is not None:
            await connection.tell(restriction)
        return await super().execute(query, *args, **kwargs)


def _is_setting(statement: object) -> bool:
    text = statement.encode() if isinstance(statement, str) else statement
    return isinstance(text, bytes) and text.startswith(b"SET ")


async def see_everything(connection: Connection) -> None:
    """For a session that changes the schema: what is moved between columns is every tenant's."""
    await connection.execute(f"SET {SETTING} = '{tenancy.EVERY_TENANT}'".encode())


async def unbound(connection: Connection) -> str | None:
    """The name of this session's role, when policies stand in the database and do not hold it; None: they do."""
    row = await (await connection.execute(_UNBOUND)).fetchone()
    return None if row is None else str(row[0])
