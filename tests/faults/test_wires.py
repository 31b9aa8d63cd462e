"""Every fault of a wire on every wire of a house: what users are told meanwhile, and that it is whole afterwards.

The default run takes a few cells of the matrix, `make test-faults` all of them and prints the table.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import grpc
import pytest

from novacron.api.vm.v1 import VM_STATE_DELETED, VM_STATE_RUNNING, CreateVmRequest, DeleteVmRequest, Vm, VmSpec
from novacron.errors import NovacronError
from novacron.testing.servers import Servers
from novacron.testing.toxics import Bandwidth, Cut, Direction, Down, HalfOpen, Latency, Reset, Toxic

from .whole import Whole, whole_within
from .wired_house import WiredHouse, wired_house

pytestmark = pytest.mark.faults
TOXICS: dict[str, tuple[Toxic, Direction | None]] = {
    "latency": (Latency(0.15), None),
    "jitter": (Latency(0.1, jitter=0.1), None),
    "down": (Down(), None),
    "reset": (Reset(), None),
    "half-open": (HalfOpen(), None),
    "answers lost": (HalfOpen(), Direction.TO_CLIENT),
    "slow": (Bandwidth(20_000), None),
    "cut": (Cut(6_000), None),
}
WIRES = ("scheduler", "agent/n1", "monitoring", "user", "postgres of vm", "postgres of scheduler")
SAMPLE = {("scheduler", "answers lost"), ("agent/n1", "reset"), ("postgres of vm", "cut")}
CELLS = [
    pytest.param(wire, toxic, marks=() if (wire, toxic) in SAMPLE else pytest.mark.faults_all)
    for wire in WIRES
    for toxic in TOXICS
]
DEADLINE = 3.0
# What a busy machine needs to say that the time is over.
GRACE = 5.0
# What nobody could act on.
UNEXPLAINED = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}


@dataclass
class Cell:
    """What came of one fault on one wire."""

    wire: str
    toxic: str
    answers: list[str] = field(default_factory=list)
    longest: float = 0.0
    whole_after: float = 0.0

    def __str__(self) -> str:
        told = ", ".join(f"{self.answers.count(one)} {one}" for one in sorted(set(self.answers)))
        return f"{self.wire:<22} {self.toxic:<13} {self.longest:7.2f} s {self.whole_after:8.2f} s   {told}"


@pytest.fixture(scope="module")
def table(request: pytest.FixtureRequest) -> Iterator[list[Cell]]:
    cells: list[Cell] = []
    yield cells
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f"\n{'wire':<22} {'fault':<13} {'longest':>9} {'whole after':>10}   answers")
        print("\n".join(map(str, cells)))


@pytest.fixture
async def wired(servers: Servers, new_database_url: Callable[..., str], tmp_path: Path) -> AsyncIterator[WiredHouse]:
    async with wired_house(servers, new_database_url, tmp_path) as made:
        yield made


def creates(count: int) -> list[CreateVmRequest]:
    spec = VmSpec(cpu_cores=1, memory_mib=128, storage_gib=1, base_image="novacron-guest")
    ids = [uuid4() for _ in range(count)]
    return [CreateVmRequest(vm_id=str(one), name=f"vm-{one.hex[:12]}", spec=spec) for one in ids]


async def ask(wired: WiredHouse, request: Any, cell: Cell) -> Vm | None:
    """The answer; None for a typed refusal. Neither may come late, and no refusal may be unexplained."""
    house = wired.house
    stub = house.vms()
    method = stub.CreateVm if isinstance(request, CreateVmRequest) else stub.DeleteVm
    began = time.monotonic()
    try:
        async with asyncio.timeout(DEADLINE + GRACE):
            answer: Vm = await method(request, timeout=DEADLINE)
    except NovacronError as error:
        assert error.code not in UNEXPLAINED, error  # noqa: PT017 - or it was answered
        cell.answers.append(error.code.name)
        return None
    else:
        cell.answers.append("OK")
        return answer
    finally:
        cell.longest = max(cell.longest, time.monotonic() - began)


def agrees(whole: Whole, answers: dict[str, Vm | None]) -> None:
    """What a user was told of a VM's end holds."""
    states = {vm["id"]: vm["state"] for vm in whole.vms}
    for vm_id, answer in answers.items():
        if answer is None or answer.saga_id:  # something still works on it
            continue
        if answer.state == VM_STATE_RUNNING:
            assert states[UUID(vm_id)] == "running"
        if answer.state == VM_STATE_DELETED:
            assert states[UUID(vm_id)] == "deleted"


@pytest.mark.parametrize(("wire", "toxic"), CELLS)
async def test_a_fault_on_any_wire_is_answered_in_time_and_leaves_everything_whole(
    wired: WiredHouse, table: list[Cell], wire: str, toxic: str
):
    cell = Cell(wire, toxic)
    table.append(cell)
    kept, doomed = [await wired.house.create() for _ in range(2)], [await wired.house.create() for _ in range(2)]
    wanted: list[Any] = [*creates(3), *(DeleteVmRequest(vm_id=vm.vm_id) for vm in doomed)]
    fault, direction = TOXICS[toxic]
    with wired.wires[wire].suffering(fault, direction):
        answers = await asyncio.gather(*(ask(wired, request, cell) for request in wanted))
    began = time.monotonic()
    whole = await whole_within(60, wired.look)
    cell.whole_after = time.monotonic() - began
    agrees(whole, {request.vm_id: answer for request, answer in zip(wanted, answers, strict=True)})
    assert {UUID(vm.vm_id) for vm in kept} <= whole.live.keys()

    # The same requests again, now that nothing is wrong, are the same VMs: none is made or deleted twice.
    again = Cell(wire, toxic)
    async with asyncio.timeout(60):
        while {"UNAVAILABLE"} & set(again.answers) or not again.answers:
            again.answers.clear()
            answers = await asyncio.gather(*(ask(wired, request, again) for request in wanted))
    assert set(again.answers) <= {"OK", "FAILED_PRECONDITION"}, again.answers
    whole = await whole_within(20, wired.look)
    agrees(whole, {request.vm_id: answer for request, answer in zip(wanted, answers, strict=True)})
    assert not {UUID(vm.vm_id) for vm in doomed} & whole.live.keys()
