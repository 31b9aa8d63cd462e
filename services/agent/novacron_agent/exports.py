"""Who may fetch what: a VM leaves this host only for the one that the vm service named when it switched the VM off.

Without it any host whose agent has a certificate could read the disk of any VM that is off. Kept beside the domains, so that an
agent that is restarted amid a move still knows.
"""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from novacron.errors import PermissionDenied

from .drivers.journal import Journal


class Exports:
    """The moves that were announced to this host: VM to the name of the node that may fetch it."""

    def __init__(self, path: Path) -> None:
        self._journal = Journal(path)
        self._to: dict[str, str] = {}

    async def open(self) -> None:
        self._to = {vm_id: note["node"] for vm_id, note in (await self._journal.open()).items()}

    async def close(self) -> None:
        await self._journal.close()

    async def allow(self, vm_id: UUID, node: str) -> None:
        if self._to.get(str(vm_id)) != node:
            await self._journal.put(str(vm_id), {"node": node})
            self._to[str(vm_id)] = node

    async def withdraw(self, vm_id: UUID) -> None:
        """Nobody may fetch it any more: it runs here again, or is gone."""
        if str(vm_id) in self._to:
            await self._journal.drop(str(vm_id))
            del self._to[str(vm_id)]

    def require(self, vm_id: UUID, node: str) -> None:
        """:raises PermissionDenied: the VM is not on its way to that node, be it here or not."""
        if not node or self._to.get(str(vm_id)) != node:
            raise PermissionDenied(
                f"VM {vm_id} is not being moved from here to the node {node}: novacron vm move does that"
            )
