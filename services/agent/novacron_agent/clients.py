"""The agents of other hosts, as plain methods."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from uuid import UUID

from novacron.api.agent.v1 import AgentServiceStub, ExportVmRequest
from novacron.errors import Unavailable
from novacron.foundation import Mesh

from . import messages
from .drivers.transfer import Piece


class Peers:
    """Every other agent, by its address."""

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh

    async def export(self, address: str, vm_id: UUID, known: Iterable[str]) -> AsyncIterator[Piece]:
        """What that host has of a VM, without the base files whose digests are known here.

        :raises NotFound: it has nothing of it. :raises FailedPrecondition: the VM runs there.
        :raises Unavailable: the stream broke off; what came of it is of no use.
        """
        agent = AgentServiceStub(self._mesh.to(f"agent {address}", address))
        async for message in agent.ExportVm(ExportVmRequest(vm_id=str(vm_id), known=known)):
            if message.complete:
                return
            yield messages.piece_from_proto(message)
        raise Unavailable(f"the copy of VM {vm_id} from {address} broke off: it is begun anew")
