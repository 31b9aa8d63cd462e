"""The saga coordinator in a world made of a seed: virtual time, a database in memory, services that fail in every way.

    python -m novacron.testing.simulation --seeds 2000     run seeds 0 to 1999; those that fail say how to replay them
    python -m novacron.testing.simulation --seed 123       replay one, and tell what happened in it
    python -m novacron.testing.simulation --canaries       plant faults, and say after how many seeds each was found

The coordinator is the real one, and so are its plan, its executions and their order of commits. Around it are:

* ``loop.py``: an event loop whose clock jumps, and processes that die and freeze;
* ``tables.py``, ``database.py``: the saga log, with PostgreSQL's semantics, on a server that goes away and loses replies;
* ``participants.py``: effects behind the barrier; ``worker.py``: processes with a coordinator, and their calls;
* ``definitions.py``, ``faults.py``, ``disasters.py``: sagas of all shapes, and what goes wrong with them;
* ``requests.py``, ``run.py``: clients, and one seed from its first request to the calm after the faults;
* ``checker.py``: the invariants, judged from what was written and what took effect;
* ``canaries.py``: faults planted to see that the checker tells; ``regressions.py``: seeds that once found one.
"""

from .canaries import CANARIES, RELAPSES, Canary, Caught, catch
from .checker import Violation, check
from .regressions import REGRESSIONS
from .report import Tally, failures, replay_command, tell
from .run import Outcome, Parts, simulate

__all__ = [
    "CANARIES",
    "REGRESSIONS",
    "RELAPSES",
    "Canary",
    "Caught",
    "Outcome",
    "Parts",
    "Tally",
    "Violation",
    "catch",
    "check",
    "failures",
    "replay_command",
    "simulate",
    "tell",
]
