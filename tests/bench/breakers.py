"""Our breaker beside the four of Python: what a call costs, and what each does where it matters.

The floor is the bare call of a coroutine that does nothing; what a breaker adds to it is the thread's own time, one library
after the other in each round. The behaviours are counts and yes or no: no machine's mood changes them.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

from novacron import logs
from novacron.errors import NotFound, Unavailable
from novacron.rpc.breaker import State
from novacron.rpc.breaker_configuration import BreakerConfiguration
from novacron.rpc.call import ClientCall
from novacron.rpc.guard import Breakers
from novacron.rpc.policy import MethodPolicy
from novacron.settings import ProcessSettings

from .peer import peer
from .peers import breaker_scenarios as scenarios
from .report import Report

LIBRARIES = ("pybreaker", "aiobreaker", "purgatory", "circuitbreaker")
_CLASS = "bench"
_POLICY = MethodPolicy("/bench/Call", breaker_class=_CLASS)
_CONFIGURATION = BreakerConfiguration(
    failure_threshold=scenarios.FAILURES, timeout_duration_seconds=scenarios.OPEN_SECONDS
)


class Ours:
    """The client stage as a channel runs it."""

    def __init__(self) -> None:
        self._breakers = Breakers("target", _CONFIGURATION)

    async def call(self, function: Any) -> Any:
        async def wire(_: ClientCall) -> Any:
            try:
                return await function()
            except scenarios.Down:
                raise Unavailable("down") from None
            except scenarios.ClientError:
                raise NotFound("no such thing") from None

        return await self._breakers.client_stage(ClientCall("/bench/Call", _POLICY, "target", 5.0, []), wire)

    async def is_open(self) -> bool:
        return self._breakers.of(_CLASS).state is State.OPEN


async def _stage_alone(calls: int) -> float:
    """Seconds that the stage adds: the call object is made once, as the chain makes it anyhow."""
    breakers, call = Breakers("target", _CONFIGURATION), ClientCall("/bench/Call", _POLICY, "target", 5.0, [])

    async def wire(_: ClientCall) -> None:
        return None

    began = time.thread_time()
    for _ in range(calls):
        await wire(call)
    bare, began = time.thread_time() - began, time.thread_time()
    for _ in range(calls):
        await breakers.client_stage(call, wire)
    return (time.thread_time() - began - bare) / calls


async def run(*, quick: bool = False) -> Report:
    logs.configure(ProcessSettings(log_level="ERROR"), "bench")
    rounds, calls = (3, 500) if quick else (15, 4000)
    ours: list[float] = []
    theirs: dict[str, list[float]] = {name: [] for name in LIBRARIES}
    async with peer("python_breakers.py") as libraries:
        for _ in range(rounds):
            ours.append(await _stage_alone(calls) * 1e6)
            for name in LIBRARIES:
                theirs[name].append((await libraries.order(library=name, calls=calls))["added_us"])
        peers = {name: await libraries.order(library=name) for name in LIBRARIES}
    behaviours = await scenarios.behaviours(Ours)
    for name in LIBRARIES:
        peers[name]["breaker_added_us"] = round(statistics.median(theirs[name]), 3)
    figures = {"breaker_added_us": statistics.median(ours), **{key: float(value) for key, value in behaviours.items()}}
    _table({"novacron": {**behaviours, "breaker_added_us": round(figures["breaker_added_us"], 3)}, **peers})
    report = Report(
        "breakers",
        figures=figures,
        peer=peers,
        ratios={f"over_{name}": figures["breaker_added_us"] / peers[name]["breaker_added_us"] for name in LIBRARIES},
    )
    report.write()
    return report


def _table(libraries: dict[str, dict[str, Any]]) -> None:
    """Side by side: a behaviour a line, a library a column."""
    print(f"\n{'':<32}" + "".join(f"{name:>16}" for name in libraries))
    for key in next(iter(libraries.values())):
        cells = (found[key] for found in libraries.values())
        print(f"{key:<32}" + "".join(f"{_word(cell):>16}" for cell in cells))


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.2f}" if isinstance(value, float) else str(value)
