"""What `novacron audit --fix` does: each breach that is safe to mend, by an RPC that looks again before it changes anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from novacron.api.vm.v1 import (
    DeleteLeakedMonitoringRequest,
    DestroyLeakedDomainRequest,
    ReleaseLeakedReservationRequest,
    RestoreMonitoringRequest,
)
from novacron.errors import NovacronError, PermissionDenied, Unauthenticated
from novacron_cli.audit_facts import Breach, Repair, RepairAction
from novacron_cli.connection import Connection

_LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Outcome:
    """A breach, and what became of it."""

    breach: Breach
    told: str


def planned(found: Iterable[Breach], *, unknown: bool) -> list[Breach]:
    """What would be mended, in order. ``unknown``: with domains of which nothing was ever known."""
    safe = [(one.repair.action, one) for one in found if one.repair and (unknown or not one.repair.unknown)]
    return [breach for _, breach in sorted(safe, key=lambda pair: pair[0])]


async def mend(connection: Connection, breaches: Sequence[Breach], reason: str) -> dict[Breach, str]:
    """Mend these one after another. Answers why not, for each that was not: the others are mended all the same.

    :raises PermissionDenied: this user may mend nothing.
    """
    refused: dict[Breach, str] = {}
    for breach in breaches:
        assert breach.repair is not None, "only what can be mended is planned"
        why = f"{breach.invariant}: {breach.what}" + (f" ({reason})" if reason else "")
        try:
            await _order(connection.repairs, breach.repair, why[:_LONGEST_REASON])
        except (PermissionDenied, Unauthenticated):
            raise
        except NovacronError as error:
            refused[breach] = error.message
    return refused


def outcomes(
    before: Sequence[Breach], tried: Sequence[Breach], refused: dict[Breach, str], after: Sequence[Breach]
) -> list[Outcome]:
    """What became of everything that was broken before or is now, as it is told of last."""
    left, mended = {one: one for one in after}, set(tried)
    told = []
    for breach in [*before, *(one for one in after if one not in set(before))]:
        if breach not in left:
            what = "mended" if breach in mended and breach not in refused else "no longer so"
        elif breach in refused:
            what = f"not mended: {refused[breach]}"
        else:
            what = "not mended: it came back" if breach in mended else "still broken"
        told.append(Outcome(left.get(breach, breach), what))
    return told


async def _order(repairs: Any, repair: Repair, reason: str) -> None:
    match repair.action:
        case RepairAction.DESTROY_DOMAIN:
            await repairs.DestroyLeakedDomain(
                DestroyLeakedDomainRequest(
                    vm_id=repair.vm_id, node_id=repair.node_id, never_heard_of=repair.unknown, reason=reason
                )
            )
        case RepairAction.RELEASE_RESERVATION:
            await repairs.ReleaseLeakedReservation(
                ReleaseLeakedReservationRequest(
                    vm_id=repair.vm_id, node_id=repair.node_id, decision_id=repair.decision_id, reason=reason
                )
            )
        case RepairAction.DELETE_MONITORING:
            await repairs.DeleteLeakedMonitoring(DeleteLeakedMonitoringRequest(vm_id=repair.vm_id, reason=reason))
        case RepairAction.RESTORE_MONITORING:
            await repairs.RestoreMonitoring(RestoreMonitoringRequest(vm_id=repair.vm_id, reason=reason))
