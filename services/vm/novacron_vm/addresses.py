"""The addresses of guests: a guest has its own some seconds after its create has ended, and the VM's row learns it here."""

from __future__ import annotations

from novacron import logs
from novacron.background import Background
from novacron.errors import NovacronError

from .agents import Agents
from .clients import SchedulerClient
from .store import VmStore

log = logs.logger(__name__)
_SECONDS = 2.0
# A guest that asks for no address by then has none; nobody asks for it for ever.
_PATIENCE_SECONDS = 600


class AddressKeeper:
    """Asks the agents of running VMs without an address, until they know one. Any number of replicas do no harm."""

    def __init__(self, store: VmStore, scheduler: SchedulerClient, agents: Agents) -> None:
        self._store = store
        self._scheduler = scheduler
        self._agents = agents
        self._background = Background("addresses", self._turn, retry_seconds=_SECONDS)

    async def start(self) -> None:
        await self._background.start()

    async def stop(self) -> None:
        await self._background.stop()

    async def _turn(self) -> float:
        await self.look_once()
        return _SECONDS

    async def look_once(self) -> int:
        """Ask for every address that is missing; returns how many were found."""
        found = 0
        for vm_id, node_id in await self._store.without_address(_PATIENCE_SECONDS):
            try:
                address = await self._agents.address(await self._scheduler.place(node_id), vm_id)
            except NovacronError as error:
                log.debug("address not known", vm_id=str(vm_id), reason=error.reason)
                continue
            if address:
                await self._store.set_address(vm_id, address)
                found += 1
        return found
