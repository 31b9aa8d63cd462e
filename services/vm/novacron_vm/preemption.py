"""What to do next while VMs give way to another: a pure function of one look at them. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from novacron.saga import SagaState

# A guest's grace, an agent's restart, and a short operation that was under way: no longer does anybody wait.
PATIENCE_SECONDS = 180.0
# Each holds one of a worker's places while it waits for sagas, which need places too.
MOST_AT_ONCE = 64
_MOST_TOLD = 3


@dataclass(frozen=True, slots=True)
class Patience:
    """How it is with the saga that waits, and how many others do."""

    cancelled: bool = False
    waited_seconds: float = 0.0
    attempt: int = 1
    others: int = 0


@dataclass(frozen=True, slots=True)
class Yielder:
    """A VM that has yet to give way. ``busy``: something works on it, or it is deleted; ``state`` is of its own preempt-vm."""

    vm_id: UUID
    saga_id: UUID
    name: str
    busy: bool
    state: SagaState | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Next:
    """Who shall give way now, and why there is no use in waiting; empty: there is."""

    begin: tuple[Yielder, ...] = ()
    trouble: str = ""


def following(patience: Patience, yielders: Sequence[Yielder]) -> Next:
    """Everyone who can gives way at once. What works on a VM is waited for: it may be what makes it leave."""
    if patience.cancelled:
        return Next(trouble="it was cancelled while others gave way to it")
    if patience.waited_seconds > PATIENCE_SECONDS:
        return Next(trouble=f"{told(yielders)} did not give way within {PATIENCE_SECONDS:.0f} s")
    for one in yielders:
        # One that turned back keeps its place, but for one that is deleted since.
        if one.state is SagaState.STUCK or (one.state is SagaState.COMPENSATED and not one.busy):
            return Next(trouble=f"VM {one.name} could not give way: {one.error or 'its preempt-vm turned back'}")
        if not one.name:
            return Next(trouble=f"VM {one.vm_id} should give way, and no such VM is known here")
    if patience.others >= MOST_AT_ONCE and all(one.state is None for one in yielders):
        return Next(trouble=f"{MOST_AT_ONCE} VMs wait for others to give way already: try again in a minute")
    return Next(tuple(one for one in yielders if one.state is None and not one.busy))


def told(yielders: Sequence[Yielder]) -> str:
    """As a person reads it: ``VMs web-1, web-2``."""
    names = ", ".join(one.name for one in yielders[:_MOST_TOLD])
    more = f" and {len(yielders) - _MOST_TOLD} more" if len(yielders) > _MOST_TOLD else ""
    return f"{'VM' if len(yielders) == 1 else 'VMs'} {names}{more}"
