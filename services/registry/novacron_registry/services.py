"""What may be done to the registry, and the transaction of each."""

from __future__ import annotations

from uuid import UUID

from novacron import logs

from .service import Asked, Health, NewInstance
from .store import Store

log = logs.logger(__name__)


class Services:
    """Registrations and what is known of their health."""

    def __init__(self, store: Store, lease_seconds: float, forget_after_seconds: float) -> None:
        self._store = store
        self.lease_seconds = lease_seconds
        self._forget_after_seconds = forget_after_seconds

    async def register(self, new: NewInstance) -> UUID:
        """Register an instance or renew its lease; its service. The lease runs by the database's clock.

        A renewal is one statement that locks the instance's row alone. Anything that differs from what stands there
        (another start, endpoint or version, a lapsed lease) is a new registration: not asked yet, and asked at once.
        """
        known = await self._store.renew(new, self.lease_seconds)
        if known is not None:
            return known
        async with self._store.changing(new.service_name) as connection:
            service_id, before = await self._store.put(connection, new, self.lease_seconds)
            if before is not None:
                await self._store.settle(connection, before)
            await self._store.settle(connection, service_id)
        log.info("instance registered", registered=new.service_name, version=new.service_version, of=new.instance)
        return service_id

    async def deregister(self, service_name: str, instance: str) -> None:
        """Take an instance out; nothing happens when it is not there. The service stays listed without it for a while."""
        async with self._store.changing(service_name) as connection:
            service_id = await self._store.service_of(connection, service_name, instance)
            if service_id is not None and await self._store.remove(connection, service_id, instance):
                await self._store.settle(connection, service_id)
                log.info("instance deregistered", deregistered=service_name, of=instance)

    async def judge(self, asked: Asked, health: Health) -> None:
        """Write down that an instance is another than it was."""
        async with self._store.changing(asked.service_name) as connection:
            if not await self._store.record(connection, asked, health):
                return
            status = await self._store.settle(connection, asked.service_id)
        log.info(
            "instance changed",
            changed=asked.service_name,
            of=asked.instance,
            status=health.status,
            why=health.message,
            service_status=status,
        )

    async def lapse(self) -> None:
        """Instances that did not renew are unhealthy; after the time to forget they are gone, and empty services with them.

        Any number of replicas may do this at once: the second finds nothing left to do.
        """
        for service_id, name in await self._store.services_with_lapsed_leases():
            async with self._store.changing(name) as connection:
                if await self._store.lapse(connection, service_id):
                    await self._store.settle(connection, service_id)
        for service_id, name in await self._store.services_with_long_gone(self._forget_after_seconds):
            async with self._store.changing(name) as connection:
                if await self._store.forget_instances(connection, service_id, self._forget_after_seconds):
                    await self._store.settle(connection, service_id)
        await self._store.forget_services(self._forget_after_seconds)
