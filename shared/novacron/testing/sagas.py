"""Break a saga at each of its steps, and repeat each of them, against real participants: two lines a saga in a test.

    await fail_at_every_step(CREATE_VM, disturbed, create_one, nothing_is_left)
    await repeat_every_step(CREATE_VM, disturbed, create_one, nothing_is_left)

``disturbed`` is made of the service's sagas, and its ``sagas`` are given to the coordinator in their place: the same names,
versions and steps, with retries that do not dawdle. ``create_one`` begins one saga and returns its record at the end;
``nothing_is_left`` fails when something is that should not be.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

from ..errors import FailedPrecondition, StepCompensated, Unavailable
from ..saga.definition import Action, Context, Kind, Parallel, RetryPolicy, Saga, Step
from ..saga.key import Operation, SagaKey, current_key, set_current_key
from ..saga.record import Record, SagaState

Happening = Literal[
    "is refused",  # before its effect
    "loses its request",  # the caller cannot know that nothing was done
    "loses its answer",  # done, but the caller is told an error
    "is sent twice",  # under one key: one effect, one answer
    "arrives after its compensation",  # and has to be refused, or it leaks what it makes
]
Run = Callable[[], Awaitable[Record]]
Check = Callable[[], Awaitable[None]]

_ONCE, _ALWAYS = 1, 1_000
_QUICK = RetryPolicy(attempts=8, first_seconds=0.001, most_seconds=0.01)
_TURNS_BACK = RetryPolicy(attempts=3, first_seconds=0.001, most_seconds=0.01)


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What happens to one operation of one step, and how often."""

    step: str
    operation: Operation
    happening: Happening
    times: int = _ONCE

    def __str__(self) -> str:
        return f"{self.step}/{self.operation} {self.happening}" + (" each time" if self.times == _ALWAYS else "")


@dataclass(frozen=True, slots=True)
class Case:
    """Disturbances of one run, and the state in which the saga must end all the same."""

    disturbances: tuple[Disturbance, ...]
    ends: SagaState

    def __str__(self) -> str:
        return " and ".join(map(str, self.disturbances))


async def fail_at_every_step(saga: Saga[Any], disturbed: Disturbed, run: Run, check: Check) -> int:
    """Each operation of each step refused, its request lost, its answer lost: once, and for good. Returns how many runs."""
    return await _run_all(saga, disturbed, failures(saga), run, check)


async def repeat_every_step(saga: Saga[Any], disturbed: Disturbed, run: Run, check: Check) -> int:
    """Each operation of each step sent twice, and each action that can be undone arriving after its undoing."""
    return await _run_all(saga, disturbed, repetitions(saga), run, check)


def failures(saga: Saga[Any]) -> Iterator[Case]:
    for step in _acting(saga):
        yield Case((Disturbance(step.name, "action", "loses its request"),), SagaState.SUCCEEDED)
        yield Case((Disturbance(step.name, "action", "loses its answer"),), SagaState.SUCCEEDED)
        # What cannot be refused for good is repeated; everything else turns the saga back.
        refused = SagaState.SUCCEEDED if step.kind is Kind.RETRIABLE else SagaState.COMPENSATED
        yield Case((Disturbance(step.name, "action", "is refused"),), refused)
        if step.kind is Kind.COMPENSATABLE:
            yield Case((_unknown(step),), SagaState.COMPENSATED)
        if step.compensation is not None:
            for happening in ("is refused", "loses its request", "loses its answer"):
                undone = Disturbance(step.name, "compensation", happening)
                yield Case((_unknown(step), undone), SagaState.COMPENSATED)


def repetitions(saga: Saga[Any]) -> Iterator[Case]:
    for step in _acting(saga):
        yield Case((Disturbance(step.name, "action", "is sent twice"),), SagaState.SUCCEEDED)
        if step.compensation is not None:
            twice = Disturbance(step.name, "compensation", "is sent twice")
            yield Case((_unknown(step), twice), SagaState.COMPENSATED)
            late = Disturbance(step.name, "action", "arrives after its compensation", _ALWAYS)
            yield Case((late,), SagaState.COMPENSATED)


def _acting(saga: Saga[Any]) -> Iterator[Step]:
    return (step for step in saga if step.action is not None)


def _unknown(step: Step) -> Disturbance:
    """Takes effect, and is believed not to know it until the saga turns back: so the step has something to undo."""
    return Disturbance(step.name, "action", "loses its answer", _ALWAYS)


async def _run_all(saga: Saga[Any], disturbed: Disturbed, cases: Iterable[Case], run: Run, check: Check) -> int:
    count = 0
    for case in cases:
        count += 1
        disturbed.expect(saga, case)
        try:
            record = await run()
            disturbed.verify()
            assert record.state is case.ends, f"ended {record.state} ({record.error}) and not {case.ends}"
            await check()
        except BaseException as error:
            error.add_note(f"in {saga.name}, when {case}")
            raise
        finally:
            disturbed.calm()
    assert count, f"{saga.name} has no step that acts on anybody"
    return count


class Disturbed:
    """Sagas whose steps do what a test says. Undisturbed they are what they were, but for shorter pauses."""

    def __init__(self, sagas: Iterable[Saga[Any]]) -> None:
        self.sagas = tuple(self._over(saga) for saga in sagas)
        self._saga = ""
        self._left: dict[tuple[str, Operation], tuple[Happening, int]] = {}
        self._untouched: set[tuple[str, Operation]] = set()
        self._late: dict[str, Callable[[], Awaitable[None]]] = {}
        self._broken: list[str] = []

    def expect(self, saga: Saga[Any], case: Case) -> None:
        """From now on this happens to sagas of this name."""
        self._saga = saga.name
        self._left = {(one.step, one.operation): (one.happening, one.times) for one in case.disturbances}
        self._untouched = set(self._left)

    def calm(self) -> None:
        self._saga, self._left, self._untouched = "", {}, set()
        self._late.clear()
        self._broken.clear()

    @contextmanager
    def spared(self) -> Iterator[None]:
        """In this block nothing happens to sagas: what a run needs is made in it."""
        saga, self._saga = self._saga, ""
        try:
            yield
        finally:
            self._saga = saga

    def verify(self) -> None:
        """:raises AssertionError: a participant did something twice or too late, or a disturbance never came about."""
        assert not self._broken, "; ".join(self._broken)
        assert not self._untouched, f"never came to {self._untouched}: the run proves nothing"
        assert not self._late, f"never undone: {', '.join(self._late)}"

    def _over(self, saga: Saga[Any]) -> Saga[Any]:
        steps = tuple(
            Parallel(*(self._step(saga.name, step) for step in one.steps))
            if isinstance(one, Parallel)
            else self._step(saga.name, one)
            for one in saga.steps
        )
        return replace(saga, steps=steps)

    def _step(self, saga: str, step: Step) -> Step:
        return replace(
            step,
            action=self._wrapped(saga, step, "action", step.action),
            compensation=self._wrapped(saga, step, "compensation", step.compensation),
            retry=_TURNS_BACK if step.kind in (Kind.COMPENSATABLE, Kind.READ) else _QUICK,
            compensation_retry=_QUICK,
        )

    def _wrapped(self, saga: str, step: Step, operation: Operation, function: Action | None) -> Action | None:
        if function is None:
            return None

        async def disturbed(context: Context[Any]) -> Any:
            happening = self._take(saga, step.name, operation)
            if happening is None:
                result = await function(context)
            else:
                result = await self._happen(happening, step, function, context)
            if operation == "compensation" and (late := self._late.pop(step.name, None)) is not None:
                await late()
            return result

        return disturbed

    def _take(self, saga: str, step: str, operation: Operation) -> Happening | None:
        if saga != self._saga or (step, operation) not in self._left:
            return None
        happening, times = self._left[step, operation]
        self._untouched.discard((step, operation))
        self._left[step, operation] = (happening, times - 1)
        return happening if times > 0 else None

    async def _happen(self, happening: Happening, step: Step, function: Action, context: Context[Any]) -> Any:
        if happening == "is refused":
            raise FailedPrecondition("refused by the test, and not done")
        if happening == "loses its request":
            raise Unavailable("lost by the test before it was done")
        if happening == "loses its answer":
            await function(context)
            raise Unavailable("done, and its answer lost by the test")
        if happening == "is sent twice":
            first, second = await function(context), await function(context)
            if first != second:
                self._broken.append(f"{step.name} answered {first!r}, and then {second!r}")
            return second
        self._late[step.name] = self._delayed(step, function, context, current_key())
        raise Unavailable("still on its way")

    def _delayed(
        self, step: Step, function: Action, context: Context[Any], key: SagaKey | None
    ) -> Callable[[], Awaitable[None]]:
        async def arrive() -> None:
            set_current_key(key)
            try:
                await function(context)
            except StepCompensated:
                return
            self._broken.append(f"{step.name} was carried out after its compensation")

        # In a task of its own: the key is its alone.
        return lambda: asyncio.create_task(arrive())
