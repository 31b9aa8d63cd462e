"""What a login reads and writes of users: SQL in, dataclasses out.

Methods that take a connection are part of their caller's transaction; the others are one statement each. Whatever is
looked for and not there costs the same statements as what is.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from psycopg.rows import class_row

from novacron.db import Connection, Database

from ..users.account import Account, Credentials, Failures, Lockout, folded
from .origin import Origin
from .place import Place


class LoginStore:
    """Reads and writes; decides nothing but what only the database can: races."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def credentials(
        self,
        tenant: str,
        username: str,
        origin: Origin | None = None,
        device: str = "",
        memory: timedelta = timedelta(),
    ) -> Credentials:
        """What this name is in this tenant; of a name that is not there, as much as is.

        Also whether its user signed in from this device or network within ``memory``, and whether the address has to wait.
        """
        async with (
            self._database.connection() as connection,
            connection.cursor(row_factory=class_row(Credentials)) as cursor,
        ):
            await cursor.execute(
                """
                SELECT t.id AS tenant_id, u.id AS user_id, u.password_hash, u.password_changed_at,
                       t.disabled_at IS NOT NULL OR u.disabled_at IS NOT NULL AS disabled,
                       coalesce(u.failed_login_attempts, 0) AS failed_login_attempts,
                       EXISTS (SELECT FROM user_sessions s
                                WHERE s.user_id = u.id AND s.created_at > now() - %(memory)s) AS has_history,
                       EXISTS (SELECT FROM user_sessions s
                                WHERE s.user_id = u.id AND s.device_fingerprint = nullif(%(device)s, '')
                                  AND s.created_at > now() - %(memory)s) AS known_device,
                       EXISTS (SELECT FROM user_sessions s
                                WHERE s.user_id = u.id AND s.network = %(network)s::cidr
                                  AND s.created_at > now() - %(memory)s) AS known_network,
                       (SELECT l.locked_until FROM login_throttles l
                         WHERE l.scope = 'address' AND l.key = %(address)s AND l.locked_until > now())
                           AS address_locked_until
                  FROM (VALUES (1)) attempt
                  LEFT JOIN tenants t ON t.name = %(tenant)s
                  LEFT JOIN users u ON u.tenant_id = t.id AND u.username_folded = %(username)s
                """,
                {
                    "username": folded(username),
                    "tenant": folded(tenant),
                    "device": device.replace("\0", ""),
                    "network": origin.network if origin else None,
                    "memory": memory,
                    "address": str(origin.ip_address or "") if origin else "",
                },
            )
            return await cursor.fetchone() or Credentials()

    async def admit(self, connection: Connection, credentials: Credentials, place: Place) -> Account | None:
        """Note a login with the right password, and forget the wrong ones at this place.

        None: the account is locked here, disabled, or has another password by now; or these are nobody's credentials.
        """
        found = await connection.execute(
            """
            WITH admitted AS (
                UPDATE users u
                   SET failed_login_attempts = CASE WHEN %(stranger)s THEN 0 ELSE u.failed_login_attempts END,
                       locked_until = CASE WHEN NOT %(stranger)s THEN u.locked_until END,
                       last_login = now()
                  FROM tenants t
                 WHERE u.id = %(user_id)s AND u.password_changed_at = %(changed_at)s AND t.id = u.tenant_id
                   AND u.disabled_at IS NULL AND t.disabled_at IS NULL
                   AND CASE WHEN %(stranger)s THEN u.locked_until IS NULL OR u.locked_until <= now()
                            ELSE NOT EXISTS (SELECT FROM login_throttles l WHERE l.scope = 'familiar' AND l.key = %(key)s
                                                AND l.locked_until > now()) END
                RETURNING u.id, u.tenant_id, u.username, u.email, u.role::text, u.last_login
            ), forgotten AS (
                DELETE FROM login_throttles
                 WHERE scope = 'familiar' AND key = %(key)s AND EXISTS (SELECT FROM admitted)
            )
            SELECT * FROM admitted
            """,
            {
                "user_id": credentials.user_id,
                "changed_at": credentials.password_changed_at,
                "stranger": not place.familiar,
                "key": place.key,
            },
        )
        row = await found.fetchone()
        return Account.of_row(row) if row else None

    async def admit_known(self, connection: Connection, user_id: UUID) -> Account | None:
        """Note a login of a user whom an identity provider vouches for; None: the user or the tenant is disabled.

        A lock is no matter: it keeps those out who guess at passwords.
        """
        found = await connection.execute(
            """
            UPDATE users u SET last_login = now() FROM tenants t
             WHERE u.id = %s AND t.id = u.tenant_id AND u.disabled_at IS NULL AND t.disabled_at IS NULL
            RETURNING u.id, u.tenant_id, u.username, u.email, u.role::text, u.last_login
            """,
            (user_id,),
        )
        row = await found.fetchone()
        return Account.of_row(row) if row else None

    async def count_failure(self, connection: Connection, user_id: UUID | None, lockout: Lockout) -> Failures:
        """Count one more wrong password of a stranger, and lock the account for strangers when it is one too many.

        The row is the counter, so guesses in parallel are all counted. A lock that stands is never extended: guessing on
        cannot keep the owner out. After it the count begins anew. For None the same statement runs and finds nobody.
        """
        counted = await connection.execute(
            """
            UPDATE users
               SET failed_login_attempts = CASE WHEN locked_until <= now() THEN 1 ELSE failed_login_attempts + 1 END,
                   locked_until = CASE
                       WHEN locked_until > now() THEN locked_until
                       WHEN locked_until IS NULL AND failed_login_attempts + 1 >= %s THEN now() + %s
                   END
             WHERE id = %s
            RETURNING failed_login_attempts, locked_until IS NOT NULL
            """,
            (lockout.attempts, lockout.pause, user_id),
        )
        row = await counted.fetchone()
        return Failures(*row) if row else Failures()

    async def rehash(self, user_id: UUID, old_hash: str, new_hash: str) -> None:
        """Keep the same password under another hash, unless it has changed meanwhile."""
        async with self._database.connection() as connection:
            await connection.execute(
                "UPDATE users SET password_hash = %s WHERE id = %s AND password_hash = %s",
                (new_hash, user_id, old_hash),
            )
