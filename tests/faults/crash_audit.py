"""The auditor of the small world: reads both databases and tells each broken invariant, by its number in the saga's design.

It knows nothing of what was done to the processes, so it serves every disturbance alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from novacron.db import Database

from .crash_world import STEPS

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Evidence:
    """Everything that is known of one saga."""

    saga_id: UUID
    state: str | None  # None: it never began
    vm: Row | None  # state, number of changes
    attempts: list[Row]  # step, operation, attempt, outcome, epoch: as they finished
    history: list[Row]  # what, state, epoch, writer, transaction: as it was written
    effects: list[tuple[str, str]]  # step, operation: as they were made
    held: set[str]

    def broken(self) -> list[str]:
        found = [*self._whole_or_nothing(), *self._once(), *self._order(), *self._log(), *self._fence()]
        return [f"saga {self.saga_id}: {one}" for one in found]

    def _whole_or_nothing(self) -> Iterator[str]:
        wanted = {
            "succeeded": (set(STEPS), ("running", 1)),
            "compensated": (set(), ("error", 1)),
            None: (set(), None),
        }
        if self.state not in wanted:
            yield f"1: it is {self.state}"
            return
        held, vm = wanted[self.state]
        if self.held != held:
            yield f"2, 3: it is {self.state}, and holds {sorted(self.held)}"
        if self.vm != vm:
            yield f"1: it is {self.state}, and its VM is {self.vm}"
        if self.state == "succeeded" and any(operation == "compensation" for _, operation in self.effects):
            yield "2, 3: it succeeded, and something was undone"

    def _once(self) -> Iterator[str]:
        for (step, operation), times in Counter(self.effects).items():
            if times > 1:
                yield f"7: {step}/{operation} took effect {times} times"
        for step, operation in self.effects:
            undone = (step, "compensation")
            if operation == "action" and undone in self.effects[: self.effects.index((step, "action"))]:
                yield f"7: {step} took effect after its compensation"

    def _order(self) -> Iterator[str]:
        done = [step for step, operation in self.effects if operation == "action"]
        undone = [step for step, operation in self.effects if operation == "compensation"]
        if undone != [step for step in reversed(done) if step in undone]:
            yield f"8: done {done}, undone {undone}"

    def _log(self) -> Iterator[str]:
        numbers: dict[tuple[str, str], list[int]] = {}
        for step, operation, attempt, outcome, _ in self.attempts:
            numbers.setdefault((step, operation), []).append(attempt)
            if outcome == "started":
                yield f"9: {step}/{operation} {attempt} has no outcome, and the saga is over"
        for which, seen in numbers.items():
            if sorted(seen) != list(range(1, len(seen) + 1)):
                yield f"9: attempts of {'/'.join(which)} are {seen}"
        finished = {(step, operation) for step, operation, _, outcome, _ in self.attempts if outcome == "ok"}
        for missing in set(self.effects) - {(step, operation) for step, operation, *_ in self.attempts}:
            yield f"9: {'/'.join(missing)} took effect without an intent"
        for extra in {one for one in finished if one[1] == "action"} - set(self.effects):
            yield f"9: {'/'.join(extra)} is ok in the log, and never took effect"

    def _fence(self) -> Iterator[str]:
        epochs = [epoch for _, _, epoch, _, _ in self.history]
        if epochs != sorted(epochs):
            yield f"9: epochs went {epochs}"
        ended_in = None
        for what, state, epoch, writer, transaction in self.history:
            if ended_in not in (None, transaction):
                yield f"9: {writer} wrote {what} when the saga was over"
            # The process that was disturbed only ever owned epoch 1.
            if writer == "worker" and epoch > 1:
                yield f"9: the worker of epoch 1 wrote {what} in epoch {epoch}"
            if what == "saga" and state in ("succeeded", "compensated"):
                ended_in = transaction


async def audit(owner: Database, participants: Database, saga_id: UUID) -> list[str]:
    """Each broken invariant of this saga as a sentence."""

    async def read(database: Database, query: str) -> list[Row]:
        async with database.connection() as connection:
            return await (await connection.execute(query, (saga_id,))).fetchall()

    saga = await read(owner, "SELECT state FROM saga WHERE saga_id = %s")
    vm = await read(owner, "SELECT state, changes FROM vm WHERE vm_id = %s")
    steps = "SELECT step, operation, attempt, outcome, epoch FROM saga_step WHERE saga_id = %s ORDER BY finished_at"
    history = "SELECT what, state, epoch, writer, written_in::text FROM history WHERE saga_id = %s ORDER BY sequence"
    effects = "SELECT step, operation FROM effect WHERE saga_id = %s ORDER BY sequence"
    held = await read(participants, "SELECT step FROM held WHERE saga_id = %s")
    return Evidence(
        saga_id,
        saga[0][0] if saga else None,
        vm[0] if vm else None,
        await read(owner, steps),
        await read(owner, history),
        [(step, operation) for step, operation in await read(participants, effects)],
        {row[0] for row in held},
    ).broken()
