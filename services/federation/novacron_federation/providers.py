"""What may be done with providers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from novacron import logs
from novacron.errors import AlreadyExists, Conflict, DataLoss, NotFound, Unimplemented
from novacron.sealing import Sealer

from . import credentials as credential
from .credentials import Credentials
from .drivers import ProviderDriver
from .provider import Finding, Health, NewProvider, Provider, ProviderType
from .store import Store

log = logs.logger(__name__)


class Providers:
    """Providers, their sealed credentials, and the drivers that ask them."""

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        drivers: Mapping[ProviderType, ProviderDriver],
        check_every: timedelta,
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._drivers = drivers
        self._check_every = check_every

    async def create(self, new: NewProvider, given: Credentials | None) -> Provider:
        """Register a provider and seal its credentials; the same again, credentials and all, returns what stands.

        :raises Unimplemented: no driver for its type.
        :raises InvalidArgument: its driver says that this cannot be one.
        :raises AlreadyExists: the id has other contents, or the name is another provider's.
        """
        credentials = self._driver(new.provider_type).validate(new, given)
        sealed = self._sealer.seal(credential.written(credentials), *_place(new.provider_id))
        made = await self._store.insert(new, sealed, self._check_every)
        if made is not None:
            log.info("provider created", provider=new.name, provider_type=new.provider_type)
            return made
        return await self._standing(new, credentials)

    async def get(self, provider: str) -> Provider:
        """A provider by its id or its name. :raises NotFound:"""
        try:
            found = await self._store.by_id(UUID(provider))
        except ValueError:
            found = await self._store.by_name(provider)
        if found is None:
            raise NotFound.named("provider", provider)
        return found

    async def delete(self, provider_id: UUID) -> None:
        """Forget a provider and its credentials; what is not there is forgotten already."""
        if await self._store.delete(provider_id):
            log.info("provider deleted", provider_id=str(provider_id))

    async def check(self, provider: Provider) -> Provider:
        """Ask a provider how it is, and store what was found. :raises NotFound: it was deleted meanwhile."""
        finding = await self._find(provider)
        stored = await self._store.record(provider, finding)
        if stored is None:
            raise NotFound.named("provider", provider.provider_id)
        if stored.health != provider.health:
            log.info("provider changed", provider=stored.name, health=finding.health, why=finding.message)
        return stored

    async def _find(self, provider: Provider) -> Finding:
        driver = self._drivers.get(provider.provider_type)
        if driver is None:
            return Finding(Health.UNHEALTHY, f"no driver for {provider.provider_type} in this installation")
        try:
            credentials = self._opened(provider)
        except DataLoss as error:
            return Finding(Health.UNHEALTHY, f"its credentials cannot be opened: {error.message}")
        return await driver.check(provider, credentials)

    async def _standing(self, new: NewProvider, credentials: Credentials) -> Provider:
        """What stands in the way of ``new``, if it is ``new`` itself."""
        stands = await self._store.by_id(new.provider_id)
        if stands is not None:
            if stands.made_from(new) and credential.same(self._opened(stands), credentials):
                return stands
            raise AlreadyExists(
                f"provider {new.provider_id} exists with other contents: repeat them exactly, or choose another id"
            )
        if await self._store.by_name(new.name) is not None:
            raise AlreadyExists(f"a provider named {new.name} exists: choose another name, or delete that one first")
        raise Conflict(f"provider {new.name} was deleted at this moment: try again")

    def _driver(self, provider_type: ProviderType) -> ProviderDriver:
        driver = self._drivers.get(provider_type)
        if driver is None:
            there = ", ".join(sorted(self._drivers))
            raise Unimplemented(f"provider type {provider_type} is not in this installation; there is: {there}")
        return driver

    def _opened(self, provider: Provider) -> Credentials:
        opened = self._sealer.open(provider.credentials_encrypted, *_place(provider.provider_id))
        return credential.read(provider.provider_type, opened)


def _place(provider_id: UUID) -> tuple[str, str, UUID]:
    return "cloud_providers", "credentials_encrypted", provider_id
