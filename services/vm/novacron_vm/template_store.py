"""The table of templates."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from novacron.db import Database
from novacron.errors import AlreadyExists, NotFound

from .store import spec_from_json, spec_to_json
from .template import NewTemplate, Template

_COLUMNS = "id, name, version, description, resource_config, tags, is_public, owner_id, tenant_id, created_at"


def _template(row: Sequence[Any]) -> Template:
    values = list(row)
    values[4] = spec_from_json(values[4])
    return Template(*values)


class TemplateStore:
    """Templates: a tenant's own, and the public ones of all."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, new: NewTemplate) -> Template:
        """:raises AlreadyExists: the id, or the name with this version, is taken by other contents."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                f"""INSERT INTO vm_templates (id, name, version, description, base_image, resource_config, tags, is_public,
                                              owner_id, tenant_id)
                    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING {_COLUMNS}""",  # noqa: S608
                (
                    new.id,
                    new.name,
                    new.version,
                    new.description,
                    new.spec.base_image,
                    spec_to_json(new.spec),
                    json.dumps(new.tags),
                    new.is_public,
                    new.owner_id,
                    new.tenant_id,
                ),
            )
            row = await cursor.fetchone()
            if row is not None:
                return _template(row)
            cursor = await connection.execute(
                f"SELECT {_COLUMNS} FROM vm_templates WHERE id = %s AND tenant_id = %s",  # noqa: S608
                (new.id, new.tenant_id),
            )
            row = await cursor.fetchone()
        known = _template(row) if row is not None else None
        if known is not None and NewTemplate(*_fields(known)) == NewTemplate(*_fields(new)):
            return known
        raise AlreadyExists(
            f"template {new.name} {new.version} or the id {new.id} exists already: choose another version",
            metadata={"resource_type": "template", "resource": new.name},
        )

    async def get(self, key: str, tenant_id: UUID | None) -> Template:
        """By id, or by name in its newest version; the tenant's own before a public one. :raises NotFound:"""
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                f"""SELECT {_COLUMNS} FROM vm_templates
                    WHERE (id::text = lower(%(key)s) OR name = %(key)s)
                          AND (%(tenant)s::uuid IS NULL OR tenant_id = %(tenant)s OR is_public)
                    ORDER BY tenant_id = %(tenant)s DESC, created_at DESC LIMIT 1""",  # noqa: S608
                {"key": key, "tenant": tenant_id},
            )
            row = await cursor.fetchone()
        if row is None:
            raise NotFound.named("template", key)
        return _template(row)

    async def page(self, tenant_id: UUID | None, *, after: tuple[datetime, UUID] | None, limit: int) -> list[Template]:
        """At most ``limit`` templates that the tenant can see, oldest first."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                f"""SELECT {_COLUMNS} FROM vm_templates
                    WHERE (%(tenant)s::uuid IS NULL OR tenant_id = %(tenant)s OR is_public)
                          AND (%(created)s::timestamptz IS NULL OR (created_at, id) > (%(created)s, %(id)s))
                    ORDER BY created_at, id LIMIT %(limit)s""",  # noqa: S608
                {
                    "tenant": tenant_id,
                    "created": after[0] if after else None,
                    "id": after[1] if after else None,
                    "limit": limit,
                },
            )
            return [_template(row) for row in await cursor.fetchall()]

    async def delete(self, template_id: UUID, tenant_id: UUID | None) -> None:
        """:raises NotFound: no such template of this tenant."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                "DELETE FROM vm_templates WHERE id = %s AND (%s::uuid IS NULL OR tenant_id = %s)",
                (template_id, tenant_id, tenant_id),
            )
            if cursor.rowcount == 0:
                raise NotFound.named("template", template_id)


def _fields(template: NewTemplate) -> list[Any]:
    return [getattr(template, name) for name in NewTemplate.__dataclass_fields__]
