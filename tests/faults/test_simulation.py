"""Thousands of small worlds in which everything goes wrong: whatever happened, every invariant of the saga holds."""

import os
import subprocess
import sys

import pytest

from novacron.testing.simulation import REGRESSIONS, RELAPSES, Tally, catch, failures, replay_command, simulate, tell

SEEDS = 2000
CHUNK = 250


def run(seeds):
    tally = Tally()
    broken = [
        f"seed {seed} failed; replay it with: {replay_command(seed)}\n    " + "\n    ".join(map(str, violations))
        for seed, violations in failures(seeds, tally)
    ]
    assert not broken, "\n".join(broken)
    return tally


@pytest.mark.parametrize("seed", REGRESSIONS, ids=lambda seed: f"{seed}: {REGRESSIONS[seed]}")
def test_a_seed_that_once_found_a_fault_finds_none(seed):
    run([seed])


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_every_invariant_holds_whatever_a_seed_makes_go_wrong(first):
    tally = run(range(first, first + CHUNK))
    print(tally)
    # Worlds in which little happens would prove little.
    assert tally.sagas["succeeded"] > CHUNK
    assert tally.sagas["compensated"] > CHUNK / 4
    assert tally.takeovers > CHUNK / 2
    assert tally.disasters > CHUNK
    assert tally.retries > 0


@pytest.mark.parametrize("relapse", RELAPSES, ids=lambda relapse: relapse.name)
def test_a_fault_that_the_simulation_found_would_be_found_again(relapse):
    caught = catch(relapse, 400)
    print(caught)
    assert caught.seeds, caught


def test_a_seed_is_the_same_world_in_every_process():
    script = (
        "from novacron.testing.simulation import simulate\nprint([simulate(seed).digest() for seed in range(10, 20)])"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2")
    }
    assert told == {f"{[simulate(seed).digest() for seed in range(10, 20)]}\n"}


def test_a_replay_tells_the_story_of_its_seed(capsys):
    assert tell(159, sys.stdout)
    story = capsys.readouterr().out
    assert "begin by worker-" in story
    assert "operator retries" in story
    assert story.endswith("seed 159: every invariant holds\n")
