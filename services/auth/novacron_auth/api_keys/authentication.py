"""Whose key was shown: read as it stands now, and its use noted."""

from __future__ import annotations

from novacron.errors import NotFound, Unauthenticated
from novacron.rpc.api_keys import KEY_REJECTED, prefix_of

from ..roles.permissions import Permissions
from .api_key import Hashing, Match
from .store import ApiKeyStore


class ApiKeyAuthentication:
    """Answers for every server that is shown a key. Nothing is cached here."""

    def __init__(self, store: ApiKeyStore, hashing: Hashing, permissions: Permissions) -> None:
        self._store = store
        self._hashing = hashing
        self._permissions = permissions

    async def match(self, text: str) -> tuple[Match, frozenset[str]]:
        """The key, and all that its user may.

        :raises Unauthenticated: never made, ended, or its user or tenant is disabled: told alike.
        """
        prefix_of(text)
        found = await self._store.matching(self._hashing.possible(text))
        if found is None:
            raise Unauthenticated(KEY_REJECTED)
        try:
            grants = await self._permissions.of_user(found.key.user_id, tenant_id=found.key.tenant_id)
        except NotFound:
            raise Unauthenticated(KEY_REJECTED) from None
        await self._store.used(found.key.api_key_id, found.by_present_secret)
        return found, grants.permissions
