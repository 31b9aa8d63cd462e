"""The tables of roles and grants: SQL in, dataclasses out."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from novacron.db import Connection, Database

from .grants import Grants


class RoleStore:
    """Roles, and who has them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def grants(
        self,
        user_id: UUID,
        *,
        tenant_id: UUID | None,
        session_id: UUID | None,
        second_factor_roles: Sequence[str] = (),
    ) -> Grants | None:
        """What an enabled user may do; None: there is no such user, or not in ``tenant_id`` (None: any tenant)."""
        async with self._database.connection() as connection:
            found = await connection.execute(
                """
                SELECT u.tenant_id, granted.roles, granted.permissions, s.id IS NOT NULL,
                       s.id IS NOT NULL AND NOT s.second_factor
                           AND (u.mfa_enabled OR coalesce(granted.second_factor, false))
                  FROM users u JOIN tenants t ON t.id = u.tenant_id
                  LEFT JOIN user_sessions s ON s.id = %(session_id)s AND s.user_id = u.id
                                           AND s.revoked_at IS NULL AND s.expires_at > now()
                 CROSS JOIN LATERAL (
                     SELECT array_agg(DISTINCT r.name ORDER BY r.name) AS roles,
                            array_agg(DISTINCT p) FILTER (WHERE p IS NOT NULL) AS permissions,
                            bool_or(r.mfa_required OR r.name = ANY(%(second_factor_roles)s)) AS second_factor
                       FROM roles r LEFT JOIN LATERAL jsonb_array_elements_text(r.permissions) p ON true
                      WHERE (r.tenant_id IS NULL AND r.name = u.role::text)
                         OR r.id IN (SELECT ur.role_id FROM user_roles ur
                                      WHERE ur.user_id = u.id AND (ur.expires_at IS NULL OR ur.expires_at > now()))
                 ) granted
                 WHERE u.id = %(user_id)s AND u.disabled_at IS NULL AND t.disabled_at IS NULL
                   AND (%(tenant_id)s::uuid IS NULL OR u.tenant_id = %(tenant_id)s)
                """,
                {
                    "user_id": user_id,
                    "tenant_id": tenant_id,
                    "session_id": session_id,
                    "second_factor_roles": list(second_factor_roles),
                },
            )
            row = await found.fetchone()
            if row is None:
                return None
            tenant, roles, permissions, live, lacking = row
            granted = frozenset() if lacking else frozenset(permissions or ())
            return Grants(tenant, tuple(roles or ()), granted, live, lacking)

    async def requires_second_factor(
        self, connection: Connection, user_id: UUID, by_configuration: Sequence[str]
    ) -> bool:
        """Whether a role of this user says so, or the configuration of one."""
        found = await connection.execute(
            """
            SELECT EXISTS (
                SELECT FROM users u
                  JOIN roles r ON (r.tenant_id IS NULL AND r.name = u.role::text)
                               OR r.id IN (SELECT ur.role_id FROM user_roles ur
                                            WHERE ur.user_id = u.id AND (ur.expires_at IS NULL OR ur.expires_at > now()))
                 WHERE u.id = %s AND (r.mfa_required OR r.name = ANY(%s)))
            """,
            (user_id, list(by_configuration)),
        )
        row = await found.fetchone()
        return bool(row and row[0])

    async def permissions_of(self, connection: Connection, user_id: UUID) -> frozenset[str]:
        """All that a user's roles allow, disabled or not: what somebody needs to have who changes this user."""
        found = await connection.execute(
            """
            SELECT DISTINCT p
              FROM users u
              JOIN roles r ON (r.tenant_id IS NULL AND r.name = u.role::text)
                           OR r.id IN (SELECT ur.role_id FROM user_roles ur
                                        WHERE ur.user_id = u.id AND (ur.expires_at IS NULL OR ur.expires_at > now()))
             CROSS JOIN LATERAL jsonb_array_elements_text(r.permissions) p
             WHERE u.id = %s
            """,
            (user_id,),
        )
        return frozenset(row[0] for row in await found.fetchall())

    async def permissions_through(self, connection: Connection, provider_id: UUID) -> frozenset[str]:
        """All that the roles of anybody allow who logs in through this identity provider."""
        found = await connection.execute(
            """
            SELECT DISTINCT p
              FROM external_identities i
              JOIN users u ON u.id = i.user_id
              JOIN roles r ON (r.tenant_id IS NULL AND r.name = u.role::text)
                           OR r.id IN (SELECT ur.role_id FROM user_roles ur
                                        WHERE ur.user_id = u.id AND (ur.expires_at IS NULL OR ur.expires_at > now()))
             CROSS JOIN LATERAL jsonb_array_elements_text(r.permissions) p
             WHERE i.identity_provider_id = %s
            """,
            (provider_id,),
        )
        return frozenset(row[0] for row in await found.fetchall())

    async def permissions_of_role(self, connection: Connection, name: str) -> frozenset[str]:
        """All that one of the platform's own roles allows."""
        found = await connection.execute(
            """
            SELECT p FROM roles r CROSS JOIN LATERAL jsonb_array_elements_text(r.permissions) p
             WHERE r.tenant_id IS NULL AND r.name = %s
            """,
            (name,),
        )
        return frozenset(row[0] for row in await found.fetchall())
