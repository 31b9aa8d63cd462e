"""How auth itself knows its callers: from its own tables, where every other service asks it over the mesh."""

from __future__ import annotations

from novacron.errors import NotFound, Unauthenticated
from novacron.rpc import Subject
from novacron.rpc.api_keys import KeyDoor

from .api_keys.authentication import ApiKeyAuthentication
from .keys.tokens import NOT_VALID, Tokens
from .roles.permissions import Permissions


class TableAuthenticator:
    """An :class:`~novacron.rpc.identity.Authenticator` without a cache: what was revoked ends here with the next call."""

    def __init__(self, tokens: Tokens, permissions: Permissions, api_keys: ApiKeyAuthentication, door: KeyDoor) -> None:
        self._tokens = tokens
        self._permissions = permissions
        self._api_keys = api_keys
        self._door = door

    async def subject(self, token: str) -> Subject:
        return (await self._tokens.verify(token)).subject

    async def permissions(self, subject: Subject) -> frozenset[str]:
        try:
            grants = await self._permissions.of_user(
                subject.user_id, tenant_id=subject.tenant_id, session_id=subject.session_id
            )
        except NotFound as error:
            raise Unauthenticated(NOT_VALID) from error
        return grants.permissions

    async def api_key(self, key: str) -> tuple[Subject, frozenset[str]]:
        match, of_user = await self._api_keys.match(key)
        await self._door.admit(match.grant)
        return match.grant.subject, match.grant.within(of_user)
