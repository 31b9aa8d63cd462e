"""Who asks for something, as commands and the audit log need to know it. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from novacron.errors import NotFound, PermissionDenied
from novacron.rpc import Identity, current

from .audit.entry import Event
from .sessions.origin import Origin


@dataclass(frozen=True, slots=True)
class Caller:
    """A user with a valid session, and where the request came from."""

    identity: Identity
    origin: Origin = field(default_factory=Origin)

    @classmethod
    def of(cls, context: Any) -> Caller:
        """The caller of the request being served. :raises PermissionDenied: it is no user."""
        identity = current()
        _ = identity.user
        return cls(identity, Origin.of_context(context))

    @property
    def user_id(self) -> UUID:
        return self.identity.user.user_id

    @property
    def tenant_id(self) -> UUID:
        return self.identity.user.tenant_id

    @property
    def session_id(self) -> UUID:
        return self.identity.user.session_id

    @property
    def sees(self) -> UUID | None:
        """The one tenant that this caller sees; None: all."""
        return self.identity.tenant_filter

    def tenant(self, asked: UUID | None) -> UUID:
        """The tenant to act in: the one asked for, or the caller's own.

        :raises NotFound: another tenant's, which this caller does not see: told as if it were not there.
        """
        if asked is not None and self.sees not in (None, asked):
            raise NotFound.named("tenant", asked)
        return asked or self.tenant_id

    def whose(self, asked: UUID | None, permission: str) -> UUID:
        """The user to act for: the caller, or, with ``permission``, the one asked for.

        :raises PermissionDenied: another user's, without it. Nothing was looked up.
        """
        if asked is None or asked == self.user_id:
            return self.user_id
        self.needs(permission, "another user's")
        return asked

    def needs(self, permission: str, what: str) -> None:
        """:raises PermissionDenied: the caller lacks ``permission``."""
        if not self.identity.may(permission):
            raise PermissionDenied(f"{what}: this needs {permission}", metadata={"permission": permission})

    def event(self, action: str, tenant_id: UUID, metadata: Mapping[str, str] | None = None) -> Event:
        """What goes into the tenant's audit log when this caller has done ``action``."""
        told = dict(metadata or {})
        if self.identity.user.api_key_id is not None:
            told["by_api_key_id"] = str(self.identity.user.api_key_id)
        return Event(tenant_id, action, True, self.user_id, None, self.origin, told)
