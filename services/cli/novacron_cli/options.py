"""Options that several commands share, so that they are spelled and explained alike everywhere."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated, Any

import typer

from novacron_cli import quantities


class Allocation(enum.StrEnum):
    """How firmly a VM holds what it takes of its node."""

    GUARANTEED = "guaranteed"
    BURSTABLE = "burstable"
    BEST_EFFORT = "best-effort"


VmArgument = Annotated[str, typer.Argument(metavar="VM", help="Id or name of the VM.")]
LimitOption = Annotated[int, typer.Option(min=0, help="At most so many; 0: all.")]
FilterOption = Annotated[
    str, typer.Option(metavar="EXPRESSION", help='Only what fits, such as \'name = "web-1" AND tags.env = "prod"\'.')
]
TagsOption = Annotated[list[str] | None, typer.Option("--tag", metavar="KEY=VALUE", help="A tag; may be repeated.")]
WaitOption = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until it is done, or return at once.")]
IdOption = Annotated[
    str, typer.Option("--id", metavar="UUID", help="Choose its id, so that the command can be repeated safely.")
]
GraceOption = Annotated[
    int | None,
    typer.Option(
        min=0, max=600, metavar="SECONDS", help="How long the guest may take; 0: pull the plug. [default: 10]"
    ),
]
RestartOption = Annotated[bool, typer.Option("--restart", help="Shut it down and start it again if it runs.")]

CpuOption = Annotated[int, typer.Option(metavar="COUNT", min=0, max=2**31 - 1, help="Virtual CPUs.")]
MemoryOption = Annotated[str, typer.Option(metavar="SIZE", help="Memory: 512M, 2G; a bare number is MiB.")]
DiskOption = Annotated[str, typer.Option(metavar="SIZE", help="First disk: 20G, 1T; a bare number is GiB.")]
ImageOption = Annotated[str, typer.Option(metavar="NAME", help="Base image that the hosts have.")]
LabelsOption = Annotated[
    list[str] | None, typer.Option("--label", metavar="KEY=VALUE", help="A label its node must have; may be repeated.")
]
GroupsOption = Annotated[
    list[str] | None,
    typer.Option("--group", metavar="NAME", help="A group that placement policies speak of; may be repeated."),
]
AllocationOption = Annotated[
    Allocation | None,
    typer.Option(
        "--allocation",
        help="How firmly it holds its share of the host: to itself, sharing as the operator allows, or with what is left."
        " [default: burstable]",
    ),
]
PriorityOption = Annotated[
    int | None,
    typer.Option(
        min=-1000,
        max=1000,
        help="Who gives way to whom, once a policy of yours says that VMs of lower priority do (novacron policy create --help)."
        " [default: 0]",
    ),
]
UserDataOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="cloud-init user-data; - is standard input.", show_default=False)
]
SshKeysOption = Annotated[
    list[Path] | None,
    typer.Option("--ssh-key", metavar="FILE", help="Public key for the guest's first user; may be repeated."),
]


def allocation_type(chosen: Allocation | None) -> str | None:
    """As protos name it; None: whatever is usual."""
    return f"ALLOCATION_TYPE_{chosen.name}" if chosen else None


def spec_fields(
    cpu: int,
    memory: str,
    disk: str,
    image: str,
    labels: list[str] | None,
    groups: list[str] | None,
    allocation: Allocation | None,
    priority: int | None,
    user_data: Path | None,
    ssh_keys: list[Path] | None,
) -> dict[str, Any]:
    """The fields of a VmSpec as these options give them. :raises typer.BadParameter: one of them says nothing sensible."""
    return {
        "cpu_cores": cpu,
        "memory_mib": quantities.memory_mib(memory) if memory else 0,
        "storage_gib": quantities.disk_gib(disk) if disk else 0,
        "base_image": image,
        "node_labels": quantities.pairs(labels or ()),
        "groups": groups or [],
        "allocation_type": allocation_type(allocation),
        "user_data": quantities.content(user_data) if user_data else "",
        # Absent and 0 are not the same: a template's is taken over, or set back.
        **({} if priority is None else {"priority": priority}),
        "ssh_authorized_keys": [key for file in ssh_keys or () for key in quantities.keys(quantities.content(file))],
    }
