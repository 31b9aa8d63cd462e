"""The tables of VMs: SQL in, dataclasses out. Races are decided here, by predicates and unique keys."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import sql

from novacron.db import Connection, Database
from novacron.errors import NotFound, WrongState
from novacron.paging import Filter
from novacron.tenancy import every_tenant

from .vm import LEGAL_FROM, AllocationType, HypervisorType, NewVm, Transition, Vm, VmSpec, VmState

_COLUMNS = """id, name, display_name, description, state, node_id, owner_id, tenant_id, template_id, resource_config, tags,
    coalesce(host(ip_address), ''), error, request_digest, saga_id, operation, delete_requested_by, version,
    created_at, updated_at, deleted_at, displaced_at"""

FILTER_COLUMNS = {"state": "state", "name": "name", "node_id": "node_id", "tenant_id": "tenant_id", "tags": "tags"}

_INSERT = f"""
WITH made AS (
    INSERT INTO vms (id, name, display_name, description, hypervisor_type, owner_id, tenant_id, template_id,
                     resource_config, tags, request_digest, saga_id, operation)
    VALUES (%(id)s, %(name)s, %(display_name)s, %(description)s, %(hypervisor_type)s, %(owner_id)s, %(tenant_id)s,
            %(template_id)s, %(spec)s, %(tags)s, %(digest)s, %(id)s, 'create-vm')
    ON CONFLICT DO NOTHING
    RETURNING {_COLUMNS}
), noted AS (
    INSERT INTO vm_state_transitions (vm_id, from_state, to_state, reason, initiated_by)
    SELECT id, NULL, 'creating', 'asked for', owner_id FROM made
)
SELECT * FROM made
"""  # noqa: S608 - our own column list

_TRANSITION = f"""
WITH was AS (
    SELECT id AS was_id, state AS was_state FROM vms WHERE id = %(id)s AND state = ANY (%(legal)s::vm_state_enum[]) FOR UPDATE
), changed AS (
    UPDATE vms SET
        state = %(to)s::vm_state_enum, error = %(error)s, saga_id = NULL, operation = NULL,
        version = version + 1, updated_at = now(),
        node_id = coalesce(%(node_id)s, node_id),
        ip_address = coalesce(%(ip_address)s::inet, ip_address),
        displaced_at = CASE WHEN %(displaced)s THEN now() WHEN NOT %(displaced)s THEN NULL ELSE displaced_at END,
        deleted_at = CASE WHEN %(to)s::vm_state_enum = 'deleted' THEN now() END
    FROM was WHERE id = was_id
    RETURNING {_COLUMNS}
), noted AS (
    INSERT INTO vm_state_transitions (vm_id, from_state, to_state, reason, initiated_by)
    SELECT was_id, was_state, %(to)s::vm_state_enum, %(reason)s, %(by)s FROM was
)
SELECT * FROM changed
"""  # noqa: S608 - our own column list


def _vm(row: Sequence[Any]) -> Vm:
    values = list(row)
    values[4] = VmState(values[4])
    values[9] = spec_from_json(values[9])
    values[13] = bytes(values[13])
    return Vm(*values)


def spec_to_json(spec: VmSpec) -> str:
    return json.dumps(asdict(spec))


def spec_from_json(stored: dict[str, Any]) -> VmSpec:
    return VmSpec(
        **{
            **stored,
            "hypervisor_type": HypervisorType(stored["hypervisor_type"]),
            "ssh_authorized_keys": tuple(stored["ssh_authorized_keys"]),
            "groups": tuple(stored.get("groups", ())),
            "allocation_type": AllocationType(stored.get("allocation_type", AllocationType.BURSTABLE)),
        }
    )


class VmStore:
    """VMs and their transitions."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def insert(self, connection: Connection, new: NewVm) -> Vm | None:
        """A VM in `creating`, with its first transition; None when the id or the name is taken."""
        cursor = await connection.execute(
            _INSERT,
            {
                "id": new.id,
                "name": new.name,
                "display_name": new.display_name,
                "description": new.description,
                "hypervisor_type": str(new.spec.hypervisor_type),
                "owner_id": new.owner_id,
                "tenant_id": new.tenant_id,
                "template_id": new.template_id,
                "spec": spec_to_json(new.spec),
                "tags": json.dumps(new.tags),
                "digest": new.digest,
            },
        )
        row = await cursor.fetchone()
        return None if row is None else _vm(row)

    async def get(self, vm_id: UUID, tenant_id: UUID | None) -> Vm:
        """``tenant_id`` None sees every tenant. :raises NotFound: no such VM, or another tenant's."""
        async with self.database.connection() as connection:
            return await self._one(connection, vm_id, tenant_id, "")

    async def busy_with(self, connection: Connection, vm_id: UUID, tenant_id: UUID | None) -> UUID | None:
        """The saga that works on the VM, at a glance and without a lock. :raises NotFound: as :meth:`get`."""
        return (await self._one(connection, vm_id, tenant_id, "")).saga_id

    async def lock(self, connection: Connection, vm_id: UUID, tenant_id: UUID | None) -> Vm:
        """The same, and nobody else changes it before this transaction ends."""
        return await self._one(connection, vm_id, tenant_id, " FOR UPDATE")

    async def find(
        self, connection: Connection, vm_id: UUID, tenant_id: UUID, name: str
    ) -> tuple[Vm | None, Vm | None]:
        """``(the VM with this id, the tenant's live VM with this name)``."""
        with every_tenant():  # an id is taken or free for all alike; the caller is not told by whom
            by_id = await (
                await connection.execute(f"SELECT {_COLUMNS} FROM vms WHERE id = %s", (vm_id,))  # noqa: S608
            ).fetchone()
        by_name = await (
            await connection.execute(
                f"SELECT {_COLUMNS} FROM vms WHERE tenant_id = %s AND name = %s AND deleted_at IS NULL",  # noqa: S608
                (tenant_id, name),
            )
        ).fetchone()
        return (_vm(by_id) if by_id else None), (_vm(by_name) if by_name else None)

    async def page(
        self,
        tenant_id: UUID | None,
        wanted: Filter,
        *,
        after: tuple[datetime, UUID] | None,
        limit: int,
        deleted: bool,
    ) -> list[Vm]:
        """At most ``limit`` VMs behind ``after``, oldest first."""
        where, values = wanted.where(FILTER_COLUMNS)
        conditions: list[sql.Composable] = [where]
        if tenant_id is not None:
            conditions.append(sql.SQL("tenant_id = %s"))
            values.append(tenant_id)
        if not deleted:
            conditions.append(sql.SQL("deleted_at IS NULL"))
        if after is not None:
            conditions.append(sql.SQL("(created_at, id) > (%s, %s)"))
            values.extend(after)
        query = sql.SQL("SELECT {} FROM vms WHERE {} ORDER BY created_at, id LIMIT {}").format(
            sql.SQL(_COLUMNS), sql.SQL(" AND ").join(conditions), sql.Literal(limit)
        )
        async with self.database.connection() as connection:
            return [_vm(row) for row in await (await connection.execute(query, values)).fetchall()]

    async def begin_operation(self, connection: Connection, vm: Vm, saga_id: UUID, operation: str) -> Vm:
        """Say which saga works on the VM now; the row is locked by the caller."""
        cursor = await connection.execute(
            f"""UPDATE vms SET saga_id = %s, operation = %s, error = '', version = version + 1, updated_at = now()
                WHERE id = %s RETURNING {_COLUMNS}""",  # noqa: S608
            (saga_id, operation, vm.id),
        )
        return _found(await cursor.fetchone(), vm.id)

    async def begin_move(self, connection: Connection, vm: Vm, saga_id: UUID, by: UUID) -> Vm:
        """The VM is on its way; the row is locked by the caller."""
        vm = await self.transition(connection, vm.id, VmState.MIGRATING, reason="moving to another node", by=by)
        return await self.begin_operation(connection, vm, saga_id, "move-vm")

    async def change_node(self, connection: Connection, vm_id: UUID, node_id: UUID) -> None:
        """From now on the VM is there. Its address of before tells nothing of its new one."""
        await connection.execute(
            """UPDATE vms SET node_id = %s, ip_address = NULL, version = version + 1, updated_at = now()
               WHERE id = %s AND state = 'migrating'""",
            (node_id, vm_id),
        )

    async def change_spec(self, connection: Connection, vm_id: UUID, spec: VmSpec) -> None:
        """From now on the VM is made of this."""
        await connection.execute("UPDATE vms SET resource_config = %s WHERE id = %s", (spec_to_json(spec), vm_id))

    async def end_operation(self, connection: Connection, vm_id: UUID, error: str) -> Vm:
        """The operation changed nothing; the VM stays as it was, with the reason."""
        cursor = await connection.execute(
            f"""UPDATE vms SET saga_id = NULL, operation = NULL, error = %s, version = version + 1, updated_at = now()
                WHERE id = %s RETURNING {_COLUMNS}""",  # noqa: S608
            (error, vm_id),
        )
        return _found(await cursor.fetchone(), vm_id)

    async def request_delete(self, connection: Connection, vm_id: UUID, by: UUID) -> None:
        """Whoever ends the operation under way sees this and deletes the VM."""
        await connection.execute(
            "UPDATE vms SET delete_requested_by = %s, version = version + 1, updated_at = now() WHERE id = %s",
            (by, vm_id),
        )

    async def transition(
        self,
        connection: Connection,
        vm_id: UUID,
        to: VmState,
        *,
        reason: str,
        by: UUID,
        error: str = "",
        node_id: UUID | None = None,
        ip_address: str | None = None,
        displaced: bool | None = None,
    ) -> Vm:
        """Change the state, end the operation and note both, in one statement. ``displaced``: whether it has no place from
        now on; None: as before. :raises WrongState: no such change from here."""
        cursor = await connection.execute(
            _TRANSITION,
            {
                "id": vm_id,
                "to": str(to),
                "legal": [str(state) for state in LEGAL_FROM[to]],
                "reason": reason,
                "by": by,
                "error": error,
                "node_id": node_id,
                "ip_address": ip_address or None,
                "displaced": displaced,
            },
        )
        row = await cursor.fetchone()
        if row is None:
            raise WrongState(f"VM {vm_id} cannot become {to} from the state it is in")
        return _vm(row)

    async def without_address(self, seconds: float) -> list[tuple[UUID, UUID]]:
        """``(VM, node)`` of running VMs that changed within ``seconds`` and whose address nobody knows, newest first."""
        async with self.database.connection() as connection:
            cursor = await connection.execute(
                """SELECT id, node_id FROM vms
                   WHERE state = 'running' AND ip_address IS NULL AND node_id IS NOT NULL
                         AND updated_at > now() - %s * interval '1 second'
                   ORDER BY updated_at DESC LIMIT 100""",
                (seconds,),
            )
            return [(row[0], row[1]) for row in await cursor.fetchall()]

    async def set_address(self, vm_id: UUID, address: str) -> None:
        async with self.database.connection() as connection:
            await connection.execute(
                """UPDATE vms SET ip_address = %s, version = version + 1, updated_at = now()
                   WHERE id = %s AND state = 'running' AND ip_address IS NULL""",
                (address, vm_id),
            )

    async def transitions(self, vm_id: UUID, after: int) -> list[Transition]:
        """What happened to a VM since ``after``, oldest first."""
        async with self.database.connection() as connection:
            cursor = await connection.execute(
                """SELECT sequence, from_state, to_state, reason, created_at FROM vm_state_transitions
                   WHERE vm_id = %s AND sequence > %s ORDER BY sequence LIMIT 1000""",
                (vm_id, after),
            )
            return [
                Transition(row[0], VmState(row[1]) if row[1] else None, VmState(row[2]), row[3], row[4])
                for row in await cursor.fetchall()
            ]

    async def _one(self, connection: Connection, vm_id: UUID, tenant_id: UUID | None, suffix: str) -> Vm:
        cursor = await connection.execute(
            f"SELECT {_COLUMNS} FROM vms WHERE id = %s AND (%s::uuid IS NULL OR tenant_id = %s){suffix}",  # noqa: S608
            (vm_id, tenant_id, tenant_id),
        )
        return _found(await cursor.fetchone(), vm_id)


def _found(row: Sequence[Any] | None, vm_id: UUID) -> Vm:
    if row is None:
        raise NotFound.named("vm", vm_id)
    return _vm(row)
