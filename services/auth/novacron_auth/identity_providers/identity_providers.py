"""Administering identity providers: each command is one transaction with its audit entry."""

from __future__ import annotations

from uuid import UUID

from psycopg import errors as pg

from novacron.db import Connection, Database
from novacron.errors import AlreadyExists, FailedPrecondition, FieldViolation, InvalidArgument, NotFound, Unavailable
from novacron.sealing import Sealer

from ..audit.log import AuditLog
from ..caller import Caller
from ..roles.reach import Reach
from .provider import IdentityProvider, NewIdentityProvider, ProviderType, certificates_problem
from .provider_client import Malformed, ProviderClient
from .saml_extra import require_saml
from .store import IdentityProviderStore


class IdentityProviders:
    """What may be done with providers. But for certificates they do not change: another one takes another's place."""

    def __init__(
        self,
        database: Database,
        store: IdentityProviderStore,
        client: ProviderClient,
        sealer: Sealer,
        reach: Reach,
        audit: AuditLog,
    ) -> None:
        self._database = database
        self._store = store
        self._client = client
        self._sealer = sealer
        self._reach = reach
        self._audit = audit

    async def create(self, caller: Caller, new: NewIdentityProvider) -> IdentityProvider:
        """Make a provider that answers; the same id again with the same contents is the same one.

        :raises InvalidArgument: naming every field that makes no sense.
        :raises PermissionDenied: its users would get a role that may do what the caller may not.
        :raises FailedPrecondition: its discovery document cannot be read, or it takes an extra that is not installed.
        :raises AlreadyExists: id or name is taken.
        """
        if new.type is ProviderType.SAML:
            require_saml()
        new.require_valid()
        async with self._database.connection() as connection:
            await self._reach.require_role(connection, caller, new.default_role.value)
        there = await self._store.get(new.identity_provider_id, caller.sees)
        if there is None:
            if new.type is ProviderType.OIDC:
                await self._require_discovery(new.issuer)
            sealed = self._seal(new) if new.client_secret else None
            try:
                async with self._database.transaction() as connection:
                    await self._reach.require_role(connection, caller, new.default_role.value)
                    made = await self._store.add(connection, new, sealed)
                    if made is not None:
                        await self._write(connection, caller, "identity-provider.create", made)
                        return made
            except pg.ForeignKeyViolation:
                raise NotFound.named("tenant", new.tenant_id) from None
            there = await self._store.get(new.identity_provider_id, caller.sees)
        if there is not None and new.same_as(there, self.secret_of(there)):
            return there
        field = "identity_provider_id" if there is not None else "name"
        said = "another provider has this id" if there is not None else "the tenant has a provider of this name"
        raise AlreadyExists(f"{field}: {said}", violations=[FieldViolation(field, said)], metadata={"field": field})

    async def of_tenant(self, caller: Caller, tenant_id: UUID | None) -> list[IdentityProvider]:
        """By name. :raises NotFound: a tenant that the caller does not see."""
        return await self._store.of_tenant(caller.tenant(tenant_id))

    async def certify(self, caller: Caller, provider_id: UUID, certificates: tuple[str, ...]) -> IdentityProvider:
        """Set what a provider of SAML signs with.

        :raises InvalidArgument: at ``certificates``.
        :raises NotFound: none that the caller sees.
        :raises FailedPrecondition: it is none of SAML, or takes an extra that is not installed.
        :raises PermissionDenied: whoever has these keys could be a user who may do more than the caller.
        """
        require_saml()
        if problem := certificates_problem(certificates):
            raise InvalidArgument.at("certificates", problem)
        if await self._store.get(provider_id, caller.sees) is None:
            raise NotFound.named("identity provider", provider_id)
        async with self._database.transaction() as connection:
            made = await self._store.certify(connection, provider_id, certificates)
            if made is None:
                raise FailedPrecondition("this identity provider is none of SAML: it publishes its keys itself")
            await self._reach.require_role(connection, caller, made.default_role.value)
            await self._reach.require_users_of(connection, caller, provider_id)
            await self._write(connection, caller, "identity-provider.certify", made)
        return made

    async def delete(self, caller: Caller, provider_id: UUID) -> None:
        """Its users keep their accounts and sessions. :raises NotFound: none that the caller sees."""
        async with self._database.transaction() as connection:
            removed = await self._store.remove(connection, provider_id, caller.sees)
            if removed is None:
                raise NotFound.named("identity provider", provider_id)
            await self._write(connection, caller, "identity-provider.delete", removed)

    def secret_of(self, provider: IdentityProvider) -> str:
        """The client secret; empty: a public client."""
        sealed = provider.client_secret_sealed
        place = ("identity_providers", "client_secret_sealed", provider.identity_provider_id)
        return self._sealer.open(sealed, *place).decode() if sealed else ""

    def _seal(self, new: NewIdentityProvider) -> str:
        place = ("identity_providers", "client_secret_sealed", new.identity_provider_id)
        return self._sealer.seal(new.client_secret.encode(), *place)

    async def _require_discovery(self, issuer: str) -> None:
        try:
            await self._client.metadata(issuer)
        except (Unavailable, Malformed) as error:
            said = error.message if isinstance(error, Unavailable) else str(error)
            raise FailedPrecondition(f"this issuer is no provider that answers: {said}") from error

    async def _write(self, connection: Connection, caller: Caller, action: str, provider: IdentityProvider) -> None:
        told = {
            "identity_provider_id": str(provider.identity_provider_id),
            "name": provider.name,
            "issuer": provider.issuer,
            "type": provider.type.value,
        }
        await self._audit.append(connection, caller.event(action, provider.tenant_id, told))
