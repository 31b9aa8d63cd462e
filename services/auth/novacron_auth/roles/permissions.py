"""What users may do: one answer for services, for users who ask, and for this service's own server."""

from __future__ import annotations

from uuid import UUID

from novacron.errors import NotFound, Unauthenticated

from ..configuration.configurations import Configurations
from ..keys.tokens import NOT_VALID
from .grants import Grants
from .store import RoleStore


class Permissions:
    """Reads roles and sessions as they are now; nothing is cached here."""

    def __init__(self, store: RoleStore, configurations: Configurations) -> None:
        self._store = store
        self._configurations = configurations

    async def of_user(self, user_id: UUID, *, tenant_id: UUID | None, session_id: UUID | None = None) -> Grants:
        """What an enabled user may do. ``tenant_id`` is the only tenant the asker sees; None: all.

        In a session without the second factor that its user has or needs, that is nothing.

        :raises NotFound: no such user, disabled, or of another tenant: told alike, to the byte.
        :raises Unauthenticated: ``session_id`` is not a live session of this user.
        """
        by_configuration = (await self._configurations.current()).mfa_required_roles
        grants = await self._store.grants(
            user_id, tenant_id=tenant_id, session_id=session_id, second_factor_roles=by_configuration
        )
        if grants is None:
            raise NotFound.named("user", user_id)
        if session_id is not None and not grants.session_live:
            raise Unauthenticated(NOT_VALID)
        return grants
