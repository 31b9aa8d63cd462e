"""What the drain of a node is, and what to do next in it: a pure function of one look at the node's VMs. No I/O."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from novacron.saga import SagaState

from .vm import VmState


class DrainState(enum.StrEnum):
    """The first two are under way."""

    RUNNING = "running"
    CANCELLING = "cancelling"
    DRAINED = "drained"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def over(self) -> bool:
        return self not in (DrainState.RUNNING, DrainState.CANCELLING)


@dataclass(frozen=True, slots=True)
class NewDrain:
    """A request for a drain, and whether the node took VMs when it came."""

    id: UUID
    node_id: UUID
    node_name: str
    requested_by: UUID
    budget: int
    grace_seconds: int
    was_open: bool


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """A VM that cannot be moved. ``reason`` is a typed error's."""

    vm_id: UUID
    name: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a drain is. ``left`` counts all that are still on the node."""

    moved: int = 0
    under_way: int = 0
    left: int = 0
    left_behind: tuple[LeftBehind, ...] = ()

    def told(self, node_name: str) -> str:
        """Why the node is not empty; empty when it is."""
        if not self.left_behind:
            return ""
        count = "1 VM" if len(self.left_behind) == 1 else f"{len(self.left_behind)} VMs"
        named = "; ".join(f"{one.name}: {one.message} ({one.reason})" for one in self.left_behind[:_MOST_TOLD])
        more = f"; and {len(self.left_behind) - _MOST_TOLD} more" if len(self.left_behind) > _MOST_TOLD else ""
        return f"{count} could not be moved off {node_name}: {named}{more}"


_MOST_TOLD = 3


@dataclass(frozen=True, slots=True)
class Drain:
    """A drain as stored."""

    id: UUID
    node_id: UUID
    node_name: str
    requested_by: UUID
    budget: int
    grace_seconds: int
    was_open: bool
    state: DrainState
    progress: Progress
    error: str
    closed_at: datetime | None
    created_at: datetime
    finished_at: datetime | None

    def is_of(self, new: NewDrain) -> bool:
        """Whether this came of the same request."""
        asked = (new.requested_by, new.node_id, new.budget, new.grace_seconds)
        return (self.requested_by, self.node_id, self.budget, self.grace_seconds) == asked


@dataclass(frozen=True, slots=True)
class Trouble:
    """A saga's error, as its log has it."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Guest:
    """A VM that this drain has to do with: it is on the node, or was and is being moved."""

    vm_id: UUID
    name: str
    state: VmState
    on_node: bool
    displaced: bool = False  # it gave way to another: of it only the disk is there
    busy: SagaState | None = None  # of whatever saga works on it now
    operation: str = ""
    move: SagaState | None = None  # of this drain's own move of it; None: not begun
    trouble: Trouble | None = None  # that move's


@dataclass(frozen=True, slots=True)
class Outlook:
    """What one look says: the VMs to move now, how far it is, and whether there is nothing more to wait for."""

    progress: Progress
    start: tuple[UUID, ...] = ()
    over: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """The drain and its VMs at one instant. ``arriving`` counts those that may yet turn up: claimed before the node closed."""

    budget: int
    cancelled: bool
    guests: Sequence[Guest] = field(default=())
    arriving: int = 0


def outlook(look: Look) -> Outlook:
    """One try for each VM, ``budget`` at a time. What works on a VM is waited for, and a VM that cannot be moved is named."""
    under_way = [one for one in look.guests if one.move is not None and one.move.unfinished]
    behind = tuple(found for one in look.guests if (found := _left_behind(one)) is not None)
    named = {one.vm_id for one in behind}
    waiting = [one for one in look.guests if one.on_node and one.move is None and one.vm_id not in named]
    ready = [one.vm_id for one in waiting if one.busy is None]
    start = () if look.cancelled else tuple(ready[: max(look.budget - len(under_way), 0)])
    progress = Progress(
        moved=sum(1 for one in look.guests if one.move is SagaState.SUCCEEDED and not one.on_node),
        under_way=len(under_way) + len(start),
        left=sum(1 for one in look.guests if one.on_node),
        left_behind=behind,
    )
    over = not under_way and (look.cancelled or not (waiting or look.arriving))
    return Outlook(progress, start, over)


def _left_behind(one: Guest) -> LeftBehind | None:
    if one.move is SagaState.STUCK:
        why = one.trouble.message if one.trouble else "no reason is known"
        return LeftBehind(one.vm_id, one.name, "SAGA_STUCK", f"its move is stuck: {why}")
    if not one.on_node or (one.move is not None and one.move.unfinished):
        return None
    if one.move is not None:
        trouble = one.trouble or Trouble("CONFLICT", "it was moved back meanwhile")
        return LeftBehind(one.vm_id, one.name, trouble.reason, trouble.message)
    if one.busy is SagaState.STUCK:
        return LeftBehind(one.vm_id, one.name, "SAGA_STUCK", f"{one.operation} of it is stuck")
    if one.busy is None and one.displaced:
        return LeftBehind(
            one.vm_id,
            one.name,
            "FAILED_PRECONDITION",
            f"it gave way to another VM and has only its disk there: open the node and start it (novacron vm start {one.name}),"
            " or delete it",
        )
    if one.busy is None and one.state not in (VmState.RUNNING, VmState.STOPPED):
        return LeftBehind(
            one.vm_id, one.name, "WRONG_STATE", f"it is {one.state}; only a running or a stopped VM moves"
        )
    return None
