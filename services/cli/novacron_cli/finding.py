"""Finding things by what people call them, and reading lists whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from uuid import UUID

from novacron.api.scheduler.v1 import GetNodeRequest, ListNodesRequest
from novacron.api.vm.v1 import GetTemplateRequest, ListVmsRequest
from novacron.errors import NotFound, NovacronError
from novacron_cli.connection import Connection
from novacron_cli.failure import ExitCode, Refusal
from novacron_cli.output import say

_PAGE = 1000


async def vm_id(connection: Connection, name: str) -> str:
    """The id of the VM that ``name`` names; an id is taken as it is.

    :raises NotFound: no VM of that name.
    :raises Refusal: VMs of several tenants have that name.
    """
    if is_id(name):
        return name
    answer = await connection.vms.ListVms(ListVmsRequest(filter=f"name = {quoted(name)}", page_size=100))
    found = [vm for vm in answer.vms if vm.name == name]  # to a filter `web*` is a wildcard, here it is a name
    if not found:
        raise NotFound.named("vm", name)
    if len(found) > 1:
        lines = [f"  {vm.vm_id} of tenant {vm.tenant_id}" for vm in found]
        raise Refusal("\n".join([f"several VMs are named {name}:", *lines]), ExitCode.USAGE, "name it by its id")
    return str(found[0].vm_id)


async def template_id(connection: Connection, name: str) -> str:
    """The id of the template that ``name`` names, its newest version."""
    if is_id(name):
        return name
    found: str = (await connection.templates.GetTemplate(GetTemplateRequest(template=name))).template_id
    return found


async def node_id(connection: Connection, name: str) -> str:
    """The id of the node that ``name`` names."""
    if is_id(name):
        return name
    found: str = (await connection.nodes.GetNode(GetNodeRequest(node=name))).node_id
    return found


async def node_names(connection: Connection, node_ids: Iterable[str]) -> dict[str, str]:
    """What people call these nodes; each by its id where that cannot be learnt. Never fails: it is for looks alone."""
    wanted = {one for one in node_ids if one}
    names = {one: one for one in wanted}
    if wanted:
        try:
            nodes = await everything(connection.nodes.ListNodes, ListNodesRequest(), "nodes")
        except (NovacronError, Refusal):
            return names
        names.update({node.node_id: node.name for node in nodes if node.node_id in wanted})
    return names


async def everything(
    call: Callable[[Any], Awaitable[Any]], request: Any, field: str, limit: int = 0, what: str = ""
) -> list[Any]:
    """The items of all pages, or the first ``limit`` with a word on stderr that there are more."""
    items: list[Any] = []
    while True:
        request.page_size = min(_PAGE, limit - len(items)) if limit else _PAGE
        page = await call(request)
        items += getattr(page, field)
        if not page.next_page_token:
            return items
        if limit and len(items) >= limit:
            say(f"there are more {what or field} than these {limit}: raise --limit")
            return items
        request.page_token = page.next_page_token


def conditions(*given: str) -> str:
    """One AIP-160 filter out of several; empty ones do not count."""
    return " AND ".join(one for one in given if one)


def quoted(value: str) -> str:
    """A string literal of AIP-160."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False
