"""How a VM leaves this host's libvirt, and how one arrives: streams outside, blocking file work in threads inside."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Set
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from uuid import UUID

from novacron.errors import NovacronError, Unavailable
from novacron_agent.drivers.driver import Domain, DomainSpec
from novacron_agent.drivers.host_arrival import HostArrival
from novacron_agent.drivers.host_storage import HostStorage
from novacron_agent.drivers.hypervisor_link import HypervisorLink
from novacron_agent.drivers.libvirt_host import LibvirtHost
from novacron_agent.drivers.transfer import CHUNK_BYTES, Facts, FileBegins, FileEnds, Piece, verified


async def export(
    link: HypervisorLink, host: LibvirtHost, storage: HostStorage, vm_id: UUID, known: Set[str]
) -> AsyncIterator[Piece]:
    """As the driver's contract has it."""
    created_at, cmdline = await link.call(lambda connection: host.leaving(connection, vm_id))
    yield Facts(json.dumps({"created_at": created_at.isoformat(), "cmdline": cmdline}))
    for path, base_sha256 in await asyncio.to_thread(storage.files, vm_id):
        omitted = base_sha256 in known
        yield FileBegins(path.name, path.stat().st_size, base_sha256, omitted)
        if not omitted:
            async for piece in _contents(path):
                yield piece
    # Had it been started meanwhile, its disk would have changed under the reader.
    await link.call(lambda connection: host.leaving(connection, vm_id))


async def receive(
    link: HypervisorLink, host: LibvirtHost, storage: HostStorage, spec: DomainSpec, pieces: AsyncIterator[Piece]
) -> Domain:
    """As the driver's contract has it; at most one for a VM at a time."""
    existing = await link.call(lambda connection: host.existing(connection, spec))
    if existing is not None:
        return existing
    try:
        arrival = await asyncio.to_thread(HostArrival, storage, spec.vm_id, spec.base_image)
        try:
            facts = await _taken(arrival, pieces)
            files = await asyncio.to_thread(arrival.complete, facts["cmdline"])
            created_at = datetime.fromisoformat(facts["created_at"])
            return await link.call(lambda connection: host.define(connection, spec, files, created_at))
        except BaseException:
            arrival.close()
            # The error that brought us here is the one to tell; what stays now, the next open or try removes.
            with suppress(NovacronError, OSError):
                await link.call(lambda connection: host.remove(connection, spec.vm_id))
            raise
    except OSError as error:
        raise Unavailable(f"this host cannot keep VM {spec.vm_id}: {error.strerror}") from error


async def _taken(arrival: HostArrival, pieces: AsyncIterator[Piece]) -> dict[str, str]:
    facts = {"cmdline": "", "created_at": ""}
    async for piece in verified(pieces):
        match piece:
            case Facts(text):
                facts |= json.loads(text)
            case FileBegins():
                await asyncio.to_thread(arrival.begin, piece)
            case FileEnds():
                await asyncio.to_thread(arrival.end)
            case _:
                await asyncio.to_thread(arrival.write, piece)
    return facts


async def _contents(path: Path) -> AsyncIterator[Piece]:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
            digest.update(chunk)
            yield chunk
    yield FileEnds(digest.hexdigest())
