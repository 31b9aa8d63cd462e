"""The tables of identity providers: SQL in, dataclasses out.

Methods that take a connection are part of their caller's transaction; the others are one statement each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.rows import class_row

from novacron.db import Connection, Database

from ..users.account import Role, folded
from .provider import ExternalIdentity, IdentityProvider, NewIdentityProvider, ProviderType

_COLUMNS = """p.id, p.tenant_id, p.name, p.issuer, p.client_id, p.client_secret_sealed, p.scopes, p.create_users,
    p.default_role::text, p.created_at, p.type, coalesce(p.sso_url, ''), p.certificates"""


@dataclass(frozen=True, slots=True)
class Pending:
    """A login under way."""

    provider: IdentityProvider
    details_sealed: str = field(repr=False)
    seconds_since_poll: float | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """Whom a provider's subject is here."""

    user_id: UUID
    username: str
    tenant: str


def _provider(row: tuple[Any, ...]) -> IdentityProvider:
    values: list[Any] = [
        *row[:6],
        tuple(row[6]),
        row[7],
        Role(row[8]),
        row[9],
        ProviderType(row[10]),
        row[11],
        tuple(row[12]),
    ]
    return IdentityProvider(*values)


class IdentityProviderStore:
    """Providers, whom they mean, and logins under way."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self, connection: Connection, new: NewIdentityProvider, client_secret_sealed: str | None
    ) -> IdentityProvider | None:
        """The provider made; None: its id, or its name in the tenant, is taken."""
        made = await connection.execute(
            f"""
            INSERT INTO identity_providers AS p (id, tenant_id, name, issuer, client_id, client_secret_sealed, scopes,
                                                 create_users, default_role, type, sso_url, certificates)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s::user_role_enum, %s, nullif(%s, ''), %s)
            ON CONFLICT DO NOTHING RETURNING {_COLUMNS}
            """.encode(),  # noqa: S608 - words of ours
            (
                new.identity_provider_id,
                new.tenant_id,
                new.name,
                new.issuer,
                new.client_id,
                client_secret_sealed,
                list(new.scopes),
                new.create_users,
                new.default_role.value,
                new.type.value,
                new.sso_url,
                list(new.certificates),
            ),
        )
        row = await made.fetchone()
        return _provider(row) if row else None

    async def get(self, provider_id: UUID, sees: UUID | None) -> IdentityProvider | None:
        async with self._database.connection() as connection:
            return await self._one(
                connection, "p.id = %s AND (%s::uuid IS NULL OR p.tenant_id = %s)", provider_id, sees, sees
            )

    async def named(self, tenant: str, name: str) -> IdentityProvider | None:
        """By its name in an enabled tenant of this name."""
        async with self._database.connection() as connection:
            return await self._one(
                connection,
                "p.name = %s AND p.tenant_id = (SELECT t.id FROM tenants t WHERE t.name = %s AND t.disabled_at IS NULL)",
                name.replace("\0", "\ufffd"),
                folded(tenant),
            )

    async def of_tenant(self, tenant_id: UUID) -> list[IdentityProvider]:
        async with self._database.connection() as connection:
            found = await connection.execute(
                f"SELECT {_COLUMNS} FROM identity_providers p WHERE p.tenant_id = %s ORDER BY p.name".encode(),  # noqa: S608
                (tenant_id,),
            )
            return [_provider(row) for row in await found.fetchall()]

    async def certify(
        self, connection: Connection, provider_id: UUID, certificates: Sequence[str]
    ) -> IdentityProvider | None:
        """The provider with these certificates; None: it has gone, or is none of SAML."""
        made = await connection.execute(
            f"""
            UPDATE identity_providers p SET certificates = %s WHERE p.id = %s AND p.type = 'saml' RETURNING {_COLUMNS}
            """.encode(),  # noqa: S608 - words of ours
            (list(certificates), provider_id),
        )
        row = await made.fetchone()
        return _provider(row) if row else None

    async def remove(self, connection: Connection, provider_id: UUID, sees: UUID | None) -> IdentityProvider | None:
        """The provider that was; None: there is none that the asker sees."""
        removed = await connection.execute(
            f"""
            DELETE FROM identity_providers p WHERE p.id = %s AND (%s::uuid IS NULL OR p.tenant_id = %s)
            RETURNING {_COLUMNS}
            """.encode(),  # noqa: S608 - words of ours
            (provider_id, sees, sees),
        )
        row = await removed.fetchone()
        return _provider(row) if row else None

    async def begin(
        self, provider_id: UUID, kind: str, state_hash: bytes, details_sealed: str, lifetime: timedelta
    ) -> datetime:
        """Keep a login under way until it ends or expires; forgets those that have expired."""
        async with self._database.connection() as connection:
            await connection.execute("DELETE FROM external_logins WHERE expires_at <= now()")
            made = await connection.execute(
                """
                INSERT INTO external_logins (state_hash, identity_provider_id, kind, details_sealed, expires_at)
                VALUES (%s, %s, %s, %s, now() + %s) RETURNING expires_at
                """,
                (state_hash, provider_id, kind, details_sealed, lifetime),
            )
            row = await made.fetchone()
            assert row is not None
            expires_at: datetime = row[0]
            return expires_at

    async def take(self, kind: str, state_hash: bytes) -> Pending | None:
        """End a login under way: of any number who try at once one gets it."""
        async with self._database.connection() as connection:
            taken = await connection.execute(
                f"""
                DELETE FROM external_logins e USING identity_providers p
                 WHERE e.state_hash = %s AND e.kind = %s AND e.expires_at > now() AND p.id = e.identity_provider_id
                RETURNING {_COLUMNS}, e.details_sealed
                """.encode(),  # noqa: S608 - words of ours
                (state_hash, kind),
            )
            row = await taken.fetchone()
            return Pending(_provider(row[:-1]), row[-1]) if row else None

    async def hold_device(self, connection: Connection, state_hash: bytes) -> Pending | None:
        """A device login under way, held to the end of the transaction: polls take turns."""
        found = await connection.execute(
            f"""
            SELECT {_COLUMNS}, e.details_sealed, extract(epoch FROM clock_timestamp() - e.polled_at)::float8
              FROM external_logins e JOIN identity_providers p ON p.id = e.identity_provider_id
             WHERE e.state_hash = %s AND e.kind = 'device' AND e.expires_at > now() FOR UPDATE OF e
            """.encode(),  # noqa: S608 - words of ours
            (state_hash,),
        )
        row = await found.fetchone()
        return Pending(_provider(row[:-2]), row[-2], row[-1]) if row else None

    async def polled(self, connection: Connection, state_hash: bytes) -> None:
        await connection.execute(
            "UPDATE external_logins SET polled_at = clock_timestamp() WHERE state_hash = %s", (state_hash,)
        )

    async def redetail(self, state_hash: bytes, details_sealed: str) -> None:
        async with self._database.connection() as connection:
            await connection.execute(
                "UPDATE external_logins SET details_sealed = %s WHERE state_hash = %s", (details_sealed, state_hash)
            )

    async def known(self, connection: Connection, provider_id: UUID, subject: str) -> Known | None:
        found = await connection.execute(
            """
            SELECT u.id, u.username, t.name
              FROM external_identities i JOIN users u ON u.id = i.user_id JOIN tenants t ON t.id = u.tenant_id
             WHERE i.identity_provider_id = %s AND i.subject = %s
            """,
            (provider_id, subject),
        )
        row = await found.fetchone()
        return Known(*row) if row else None

    async def hold_subject(self, connection: Connection, provider_id: UUID, subject: str) -> None:
        """Until the transaction ends nobody else makes or links this subject's user."""
        await connection.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"external identity {provider_id} {subject}",)
        )

    async def link(self, connection: Connection, provider_id: UUID, subject: str, user_id: UUID) -> None:
        await connection.execute(
            "INSERT INTO external_identities (identity_provider_id, subject, user_id) VALUES (%s, %s, %s)",
            (provider_id, subject, user_id),
        )

    async def identities(self, user_id: UUID) -> list[ExternalIdentity]:
        """Through whom a user can log in, the oldest first."""
        async with (
            self._database.connection() as connection,
            connection.cursor(row_factory=class_row(ExternalIdentity)) as cursor,
        ):
            await cursor.execute(
                """
                SELECT i.identity_provider_id, p.name AS provider, i.subject, i.created_at
                  FROM external_identities i JOIN identity_providers p ON p.id = i.identity_provider_id
                 WHERE i.user_id = %s ORDER BY i.created_at, i.identity_provider_id, i.subject
                """,
                (user_id,),
            )
            return await cursor.fetchall()

    async def unlink(self, connection: Connection, provider_id: UUID, user_id: UUID) -> int:
        """How many subjects of the provider the user was."""
        removed = await connection.execute(
            "DELETE FROM external_identities WHERE identity_provider_id = %s AND user_id = %s", (provider_id, user_id)
        )
        return removed.rowcount

    async def has_a_way_in(self, connection: Connection, user_id: UUID) -> bool:
        """Whether the user has a password, or a provider that vouches for it."""
        found = await connection.execute(
            """
            SELECT EXISTS (SELECT FROM users u WHERE u.id = %(id)s AND u.password_hash IS NOT NULL)
                OR EXISTS (SELECT FROM external_identities i WHERE i.user_id = %(id)s)
            """,
            {"id": user_id},
        )
        row = await found.fetchone()
        return bool(row and row[0])

    async def _one(self, connection: Connection, condition: str, *values: object) -> IdentityProvider | None:
        found = await connection.execute(
            f"SELECT {_COLUMNS} FROM identity_providers p WHERE {condition}".encode(),  # noqa: S608 - words of ours
            values,
        )
        row = await found.fetchone()
        return _provider(row) if row else None
