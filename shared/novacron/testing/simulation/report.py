"""Many seeds, and what to say of them."""

from __future__ import annotations

import gc
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TextIO

from .checker import Violation, check
from .run import Outcome, simulate

# As disasters.py tells of them.
_DISASTERS = ("kill", "freeze", "stop", "the database")


@dataclass(slots=True)
class Tally:
    """What the runs were like: a simulation in which nothing happens proves nothing."""

    seeds: int = 0
    sagas: Counter[str] = field(default_factory=Counter)
    writes: int = 0
    effects: int = 0
    takeovers: int = 0
    disasters: int = 0
    retries: int = 0

    def add(self, outcome: Outcome) -> None:
        self.seeds += 1
        self.sagas.update(str(row.state) for row in outcome.server.tables.rows.values())
        self.writes += len(outcome.server.tables.history)
        self.effects += len(outcome.participants.journal)
        self.takeovers += sum(1 for change in outcome.server.tables.history if change.verb == "claim")
        self.disasters += sum(1 for _, event in outcome.events if event.startswith(_DISASTERS))
        self.retries += sum(outcome.retries.values())

    def __str__(self) -> str:
        sagas = ", ".join(f"{count} {state}" for state, count in sorted(self.sagas.items()))
        return (
            f"{self.seeds} seeds: {sum(self.sagas.values())} sagas ({sagas}), {self.writes} writes, {self.effects} effects, "
            f"{self.takeovers} takeovers, {self.disasters} disasters, {self.retries} operator's retries"
        )


def failures(seeds: Iterable[int], tally: Tally) -> Iterator[tuple[int, list[Violation]]]:
    """Run the seeds; those that broke an invariant, with what they broke."""
    for seed in seeds:
        outcome = simulate(seed)
        tally.add(outcome)
        violations = check(outcome)
        if violations:
            yield seed, violations
        if tally.seeds % 50 == 0:
            gc.collect()  # a run is full of cycles


def replay_command(seed: int) -> str:
    return f"make test-simulation SEED={seed}"


def tell(seed: int, out: TextIO = sys.stdout) -> bool:
    """Replay a seed and write its story, write by write; True: nothing is wrong with it."""
    outcome = simulate(seed)
    lines = [(at, event) for at, event in outcome.events]
    for change in outcome.server.tables.history:
        row = change.after
        done = "".join(f"  {one.step}/{one.operation}#{one.attempt}={one.outcome}" for one in change.done)
        begun = "".join(f"  +{one.step}/{one.operation}#{one.attempt}" for one in change.intents)
        who = f" by {change.owner}" if change.owner else ""
        lines.append(
            (change.real_at, f"{str(row.saga_id)[:8]} {change.verb}{who}: {row.state}, epoch {row.epoch}{done}{begun}")
        )
    for effect in outcome.participants.journal:
        lines.append(
            (effect.at, f"{str(effect.key.saga_id)[:8]} took effect: {effect.key.step}/{effect.key.operation}")
        )
    for at, line in sorted(lines, key=lambda one: one[0]):
        out.write(f"{at:9.3f}  {line}\n")
    violations = check(outcome)
    for violation in violations:
        out.write(f"{violation}\n")
    out.write(f"seed {seed}: {f'{len(violations)} broken' if violations else 'every invariant holds'}\n")
    return not violations
