"""Reservations that expired while no saga was left to need them, given back by themselves.

Every saga accounts for what it claimed, through any crash: such a reservation comes of a fault, of an operator who resolved a
saga by hand, or of a database that was restored from a backup. Expiry alone frees nothing. The VM is kept still, and what a
living or stuck saga, a VM, or a domain on the host may still need stays; `novacron audit` shows it.
"""

from __future__ import annotations

from uuid import UUID

from novacron import logs
from novacron.background import Background
from novacron.errors import NovacronError

from .loss_store import NOBODY
from .repair import Order, RepairAction
from .repair_clients import Expired, LeakClient
from .repairs import Repairs

log = logs.logger(__name__)
_SECONDS = 60.0
_RETRY_SECONDS = 10.0
_REASON = "it expired, and neither saga nor VM needs it"


class OrphanSweep:
    """Looks once a minute; any number of replicas do no harm. What it gives back is in the list of repairs."""

    def __init__(self, leaks: LeakClient, repairs: Repairs) -> None:
        self._leaks = leaks
        self._repairs = repairs
        self._background = Background("orphan-sweep", self._turn, retry_seconds=_RETRY_SECONDS)

    async def start(self) -> None:
        await self._background.start()

    async def stop(self) -> None:
        await self._background.stop()

    async def _turn(self) -> float:
        await self.sweep()
        return _SECONDS

    async def sweep(self) -> list[UUID]:
        """The VMs for which something was given back."""
        freed, last = [], None
        while expired := await self._leaks.expired(last):
            freed += [one.vm_id for one in expired if await self._release(one)]
            last = expired[-1]
        return freed

    async def _release(self, one: Expired) -> bool:
        order = Order(RepairAction.RELEASE_RESERVATION, one.vm_id, NOBODY, _REASON, one.node_id)
        try:
            return await self._repairs.release_unneeded(order, one.node_id, one.decision_id)
        except NovacronError as error:  # a node that is gone, an agent that is away: the others do not wait for it
            log.warning("expired reservation kept", vm=str(one.vm_id), error=str(error))
            return False
