"""Carrying out a proposal: so many moves at a time, each of which may fail alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from novacron.api.vm.v1 import GetVmRequest, MoveVmRequest, Vm
from novacron.errors import NovacronError, WrongState
from novacron.ids import new_id
from novacron_cli.connection import Connection
from novacron_cli.output import say
from novacron_cli.progress import Progress
from novacron_cli.settle import settle


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one move."""

    vm_id: str
    name: str
    source: str
    target: str
    moved: bool
    why: str = ""


class _Silent(Progress):
    """Tells nothing: the steps of many sagas at once would be a heap of lines without their VMs."""

    def saga(self, saga: Any) -> None:
        pass

    def transition(self, event: Any) -> None:
        pass

    def notice(self, text: str) -> None:
        pass


async def names_of(connection: Connection, vm_ids: Iterable[str]) -> dict[str, str]:
    """Names by id, of those VMs that this user may read."""
    names = {}
    for vm_id in vm_ids:
        try:
            names[vm_id] = (await connection.vms.GetVm(GetVmRequest(vm_id=vm_id))).name
        except NovacronError:
            continue  # its id does as well
    return names


async def carry_out(connection: Connection, moves: Sequence[Any], parallel: int, grace: int | None) -> list[Outcome]:
    """Each move, ``parallel`` at a time, in their order; a move that fails holds up no other."""
    turns = asyncio.Semaphore(parallel)

    async def one(move: Any) -> Outcome:
        async with turns:
            return await _moved(connection, move, grace)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(move)) for move in moves]
    return [task.result() for task in tasks]


async def _moved(connection: Connection, move: Any, grace: int | None) -> Outcome:
    where = (move.source_node_name, move.target_node_name)
    name = move.vm_id
    try:
        vm = await connection.vms.GetVm(GetVmRequest(vm_id=move.vm_id))
        name = vm.name
        if vm.node_id != move.source_node_id:  # what was told of it is not true any more
            raise WrongState(f"it is not on {move.source_node_name} any more")
        say(f"moving {name} from {move.source_node_name} to {move.target_node_name}")
        settled = await settle(connection, await _asked(connection, move, grace), _Silent(name))
        if not settled.succeeded or settled.vm.node_id != move.target_node_id:
            raise settled.failure()
    except NovacronError as error:
        say(f"{name}: {error.message}")
        return Outcome(move.vm_id, name, *where, moved=False, why=error.message.splitlines()[0])
    return Outcome(move.vm_id, name, *where, moved=True)


async def _asked(connection: Connection, move: Any, grace: int | None) -> Vm:
    request = MoveVmRequest(
        vm_id=move.vm_id,
        node=move.target_node_id,
        grace_seconds=grace,
        request_id=str(new_id()),
        return_immediately=True,
    )
    vm: Vm = await connection.vms.MoveVm(request)
    return vm
