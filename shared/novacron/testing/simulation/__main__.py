"""The command: run seeds, replay one, or plant the canaries. Exit code 1 where an invariant is broken or a canary lives."""

from __future__ import annotations

import argparse
import sys
import time

from .canaries import CANARIES, RELAPSES, catch
from .regressions import REGRESSIONS
from .report import Tally, failures, replay_command, tell


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m novacron.testing.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=2000, help="how many seeds to run")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--seed", type=int, help="replay this one, and tell what happened")
    parser.add_argument("--canaries", action="store_true", help="plant each fault, and say when it was found")
    chosen = parser.parse_args()
    if chosen.seed is not None:
        return 0 if tell(chosen.seed) else 1
    if chosen.canaries:
        caught = [catch(canary, chosen.seeds) for canary in (*CANARIES, *RELAPSES)]
        sys.stdout.write("".join(f"{one}\n" for one in caught))
        return 0 if all(one.seeds for one in caught) else 1
    return _run(range(chosen.first, chosen.first + chosen.seeds))


def _run(seeds: range) -> int:
    tally, began = Tally(), time.process_time()
    broken = 0
    for seed, violations in failures([*REGRESSIONS, *seeds], tally):
        broken += 1
        sys.stdout.write(f"seed {seed} failed; replay it with: {replay_command(seed)}\n")
        sys.stdout.write("".join(f"    {violation}\n" for violation in violations))
    sys.stdout.write(f"{tally}; {broken} failed; {time.process_time() - began:.0f} s of CPU\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
