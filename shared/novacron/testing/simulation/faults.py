"""What goes wrong, drawn from the seed: with requests to participants, with statements to the database, with workers."""

from __future__ import annotations

import random
from dataclasses import dataclass

from ...errors import Conflict, FailedPrecondition, InvalidArgument, NovacronError, Overloaded

# The longest that a request or a duplicate of it is on its way.
LONGEST_DELAY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """How one request to a participant fares."""

    sent: bool = True  # False: no connection, and the caller knows that
    arrives_after: tuple[float, ...] = (0.005,)  # once per delivery; none: it is lost
    answered_after: float | None = 0.005  # None: never
    broken_after: float | None = None  # the connection breaks: the caller is told an error, whatever was done
    refusal: NovacronError | None = None  # what the participant says instead of doing it


@dataclass(frozen=True, slots=True)
class Statement:
    """How one statement fares on its way to the database and back."""

    arrives_after: float | None = 0.001  # None: it is lost
    answered_after: float = 0.001
    broken_after: float | None = None


class Faults:
    """Every draw of a run. One seed has hardly any faults, another one hardly anything else."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.active = True
        self._calls = rng.choice((0.0, 0.1, 0.3, 0.6))
        self._statements = rng.choice((0.0, 0.02, 0.1, 0.25))
        self._failpoints = rng.choice((0.0, 0.0, 0.01, 0.05))
        self._local = rng.choice((0.0, 0.0, 0.05))
        self.disasters = rng.choice((0, 1, 3, 8))  # crashes, freezes and restarts in the time of faults

    def delivery(self) -> Delivery:
        rng = self._rng
        there, back = rng.uniform(0.001, 0.05), rng.uniform(0.001, 0.05)
        if not self.active or rng.random() >= self._calls:
            return Delivery(arrives_after=(there,), answered_after=back)
        late = rng.uniform(0.1, 3.0) if rng.random() < 0.5 else rng.uniform(3.0, LONGEST_DELAY_SECONDS)
        match rng.randrange(9):
            case 0:
                return Delivery(sent=False)
            case 1:  # unavailable: lost on the way there
                return Delivery(arrives_after=(), answered_after=None, broken_after=there)
            case 2:  # timeout: lost, and nobody says so
                return Delivery(arrives_after=(), answered_after=None)
            case 3:  # done, but an error returned
                return Delivery(arrives_after=(there,), answered_after=None, broken_after=there + back)
            case 4:  # done, but no answer
                return Delivery(arrives_after=(there,), answered_after=None)
            case 5:  # answered, and a duplicate later
                return Delivery(arrives_after=(there, late), answered_after=back)
            case 6:  # the caller has long given up, and gone back: the compensation overtakes the action
                return Delivery(arrives_after=(late,), answered_after=back, broken_after=rng.choice((None, there)))
            case 7:
                kind = rng.choice((FailedPrecondition, InvalidArgument))
                return Delivery(arrives_after=(there,), answered_after=back, refusal=kind("no"))
            case _:
                busy = rng.choice((Conflict("again"), Overloaded("later", retry_after_seconds=0.3)))
                return Delivery(arrives_after=(there,), answered_after=back, refusal=busy)

    def statement(self, *, single: bool) -> Statement:
        """``single``: a transaction of its own; the server may get to it long after the client has given it up."""
        rng = self._rng
        there, back = rng.uniform(0.0005, 0.01), rng.uniform(0.0005, 0.01)
        if not self.active or rng.random() >= self._statements:
            return Statement(there, back)
        match rng.randrange(4 if single else 3):
            case 0:  # away before it was done
                return Statement(None, back, there)
            case 1:  # done, but the reply is lost
                return Statement(there, back, there + back / 2)
            case 2:  # slow, perhaps for longer than the lease
                return Statement(rng.uniform(0.05, 4.0), rng.uniform(0.05, 2.0))
            case _:  # given up by the client, done by the server later
                return Statement(rng.uniform(0.05, 4.0), back, there)

    def local_effect_loses_race(self) -> bool:
        return self.active and self._rng.random() < self._local

    def disaster_at_failpoint(self) -> str | None:
        """The worker dies or freezes exactly here."""
        if not self.active or self._rng.random() >= self._failpoints:
            return None
        return self._rng.choice(("kill", "freeze"))
