"""Sagas of every shape: read, compensatable, pivot and retriable steps, side by side or not, with and without local effects."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, make_dataclass
from functools import lru_cache
from typing import Any

from ...saga.definition import Context, Kind, Parallel, RetryPolicy, Saga, Step

SHAPES = 64
_MOST_STEPS = 8
_BEFORE_PIVOT = (Kind.READ, Kind.COMPENSATABLE)


@dataclass(frozen=True)
class Params:
    """What a request asks for."""

    word: str


# A step's typed result; each step of a saga has its own.
OUTPUTS: tuple[type, ...] = tuple(
    make_dataclass(f"Made{number}", [("token", int)], frozen=True) for number in range(_MOST_STEPS)
)


@lru_cache(maxsize=1)
def all_shapes() -> tuple[Saga[Params], ...]:
    """The same sagas in every run."""
    return tuple(_define(number, random.Random(number)) for number in range(SHAPES))  # noqa: S311 - no secret


def changing_steps(saga: Saga[Any]) -> Iterator[Step]:
    """Those that make something at a participant."""
    return (step for step in saga if step.kind is not Kind.READ)


def _define(number: int, rng: random.Random) -> Saga[Params]:
    kinds = [rng.choice((Kind.COMPENSATABLE,) * 4 + (Kind.READ,)) for _ in range(rng.randint(1, 4))]
    if rng.random() < 0.4:
        kinds.append(Kind.PIVOT)
    kinds += [Kind.RETRIABLE] * rng.choice((0, 0, 1, 1, 2))
    steps = [_step(index, kind, rng) for index, kind in enumerate(kinds)]
    return Saga(
        name=f"shape-{number}",
        version=rng.randint(1, 3),
        params=Params,
        steps=tuple(_grouped(steps, rng)),
        deadline_seconds=rng.choice((600.0, 600.0, 4.0, 15.0)),
        on_compensated=_noting("compensated") if rng.random() < 0.6 else None,
        on_stuck=_noting("stuck"),
    )


def _step(index: int, kind: Kind, rng: random.Random) -> Step:
    name = f"step-{index}"
    return Step(
        name,
        kind,
        _call,
        _call if kind is Kind.COMPENSATABLE else None,
        output=OUTPUTS[index] if rng.random() < 0.5 else None,
        local=_noting(name) if rng.random() < 0.4 else None,
        timeout_seconds=rng.choice((0.5, 1.0, 2.0)),
        retry=RetryPolicy(attempts=rng.randint(2, 4), first_seconds=0.05, most_seconds=0.5),
        compensation_retry=RetryPolicy(attempts=rng.randint(3, 6), first_seconds=0.05, most_seconds=1.0),
    )


def _grouped(steps: list[Step], rng: random.Random) -> Iterator[Step | Parallel]:
    """Some neighbours side by side; the pivot stands alone."""
    while steps:
        first = steps.pop(0)
        group = [first]
        while steps and rng.random() < 0.35 and (steps[0].kind in _BEFORE_PIVOT) == (first.kind in _BEFORE_PIVOT):
            if Kind.PIVOT in (first.kind, steps[0].kind):
                break
            group.append(steps.pop(0))
        yield Parallel(*group) if len(group) > 1 else first


async def _call(context: Context[Params]) -> Any:
    return await context.services.call(context)


def _noting(what: str) -> Any:
    """A local effect: one more row of the owner's own, in the saga's commit."""

    async def local(connection: Any, context: Context[Params], _: Any) -> None:
        connection.note(context.saga_id, what)

    return local
