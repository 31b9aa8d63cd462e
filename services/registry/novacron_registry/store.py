"""The tables ``service_registry`` and ``service_instances``.

Every change of what watchers see is made in :meth:`Store.changing` and ends with :meth:`Store.settle`, which works out the
service's state and moves its revision on. Renewals and checks that find nothing new change no revision.
"""

# ruff: noqa: S608 - statements are put together of this service's own constants

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from itertools import groupby
from uuid import UUID

from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from novacron.db import Connection, Database

from .service import LEASE_LAPSED, Asked, Health, Instance, NewInstance, Service, ServiceType, Status, status_of

_SERVICES = """
SELECT s.service_id, s.service_name, s.service_version, s.service_type, s.environment, s.status, s.labels, s.revision,
       s.created_at, s.updated_at,
       i.instance_id, i.instance, i.endpoint, i.mesh_endpoint, i.status, i.status_message, i.lease_until,
       i.last_health_check, i.started_at
  FROM service_registry s LEFT JOIN service_instances i USING (service_id)
"""
_PAGE = (
    _SERVICES
    + """
 WHERE s.service_id IN (
       SELECT service_id FROM service_registry
        WHERE environment = %(environment)s
          AND (%(name)s::text IS NULL OR (service_name, service_version) > (%(name)s, %(version)s))
        ORDER BY service_name, service_version LIMIT %(limit)s)
 ORDER BY s.service_name, s.service_version, i.instance
"""
)
# Of two versions: one that still has processes, then the one deployed last.
_NAMED = (
    _SERVICES
    + """
 WHERE s.environment = %s AND s.service_name = %s
 ORDER BY i.instance_id IS NULL, s.deployed_at DESC NULLS LAST, s.service_id, i.instance
"""
)
_THESE = _SERVICES + " WHERE s.service_id = ANY(%s) ORDER BY s.service_id, i.instance"

_RENEW = """
UPDATE service_instances i SET lease_until = now() + %(lease)s * interval '1 second'
  FROM service_registry s
 WHERE s.environment = %(environment)s AND s.service_name = %(service_name)s AND s.service_version = %(service_version)s
   AND i.service_id = s.service_id AND i.instance = %(instance)s AND i.lease_until > now()
   AND i.endpoint = %(endpoint)s AND i.mesh_endpoint = %(mesh_endpoint)s
   AND i.started_at IS NOT DISTINCT FROM %(started_at)s
RETURNING i.service_id
"""
_PUT_SERVICE = """
INSERT INTO service_registry AS s (service_name, service_version, service_type, environment, base_url, health_check_url,
                                   labels, deployed_at)
VALUES (%(service_name)s, %(service_version)s, %(service_type)s, %(environment)s, %(base_url)s, %(health_check_url)s,
        %(labels)s, COALESCE(%(started_at)s, now()))
ON CONFLICT ON CONSTRAINT service_registry_key DO UPDATE
   SET service_type = excluded.service_type, base_url = excluded.base_url, health_check_url = excluded.health_check_url,
       labels = excluded.labels, deployed_at = GREATEST(s.deployed_at, excluded.deployed_at)
RETURNING service_id
"""
_PUT_INSTANCE = """
INSERT INTO service_instances (service_id, environment, service_name, instance, endpoint, mesh_endpoint, started_at,
                               lease_until)
VALUES (%(service_id)s, %(environment)s, %(service_name)s, %(instance)s, %(endpoint)s, %(mesh_endpoint)s, %(started_at)s,
        now() + %(lease)s * interval '1 second')
ON CONFLICT ON CONSTRAINT service_instances_key DO UPDATE
   SET service_id = excluded.service_id, endpoint = excluded.endpoint, mesh_endpoint = excluded.mesh_endpoint,
       started_at = excluded.started_at, lease_until = excluded.lease_until,
       status = 'unknown', status_message = '', due_at = now()
"""
_TAKE_DUE = """
UPDATE service_instances SET due_at = now() + %(interval)s * interval '1 second'
 WHERE instance_id IN (
       SELECT instance_id FROM service_instances
        WHERE environment = %(environment)s AND due_at <= now() AND lease_until > now()
        ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
RETURNING instance_id, service_id, service_name, instance, mesh_endpoint, status, status_message, started_at
"""
_SEEN = "UPDATE service_instances SET last_health_check = now() WHERE instance_id = ANY(%s)"
_RECORD = """
UPDATE service_instances SET status = %s, status_message = %s, last_health_check = now()
 WHERE instance_id = %s AND service_id = %s AND started_at IS NOT DISTINCT FROM %s AND mesh_endpoint = %s
   AND lease_until > now()
"""
_LAPSED_SERVICES = """
SELECT DISTINCT service_id, service_name FROM service_instances
 WHERE environment = %s AND lease_until <= now() AND status_message <> %s
"""
_LAPSE = """
UPDATE service_instances SET status = 'unhealthy', status_message = %(message)s
 WHERE service_id = %(service_id)s AND lease_until <= now() AND status_message <> %(message)s
"""
_LONG_GONE = """
SELECT DISTINCT service_id, service_name FROM service_instances
 WHERE environment = %s AND lease_until < now() - %s * interval '1 second'
"""
_FORGET_INSTANCES = """
DELETE FROM service_instances WHERE service_id = %s AND lease_until < now() - %s * interval '1 second'
"""
_FORGET_SERVICES = """
DELETE FROM service_registry s
 WHERE s.environment = %s AND s.status <> 'maintenance' AND s.updated_at < now() - %s * interval '1 second'
   AND NOT EXISTS (SELECT FROM service_instances i WHERE i.service_id = s.service_id)
"""


class Store:
    """The services of one environment."""

    def __init__(self, database: Database, environment: str) -> None:
        self._database = database
        self.environment = environment

    # What there is.

    async def page(self, after: tuple[str, str] | None, limit: int) -> list[Service]:
        """Services by name and version, those after this one."""
        name, version = after or (None, None)
        wanted = {"environment": self.environment, "name": name, "version": version, "limit": limit}
        async with self._database.connection() as connection:
            return _grouped(await (await connection.execute(_PAGE, wanted)).fetchall())

    async def named(self, service_name: str) -> Service | None:
        """The version of a service that runs, or was deployed last."""
        async with self._database.connection() as connection:
            rows = await connection.execute(_NAMED, (self.environment, service_name))
            return next(iter(_grouped(await rows.fetchall())), None)

    async def these(self, service_ids: Collection[UUID]) -> list[Service]:
        async with self._database.connection() as connection:
            return _grouped(await (await connection.execute(_THESE, (list(service_ids),))).fetchall())

    async def revisions(self) -> dict[UUID, int]:
        """What watchers compare: a service that is not in it is gone, one with another revision has changed."""
        async with self._database.connection() as connection:
            query = "SELECT service_id, revision FROM service_registry WHERE environment = %s"
            return dict(await (await connection.execute(query, (self.environment,))).fetchall())

    # Registrations.

    async def renew(self, new: NewInstance, lease_seconds: float) -> UUID | None:
        """Move the lease of an instance on, if it is registered exactly like this; its service."""
        async with self._database.connection() as connection:
            row = await (await connection.execute(_RENEW, self._parameters(new, lease_seconds))).fetchone()
            return None if row is None else UUID(str(row[0]))

    @asynccontextmanager
    async def changing(self, service_name: str) -> AsyncIterator[Connection]:
        """A transaction that alone changes this service, all versions of it: an instance may move from one to another.

        A lock on the name and not on rows: a version that a twin has just added has no row that could be locked in order.
        """
        async with self._database.transaction() as connection:
            await connection.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"{self.environment}/{service_name}",)
            )
            yield connection

    async def put(self, connection: Connection, new: NewInstance, lease_seconds: float) -> tuple[UUID, UUID | None]:
        """Write an instance and its service; the service, and the one of another version that it was in before."""
        wanted = self._parameters(new, lease_seconds)
        before = await self.service_of(connection, new.service_name, new.instance)
        row = await (await connection.execute(_PUT_SERVICE, wanted)).fetchone()
        assert row is not None
        service_id = UUID(str(row[0]))
        await connection.execute(_PUT_INSTANCE, {**wanted, "service_id": service_id})
        return service_id, before if before != service_id else None

    async def service_of(self, connection: Connection, service_name: str, instance: str) -> UUID | None:
        query = """
        SELECT service_id FROM service_instances WHERE environment = %s AND service_name = %s AND instance = %s
        """
        row = await (await connection.execute(query, (self.environment, service_name, instance))).fetchone()
        return None if row is None else UUID(str(row[0]))

    async def remove(self, connection: Connection, service_id: UUID, instance: str) -> bool:
        query = "DELETE FROM service_instances WHERE service_id = %s AND instance = %s"
        return (await connection.execute(query, (service_id, instance))).rowcount == 1

    async def settle(self, connection: Connection, service_id: UUID) -> Status:
        """Work out a service's state from its instances, and let watchers know that something of it changed."""
        query = "SELECT status FROM service_instances WHERE service_id = %s"
        instances = [Status(row[0]) for row in await (await connection.execute(query, (service_id,))).fetchall()]
        query = "SELECT status FROM service_registry WHERE service_id = %s"
        row = await (await connection.execute(query, (service_id,))).fetchone()
        status = status_of(instances, Status(row[0]) if row else Status.UNKNOWN)
        await connection.execute(
            "UPDATE service_registry SET status = %s, revision = revision + 1, updated_at = now() WHERE service_id = %s",
            (status, service_id),
        )
        return status

    # Health.

    async def take_due(self, interval_seconds: float, limit: int) -> list[Asked]:
        """Instances whose turn it is, each given to one caller: their next turn is an interval away."""
        wanted = {"environment": self.environment, "interval": interval_seconds, "limit": limit}
        async with self._database.connection() as connection:
            rows = await (await connection.execute(_TAKE_DUE, wanted)).fetchall()
        return [
            Asked(one, of, name, instance, endpoint, Health(Status(status), message), started_at)
            for one, of, name, instance, endpoint, status, message, started_at in rows
        ]

    async def seen(self, instance_ids: Collection[UUID]) -> None:
        """They were asked, and are as they were."""
        async with self._database.connection() as connection:
            await connection.execute(_SEEN, (list(instance_ids),))

    async def record(self, connection: Connection, asked: Asked, health: Health) -> bool:
        """Write what an answer said, unless another process stands there now, or its lease has lapsed meanwhile."""
        where = (asked.instance_id, asked.service_id, asked.started_at, asked.mesh_endpoint)
        return (await connection.execute(_RECORD, (health.status, health.message, *where))).rowcount == 1

    async def services_with_lapsed_leases(self) -> list[tuple[UUID, str]]:
        async with self._database.connection() as connection:
            rows = await connection.execute(_LAPSED_SERVICES, (self.environment, LEASE_LAPSED))
            return [(service_id, name) for service_id, name in await rows.fetchall()]

    async def lapse(self, connection: Connection, service_id: UUID) -> bool:
        wanted = {"service_id": service_id, "message": LEASE_LAPSED}
        return (await connection.execute(_LAPSE, wanted)).rowcount > 0

    async def services_with_long_gone(self, seconds: float) -> list[tuple[UUID, str]]:
        async with self._database.connection() as connection:
            rows = await connection.execute(_LONG_GONE, (self.environment, seconds))
            return [(service_id, name) for service_id, name in await rows.fetchall()]

    async def forget_instances(self, connection: Connection, service_id: UUID, seconds: float) -> bool:
        return (await connection.execute(_FORGET_INSTANCES, (service_id, seconds))).rowcount > 0

    async def forget_services(self, seconds: float) -> int:
        """Drop services that have had no instance for this long."""
        async with self._database.connection() as connection:
            return (await connection.execute(_FORGET_SERVICES, (self.environment, seconds))).rowcount

    def _parameters(self, new: NewInstance, lease_seconds: float) -> dict[str, object]:
        return {
            "environment": self.environment,
            "service_name": new.service_name,
            "service_version": new.service_version,
            "service_type": new.service_type,
            "instance": new.instance,
            "endpoint": new.endpoint,
            "mesh_endpoint": new.mesh_endpoint,
            "base_url": new.base_url,
            "health_check_url": new.health_check_url,
            "labels": Jsonb(dict(new.labels)),
            "started_at": new.started_at,
            "lease": lease_seconds,
        }


def _grouped(rows: list[TupleRow]) -> list[Service]:
    """One service for each run of rows of the same one."""
    return [_service(list(run)) for _, run in groupby(rows, key=lambda row: row[0])]


def _service(rows: list[TupleRow]) -> Service:
    service_id, name, version, kind, environment, status, labels, revision, created_at, updated_at = rows[0][:10]
    return Service(
        service_id=service_id,
        service_name=name,
        service_version=version,
        service_type=ServiceType(kind),
        environment=environment,
        status=Status(status),
        labels=labels,
        revision=revision,
        created_at=created_at,
        updated_at=updated_at,
        instances=tuple(_instance(row[10:]) for row in rows if row[10] is not None),
    )


def _instance(columns: TupleRow) -> Instance:
    instance_id, instance, endpoint, mesh_endpoint, status, message, lease_until, asked_at, started_at = columns
    return Instance(
        instance_id, instance, endpoint, mesh_endpoint, Status(status), message, lease_until, asked_at, started_at
    )
