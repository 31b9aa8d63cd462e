"""The gRPC edge of templates: convert, call, convert back."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from novacron.api.vm.v1 import (
    CreateTemplateRequest,
    DeleteTemplateRequest,
    DeleteTemplateResponse,
    GetTemplateRequest,
    ListTemplatesRequest,
    ListTemplatesResponse,
    TemplateServiceServicer,
)
from novacron.api.vm.v1 import Template as ProtoTemplate
from novacron.errors import PermissionDenied
from novacron.ids import new_id
from novacron.paging import PageTokens, page_size
from novacron.rpc import current

from . import messages
from .template import NewTemplate
from .template_store import TemplateStore
from .vm import merged


class TemplateServicer(TemplateServiceServicer):
    """TemplateService."""

    def __init__(self, store: TemplateStore, tokens: PageTokens) -> None:
        self._store = store
        self._tokens = tokens

    async def CreateTemplate(self, request: CreateTemplateRequest, context: Any) -> ProtoTemplate:
        caller = current()
        if request.is_public and not caller.may("template:publish"):
            raise PermissionDenied(
                "a public template needs template:publish", metadata={"permission": "template:publish"}
            )
        template = await self._store.insert(
            NewTemplate(
                id=UUID(request.template_id) if request.template_id else new_id(),
                name=request.name,
                version=request.version or "1.0.0",
                description=request.description,
                spec=merged(None, messages.asked_spec(request.spec)),
                tags=dict(request.tags),
                is_public=request.is_public,
                owner_id=caller.user.user_id,
                tenant_id=caller.user.tenant_id,
            )
        )
        return messages.template_to_proto(template)

    async def GetTemplate(self, request: GetTemplateRequest, context: Any) -> ProtoTemplate:
        return messages.template_to_proto(await self._store.get(request.template, current().tenant_filter))

    async def ListTemplates(self, request: ListTemplatesRequest, context: Any) -> ListTemplatesResponse:
        tenant, size = current().tenant_filter, page_size(request.page_size)
        position = self._tokens.open(request.page_token, tenant, "templates")
        after = (datetime.fromisoformat(position[0]), UUID(position[1])) if position else None
        found = await self._store.page(tenant, after=after, limit=size + 1)
        answer = ListTemplatesResponse(templates=[messages.template_to_proto(one) for one in found[:size]])
        if len(found) > size:
            answer.next_page_token = self._tokens.seal(
                (found[size - 1].created_at, found[size - 1].id), tenant, "templates"
            )
        return answer

    async def DeleteTemplate(self, request: DeleteTemplateRequest, context: Any) -> DeleteTemplateResponse:
        await self._store.delete(UUID(request.template_id), current().tenant_filter)
        return DeleteTemplateResponse()
