"""How auth itself knows its callers: from its own tables, where every other service asks it over the mesh."""

from __future__ import annotations

from novacron.errors import NotFound, Unauthenticated
from novacron.rpc import Subject

from .keys.tokens import NOT_VALID, Tokens
from .roles.permissions import Permissions


class TableAuthenticator:
    """An :class:`~novacron.rpc.identity.Authenticator` without a cache: a revoked session ends here with the next call."""

    def __init__(self, tokens: Tokens, permissions: Permissions) -> None:
        self._tokens = tokens
        self._permissions = permissions

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
