"""``novacron template``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from novacron_cli import quantities
from novacron_cli.connection import connect
from novacron_cli.failure import told
from novacron_cli.options import (
    AllocationOption,
    CpuOption,
    DiskOption,
    GroupsOption,
    IdOption,
    ImageOption,
    LabelsOption,
    LimitOption,
    MemoryOption,
    PriorityOption,
    SshKeysOption,
    TagsOption,
    UserDataOption,
    spec_fields,
)
from novacron_cli.output import Columns, Output, OutputOption, say, write_list, write_one
from novacron_cli.words import ago, gib, mib, pairs, when

app = typer.Typer(no_args_is_help=True, help="Templates: what VMs are made from.")

TemplateArgument = Annotated[
    str, typer.Argument(metavar="TEMPLATE", help="Id or name; a name means its newest version.")
]


@app.command(epilog="Example:  novacron template create small --cpu 1 --memory 512M --disk 10G --image debian-12")
@told
async def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits, '.', '_' and '-'.")],
    cpu: CpuOption,
    memory: MemoryOption,
    disk: DiskOption,
    image: ImageOption,
    version: Annotated[str, typer.Option(help="A semantic version.", show_default="1.0.0")] = "",
    description: Annotated[str, typer.Option(help="A text for people.")] = "",
    public: Annotated[bool, typer.Option("--public", help="For every tenant.")] = False,
    tag: TagsOption = None,
    label: LabelsOption = None,
    group: GroupsOption = None,
    allocation: AllocationOption = None,
    priority: PriorityOption = None,
    user_data: UserDataOption = None,
    ssh_key: SshKeysOption = None,
    id: IdOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Create a template."""
    spec = spec_fields(cpu, memory, disk, image, label, group, allocation, priority, user_data, ssh_key)
    tags = quantities.pairs(tag or ())
    from uuid import uuid4

    from novacron.api.vm.v1 import CreateTemplateRequest, VmSpec

    request = CreateTemplateRequest(
        template_id=id or str(uuid4()),
        name=name,
        version=version,
        description=description,
        spec=VmSpec(**spec),
        is_public=public,
        tags=tags,
    )
    async with connect(context) as connection:
        write_one(await connection.templates.CreateTemplate(request), _FIELDS, output)


@app.command("list")
@told
async def list_templates(context: typer.Context, limit: LimitOption = 0, output: OutputOption = Output.TABLE) -> None:
    """List your templates and the public ones, oldest first."""
    from novacron.api.vm.v1 import ListTemplatesRequest
    from novacron_cli import finding

    async with connect(context) as connection:
        request = ListTemplatesRequest()
        found = await finding.everything(connection.templates.ListTemplates, request, "templates", limit)
        write_list(found, _COLUMNS, output)


@app.command()
@told
async def show(context: typer.Context, template: TemplateArgument, output: OutputOption = Output.TABLE) -> None:
    """Show one template."""
    from novacron.api.vm.v1 import GetTemplateRequest

    async with connect(context) as connection:
        found = await connection.templates.GetTemplate(GetTemplateRequest(template=template))
        write_one(found, _FIELDS, output)


@app.command()
@told
async def delete(context: typer.Context, template: TemplateArgument) -> None:
    """Delete a template. VMs made from it stay."""
    from novacron.api.vm.v1 import DeleteTemplateRequest
    from novacron_cli import finding

    async with connect(context) as connection:
        template_id = await finding.template_id(connection, template)
        await connection.templates.DeleteTemplate(DeleteTemplateRequest(template_id=template_id))
        say(f"template {template} is deleted")


_COLUMNS: Columns = {
    "name": lambda template: template.name,
    "version": lambda template: template.version,
    "cpu": lambda template: str(template.spec.cpu_cores or ""),
    "memory": lambda template: mib(template.spec.memory_mib),
    "disk": lambda template: gib(template.spec.storage_gib),
    "image": lambda template: template.spec.base_image,
    "public": lambda template: "yes" if template.is_public else "",
    "age": lambda template: ago(template.created_at),
    "id": lambda template: template.template_id,
}


def _first_line(template: Any) -> str:
    return str(template.spec.user_data).partition("\n")[0]


_FIELDS: Columns = {
    **_COLUMNS,
    "description": lambda template: template.description,
    "user data": _first_line,
    "node labels": lambda template: pairs(template.spec.node_labels),
    "tags": lambda template: pairs(template.tags),
    "owner": lambda template: template.owner_id,
    "tenant": lambda template: template.tenant_id,
    "created": lambda template: when(template.created_at),
}
