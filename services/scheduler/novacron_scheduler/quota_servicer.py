"""The gRPC edge of quotas: convert, call, convert back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from novacron.api.scheduler import v1 as pb
from novacron.rpc import current

from .quota import DIMENSIONS, Limits, Quota
from .quotas import Quotas


class QuotaServicer(pb.QuotaServiceServicer):
    """What tenants may hold."""

    def __init__(self, quotas: Quotas) -> None:
        self._quotas = quotas

    async def GetQuota(self, request: pb.GetQuotaRequest, context: Any) -> pb.Quota:
        caller = current()
        tenant_id = UUID(request.tenant_id) if request.tenant_id else caller.user.tenant_id
        return _message(await self._quotas.get(tenant_id, caller.tenant_filter))

    async def SetQuota(self, request: pb.SetQuotaRequest, context: Any) -> pb.Quota:
        said = request.limits
        limits = Limits(*(getattr(said, name) if said.HasField(name) else None for name in DIMENSIONS))
        names = set(request.update_mask.paths)
        return _message(await self._quotas.set(UUID(request.tenant_id), limits, names, current().tenant_filter))

    async def ListQuotas(self, request: pb.ListQuotasRequest, context: Any) -> pb.ListQuotasResponse:
        tenant = current().tenant_filter
        found, following = await self._quotas.page(request.page_size, request.page_token, tenant)
        return pb.ListQuotasResponse(quotas=map(_message, found), next_page_token=following)


def _message(made: Quota) -> pb.Quota:
    limits = {name: limit for name, limit in made.limits._asdict().items() if limit is not None}
    return pb.Quota(
        tenant_id=str(made.tenant_id), limits=pb.QuotaLimits(**limits), used=pb.QuotaUse(**made.used._asdict())
    )
