"""What may be done with templates."""

from __future__ import annotations

from uuid import UUID

from novacron.errors import NotFound

from .template_store import TemplateStore
from .vm import VmSpec


async def spec_of(store: TemplateStore, key: str, tenant_id: UUID) -> tuple[UUID, VmSpec]:
    """The template that a create names. :raises NotFound: saying where to look for one that there is."""
    try:
        template = await store.get(key, tenant_id)
    except NotFound as error:
        raise NotFound(
            f"template {key} not found; `novacron template list` shows those that you can use", metadata=error.metadata
        ) from None
    return template.id, template.spec
