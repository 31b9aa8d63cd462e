"""Who calls, and whether this caller may: decided before anything is validated or looked up.

On the mesh port the certificate's ``spiffe://`` URI names a service, and the proto lists the services that may call. On the
users' port a bearer token or an API key names a user, and the proto names the permission. Any doubt is a refusal.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol
from uuid import UUID

from .. import logs, tenancy
from ..errors import PermissionDenied, Unauthenticated
from ..saga.key import SagaKey, set_current_key
from .call import ATTEMPT, SAGA_KEY, ServerCall, ServerProceed
from .observe import retrying

# Metadata with an API key, in place of a token.
API_KEY = "x-api-key"
SUBJECT_ALTERNATIVE_NAMES = "x509_subject_alternative_name"


@dataclass(frozen=True, slots=True)
class Subject:
    """The user that a valid token speaks for."""

    user_id: UUID
    tenant_id: UUID
    username: str
    session_id: UUID
    api_key_id: UUID | None = None  # the key that it was shown in place of a token; then there is no session


@dataclass(frozen=True, slots=True)
class Identity:
    """A caller: a user with permissions, or a service."""

    subject: Subject | None = None
    permissions: frozenset[str] = field(default_factory=frozenset)
    service: str = ""  # by certificate: `vm`, `agent`, ...
    node: str = ""  # for an agent, its node's name

    def may(self, permission: str) -> bool:
        """Whether ``resource:action`` is granted; ``*`` grants any resource or any action."""
        resource, _, action = permission.partition(":")
        return not self.permissions.isdisjoint((permission, f"{resource}:*", f"*:{action}", "*:*"))

    @property
    def user(self) -> Subject:
        """:raises PermissionDenied: the caller is no user."""
        if self.subject is None:
            raise PermissionDenied("this needs a user; a service's certificate alone cannot read what a tenant owns")
        return self.subject

    @property
    def tenant_filter(self) -> UUID | None:
        """The one tenant that this caller sees; None: all (platform admins, and services that the proto lets in)."""
        if self.subject is None or self.may("tenant:any"):
            return None
        return self.subject.tenant_id


class Authenticator(Protocol):
    """What the identity stage asks; auth answers from its own tables, every other service by its cached client."""

    async def subject(self, token: str) -> Subject:
        """:raises Unauthenticated: the token is not valid now."""
        ...

    async def permissions(self, subject: Subject) -> frozenset[str]:
        """:raises Unauthenticated: the user or the session is gone."""
        ...

    async def api_key(self, key: str) -> tuple[Subject, frozenset[str]]:
        """Whose key this is, and what it may do at this server now.

        :raises Unauthenticated: the key is not valid now.
        :raises PermissionDenied: it does not open this service.
        :raises Overloaded: it came too often.
        """
        ...


class NoUsers:
    """For a server without a users' port: no token opens it."""

    async def subject(self, token: str) -> Subject:
        raise Unauthenticated("this server takes services' certificates only")

    async def permissions(self, subject: Subject) -> frozenset[str]:
        return frozenset()

    async def api_key(self, key: str) -> tuple[Subject, frozenset[str]]:
        raise Unauthenticated("this server takes services' certificates only")


_identity: ContextVar[Identity | None] = ContextVar("novacron_identity", default=None)


def current() -> Identity:
    """The caller of the request being served."""
    identity = _identity.get()
    if identity is None:
        raise Unauthenticated("no caller is known here")
    return identity


def peer_service(call: ServerCall, trust_domain: str) -> tuple[str, str]:
    """``(service, node)`` from the peer's certificate; two empty strings for a peer without one.

    :raises Unauthenticated: its certificate belongs to another trust domain.
    """
    # The whole authentication context carries the certificate itself: ten times as much to copy, for every call.
    if call.context.peer_identity_key() != SUBJECT_ALTERNATIVE_NAMES:
        return "", ""
    return _service_of(tuple(call.context.peer_identities() or ()), trust_domain)


# Few certificates make many calls. A refusal is not kept.
@lru_cache(maxsize=1024)
def _service_of(names: tuple[bytes, ...], trust_domain: str) -> tuple[str, str]:
    uris = [name.decode() for name in names if name.startswith(b"spiffe://")]
    if not uris:
        return "", ""
    prefix = f"spiffe://{trust_domain}/"
    if len(uris) != 1 or not uris[0].startswith(prefix):
        raise Unauthenticated(f"this certificate is not of the trust domain {trust_domain}")
    service, _, node = uris[0].removeprefix(prefix).partition("/")
    return service, node


def bearer_token(metadata: dict[str, str]) -> str:
    """The token of ``authorization: Bearer ...``; empty when there is none."""
    scheme, _, token = metadata.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


@lru_cache(maxsize=1024)
def _service_identity(service: str, node: str) -> Identity:
    return Identity(service=service, node=node)


class IdentityStage:
    """Decides for every call, by the option that its method declares."""

    def __init__(self, authenticator: Authenticator, trust_domain: str) -> None:
        self._authenticator = authenticator
        self._trust_domain = trust_domain

    async def server_stage(self, call: ServerCall, proceed: ServerProceed) -> Any:
        identity = await self._identify(call)
        _identity.set(identity)
        # A public method acts on what its request proves, such as a password, and on nothing that its caller is.
        tenancy.restrict(None if call.policy.public else identity.tenant_filter)
        if identity.subject is not None:
            logs.stamp(user_id=str(identity.subject.user_id), tenant_id=str(identity.subject.tenant_id))
        return await proceed(call)

    async def _identify(self, call: ServerCall) -> Identity:
        policy = call.policy
        if not policy.declared:
            raise PermissionDenied(f"{call.path} declares no access rule: nobody may call it")
        service, node = peer_service(call, self._trust_domain)
        if service:
            return self._admit_service(call, service, node)
        token, key = bearer_token(call.metadata), call.metadata.get(API_KEY, "")
        if policy.public and not (token or key):
            return Identity()
        if token and key:
            raise Unauthenticated("send `authorization` or `x-api-key`, not both: which of them speaks?")
        if not (token or key):
            raise Unauthenticated(
                "send `authorization: Bearer <token>`; AuthService/Login or `novacron login` gives one"
            )
        if key:
            subject, permissions = await self._authenticator.api_key(key)
        else:
            subject = await self._authenticator.subject(token)
            permissions = await self._authenticator.permissions(subject)
        identity = Identity(subject, permissions)
        if policy.public or (policy.permission and identity.may(policy.permission)):
            return identity
        if policy.authenticated:
            # What is everybody's own: password, second factors, sessions, keys. A key that leaked must not lead to another.
            if key:
                raise PermissionDenied(f"{call.path} takes a user who has logged in, not an API key")
            return identity
        needed = policy.permission or "a service's certificate"
        raise PermissionDenied(f"{call.path} needs {needed}", metadata={"permission": policy.permission})

    def _admit_service(self, call: ServerCall, service: str, node: str) -> Identity:
        policy = call.policy
        if not (policy.public or policy.operational or service in policy.callers):
            raise PermissionDenied(f"the service {service} may not call {call.path}")
        # Only a service of ours can say that it works for a saga, or that it is somebody's retry.
        attempt = call.metadata.get(ATTEMPT, "")
        retrying(int(attempt) if attempt.isdecimal() else 0)
        key = call.metadata.get(SAGA_KEY, "")
        set_current_key(SagaKey.parse(key) if key else None)
        return _service_identity(service, node)
