"""Between the protos of tenants and what they mean here."""

from __future__ import annotations

from novacron.api.auth.v1 import Tenant as Message
from novacron.api.auth.v1 import UpdateTenantRequest
from novacron.errors import InvalidArgument
from novacron.timestamps import to_timestamp

from .tenant import Tenant


def tenant(held: Tenant) -> Message:
    return Message(
        tenant_id=str(held.tenant_id),
        name=held.name,
        display_name=held.display_name,
        disabled_at=to_timestamp(held.disabled_at),
        created_at=to_timestamp(held.created_at),
        updated_at=to_timestamp(held.updated_at),
        etag=held.etag,
    )


def display_name(request: UpdateTenantRequest) -> str | None:
    """The new one; None: leave it. :raises InvalidArgument: the mask names what cannot be changed."""
    masked = set(request.update_mask.paths)
    if unknown := sorted(masked - {"display_name"}):
        raise InvalidArgument.at("update_mask", f"names {', '.join(unknown)}; what can change: display_name")
    return request.display_name if masked or request.display_name else None
