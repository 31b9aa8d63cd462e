"""A TCP proxy that does to a wire whatever a test says, while connections live.

    async with FaultProxy("127.0.0.1", port, seed=7) as wire:
        client = connect(wire.address)
        with wire.suffering(Latency(0.2, jitter=0.1), Direction.TO_CLIENT):
            ...                                     # answers come late
        slow = wire.add(Bandwidth(1024))            # both ways
        slow.change(Bandwidth(64))                  # the connections that there are feel it at once
        slow.remove()

Real processes on both sides know nothing of it: give one its address in the place of the other's. What is random (jitter) is
drawn from the seed, the connection's number and the direction; so the n-th piece of the n-th connection meets the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from ..embedded.process import free_port
from ..ending import end
from .toxics import Bandwidth, Cut, Direction, Down, HalfOpen, Latency, Reset, Toxic

T = TypeVar("T", bound=Toxic)
_PIECE = 16 * 1024
# Pieces under way in one direction; more are not read, so that a slow side is felt on the other.
_UNDER_WAY = 64
# A slow wire trickles in so many pieces a second, or it would stand still and then jump.
_TRICKLES = 20
_RESET = struct.pack("ii", 1, 0)
_END = b""


def draws(seed: int, number: int, direction: Direction) -> Random:
    """What is random in one direction of the ``number``-th connection."""
    return Random(f"{seed}/{number}/{direction}")  # noqa: S311 - no secret


@dataclass(eq=False, slots=True)
class Dose:
    """One toxic on one proxy."""

    proxy: FaultProxy
    toxic: Toxic
    directions: frozenset[Direction]

    def change(self, toxic: Toxic) -> None:
        """Another one in its place, felt at once."""
        self.toxic = toxic
        self.proxy.changed()

    def remove(self) -> None:
        """Take it away; a second time does nothing."""
        self.proxy.remove(self)


class FaultProxy:
    """Listens on a port of its own and carries every connection to ``host:port``."""

    def __init__(self, host: str, port: int, *, seed: int = 0, listen_port: int = 0) -> None:
        self.seed = seed
        self.accepted = 0
        self._target = (host, port)
        # Bound by its number: a socket that had it given by the kernel would lose it when it stops listening.
        self._listen_port = listen_port or free_port()
        self._doses: list[Dose] = []
        self._wires: dict[asyncio.Task[None], _Wire] = {}
        self._change = asyncio.Event()
        self._listener = socket.socket()
        self._listening = False

    @property
    def port(self) -> int:
        return self._listen_port

    @property
    def address(self) -> str:
        """``localhost:port``, for which the services' certificates stand too."""
        return f"localhost:{self.port}"

    @property
    def connections(self) -> int:
        """How many live."""
        return len(self._wires)

    async def __aenter__(self) -> FaultProxy:
        self._listener.setblocking(False)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", self._listen_port))
        self._listen(not self._has(Down))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listen(False)
        self._listener.close()
        await end(self._wires)

    def add(self, toxic: Toxic, direction: Direction | None = None) -> Dose:
        """From now on this is wrong: in one direction, or in both."""
        dose = Dose(self, toxic, frozenset(Direction) if direction is None else frozenset({direction}))
        self._doses.append(dose)
        self.changed()
        return dose

    def remove(self, dose: Dose) -> None:
        if dose in self._doses:
            self._doses.remove(dose)
            self.changed()

    def heal(self) -> None:
        """Nothing is wrong any more."""
        self._doses.clear()
        self.changed()

    @contextlib.contextmanager
    def suffering(self, toxic: Toxic, direction: Direction | None = None) -> Iterator[Dose]:
        """This is wrong for the length of the block."""
        dose = self.add(toxic, direction)
        try:
            yield dose
        finally:
            dose.remove()

    def doses(self, kind: type[T], direction: Direction) -> list[tuple[Dose, T]]:
        """What of this kind is wrong now in this direction."""
        return [
            (dose, dose.toxic) for dose in self._doses if isinstance(dose.toxic, kind) and direction in dose.directions
        ]

    def changed(self) -> None:
        """Make every connection look again at what is wrong."""
        change, self._change = self._change, asyncio.Event()
        change.set()
        self._listen(not self._has(Down))
        for wire in tuple(self._wires.values()):
            if self._has(Reset) or (wire.lost and not any(self.doses(HalfOpen, way) for way in Direction)):
                wire.end(reset=True)
            elif self._has(Down):
                wire.end()

    async def until_changed(self, seconds: float) -> None:
        """Wait so long, or until something is added, changed or removed."""
        if seconds > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._change.wait(), seconds)

    def _has(self, kind: type[Toxic]) -> bool:
        return any(isinstance(dose.toxic, kind) for dose in self._doses)

    def _listen(self, wanted: bool) -> None:
        """Listen or do not; the port stays ours in either case."""
        if wanted and not self._listening:
            self._listener.listen(128)
            asyncio.get_running_loop().add_reader(self._listener, self._accept)
        elif self._listening and not wanted:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listening = wanted

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            client, _ = self._listener.accept()
            client.setblocking(False)
            wire = _Wire(self, self.accepted, client)
            self.accepted += 1
            if self._has(Reset):
                wire.end(reset=True)
                wire.close()
                return
            task = asyncio.create_task(wire.carry(self._target), name=f"wire {wire.number}")
            self._wires[task] = wire
            task.add_done_callback(self._carried)

    def _carried(self, task: asyncio.Task[None]) -> None:
        wire = self._wires.pop(task)
        wire.end()
        wire.close()


class _Wire:
    """One connection through the proxy: two pumps."""

    def __init__(self, proxy: FaultProxy, number: int, client: socket.socket) -> None:
        self.number = number
        self.lost = False  # whether bytes were swallowed
        self._proxy = proxy
        self._client = client
        self._server = socket.socket()
        self._server.setblocking(False)
        self._ended = asyncio.Event()

    def end(self, *, reset: bool = False) -> None:
        """End it on both sides, the first time."""
        if self._ended.is_set():
            return
        self._ended.set()
        for side in (self._client, self._server):
            if reset:
                with contextlib.suppress(OSError):
                    side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            else:  # what was written still arrives, and then the end
                with contextlib.suppress(OSError):
                    side.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        for side in (self._client, self._server):
            side.close()

    async def carry(self, target: tuple[str, int]) -> None:
        """Carry bytes until it has ended."""
        pumps = asyncio.create_task(self._both_ways(target))
        ended = asyncio.create_task(self._ended.wait())
        try:
            await asyncio.wait((pumps, ended), return_when=asyncio.FIRST_COMPLETED)
            if pumps.done() and pumps.exception() is not None:
                self.end(reset=True)  # one side was reset, or does not listen
        finally:
            await end((pumps, ended))

    async def _both_ways(self, target: tuple[str, int]) -> None:
        while self._proxy.doses(HalfOpen, Direction.TO_SERVER):
            # Whoever swallows what it is sent does not go and tell the server that somebody is there.
            self.lost = True
            await self._proxy.until_changed(3600)
        await asyncio.get_running_loop().sock_connect(self._server, target)
        for side in (self._client, self._server):
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        async with asyncio.TaskGroup() as pumps:
            pumps.create_task(_Pump(self, self._proxy, Direction.TO_SERVER, self._client, self._server).run())
            pumps.create_task(_Pump(self, self._proxy, Direction.TO_CLIENT, self._server, self._client).run())


@dataclass(slots=True)
class _Pump:
    """One direction of one wire: reads as fast as it may, delivers when it is time."""

    wire: _Wire
    proxy: FaultProxy
    direction: Direction
    source: socket.socket
    sink: socket.socket
    passed: int = 0
    lost: bool = False
    begun: dict[Dose, int] = field(default_factory=dict)  # how much had passed when a cut was first met

    async def run(self) -> None:
        # When each piece was read, its draw of the jitter, the piece.
        pieces: asyncio.Queue[tuple[float, float, bytes]] = asyncio.Queue(_UNDER_WAY)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._read(pieces))
            tasks.create_task(self._deliver(pieces))

    async def _read(self, pieces: asyncio.Queue[tuple[float, float, bytes]]) -> None:
        random = draws(self.proxy.seed, self.wire.number, self.direction)
        loop = asyncio.get_running_loop()
        piece = b"?"
        while piece != _END:
            rate = self._rate()
            piece = await loop.sock_recv(self.source, _PIECE if rate is None else max(1, int(rate / _TRICKLES)))
            began = time.monotonic()
            while (rate := self._rate()) is not None and (left := began + len(piece) / rate - time.monotonic()) > 0:
                await self.proxy.until_changed(left)
            await pieces.put((time.monotonic(), random.uniform(-1, 1), piece))

    async def _deliver(self, pieces: asyncio.Queue[tuple[float, float, bytes]]) -> None:
        loop = asyncio.get_running_loop()
        piece = b"?"
        while piece != _END:
            read, draw, piece = await pieces.get()
            while (left := read + self._late(draw) - time.monotonic()) > 0:
                await self.proxy.until_changed(left)
            # Behind what was lost nothing may pass: not even what was read before the wire is reset.
            if self.lost or self.proxy.doses(HalfOpen, self.direction):
                self.lost = self.wire.lost = True
            elif piece == _END:
                self.sink.shutdown(socket.SHUT_WR)
            else:
                room = self._room()
                await loop.sock_sendall(self.sink, piece[:room])
                self.passed += len(piece)
                if room is not None and len(piece) >= room:
                    self.wire.end()

    def _rate(self) -> float | None:
        rates = [slow.bytes_per_second for _, slow in self.proxy.doses(Bandwidth, self.direction)]
        return min(rates, default=None)

    def _late(self, draw: float) -> float:
        return sum(late.seconds + draw * late.jitter for _, late in self.proxy.doses(Latency, self.direction))

    def _room(self) -> int | None:
        """How many bytes may still pass; None: any number."""
        rooms = []
        for dose, cut in self.proxy.doses(Cut, self.direction):
            begun = self.begun.setdefault(dose, self.passed)
            rooms.append(max(0, begun + cut.after_bytes - self.passed))
        return min(rooms, default=None)
