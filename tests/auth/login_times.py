"""How long refused logins take, by what is wrong with them, and whether the times tell them apart.

The kinds take turns, in an order that changes, so that whatever else the machine does befalls them all alike.
"""

from __future__ import annotations

import math
import random
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from argon2 import PasswordHasher

from novacron.api.auth.v1 import LoginRequest
from novacron.errors import Unauthenticated
from novacron.rpc.status import to_status

from .authenticator_app import enroll
from .conftest import SETTINGS

# What every other is compared with: what most refused logins are.
USUAL = "wrong password"
# So few must not be told apart by chance alone.
SURE = 0.01


@dataclass(frozen=True)
class Compared:
    """The times of one kind, in milliseconds, beside those of the usual one."""

    kind: str
    quantiles: tuple[float, float, float, float]  # 25, 50, 75, 95 %
    median_ratio: float
    p: float

    @property
    def apart(self) -> bool:
        """Whether somebody who measures that often could tell: more than chance, and more than a twentieth."""
        return self.p < SURE and abs(self.median_ratio - 1) > 0.05


async def accounts(auth: Any, password: str) -> dict[str, dict[str, str]]:
    """One account for each kind of refusal, and what a login by it sends. The passwords cost what they cost in life."""
    hasher = PasswordHasher(time_cost=SETTINGS.argon2_time_cost, memory_cost=SETTINGS.argon2_memory_kib, parallelism=1)
    auth.passwords._hasher, auth.passwords._decoy = hasher, hasher.hash("nobody's")
    for name in ("wrong", "known", "locked", "disabled", "guarded", "guarded-and-wrong"):
        await auth.user(name, password=password)
    await auth.login("known", password)
    for name in ("guarded", "guarded-and-wrong"):
        await enroll(auth, (await auth.login(name, password)).access_token, password)
    await auth.execute("DELETE FROM user_sessions WHERE user_id <> (SELECT id FROM users WHERE username = 'known')")
    await auth.execute("UPDATE users SET locked_until = now() + interval '1 day' WHERE username = 'locked'")
    await auth.execute("UPDATE users SET disabled_at = now() WHERE username = 'disabled'")
    return {
        USUAL: {"username": "wrong", "password": "not it"},
        "unknown user": {"username": "nobody", "password": password},
        "unknown tenant": {"username": "wrong", "password": password, "tenant": "nowhere"},
        "wrong, familiar network": {"username": "known", "password": "not it"},
        "locked, right password": {"username": "locked", "password": password},
        "locked, wrong password": {"username": "locked", "password": "not it"},
        "disabled, right password": {"username": "disabled", "password": password},
        "code needed, none shown": {"username": "guarded", "password": password},
        "code needed, wrong one": {"username": "guarded", "password": password, "one_time_code": "000000"},
        "code needed, all wrong": {"username": "guarded-and-wrong", "password": "not it", "one_time_code": "000000"},
    }


async def forgiven(auth: Any) -> None:
    """As if nobody had failed yet, but for who is locked: what is measured is a refusal, not a lock that comes of it."""
    await auth.execute("UPDATE login_throttles SET failures = 1, locked_until = NULL")
    await auth.execute(
        "UPDATE users SET failed_login_attempts = 0, locked_until = NULL"
        " WHERE failed_login_attempts > 0 AND username <> 'locked'"
    )


async def sample(auth: Any, logins: Mapping[str, Mapping[str, Any]], number: int) -> dict[str, list[float]]:
    """Seconds of so many refusals of each kind; that all say the same is asserted on the way."""
    wire, order, told = auth.as_user(), list(logins), set()
    took: dict[str, list[float]] = {kind: [] for kind in logins}
    for turn in range(number + 1):
        await forgiven(auth)
        random.shuffle(order)
        for kind in order:
            began = time.perf_counter()
            try:
                await wire.Login(LoginRequest(**logins[kind]))
            except Unauthenticated as error:
                took[kind].append(time.perf_counter() - began)
                told.add(to_status(error).SerializeToString(deterministic=True))
            else:
                raise AssertionError(f"{kind}: let in")
        if turn == 0:  # what the first ones load
            took = {kind: [] for kind in logins}
    assert len(told) == 1, "refusals differ in what they say"
    return took


def compared(took: Mapping[str, Sequence[float]]) -> list[Compared]:
    """Each kind beside the usual one."""
    usual = took[USUAL]
    found = []
    for kind, times in took.items():
        cuts = statistics.quantiles(times, n=20)
        ratio = statistics.median(times) / statistics.median(usual)
        quantiles = (cuts[4] * 1e3, cuts[9] * 1e3, cuts[14] * 1e3, cuts[18] * 1e3)
        found.append(Compared(kind, quantiles, ratio, mann_whitney(times, usual) if kind != USUAL else 1.0))
    return found


def table(rows: Sequence[Compared], number: int) -> str:
    columns = "".join(f"{one:>8}" for one in ("25 %", "median", "75 %", "95 %", "ratio", "p"))
    lines = [f"refused logins, {number} of each, in ms", f"{'':26}{columns}"]
    for row in rows:
        times = "".join(f"{one:8.1f}" for one in row.quantiles)
        lines.append(f"{row.kind:26}{times}{row.median_ratio:8.3f}{row.p:8.3f}{'  APART' if row.apart else ''}")
    return "\n".join(lines)


def mann_whitney(some: Sequence[float], others: Sequence[float]) -> float:
    """How likely two samples of one distribution differ this much: the U test, two-sided, by its normal approximation."""
    ranked = sorted([(value, True) for value in some] + [(value, False) for value in others])
    rank_sum = sum(rank for rank, (_, mine) in enumerate(ranked, 1) if mine)
    n, m = len(some), len(others)
    u = rank_sum - n * (n + 1) / 2
    deviation = math.sqrt(n * m * (n + m + 1) / 12)
    return math.erfc(abs(u - n * m / 2) / deviation / math.sqrt(2))
