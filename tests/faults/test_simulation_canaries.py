"""A checker that never complains proves nothing: each planted fault must be told within a few seeds."""

import pytest

from novacron.testing.simulation import CANARIES, catch

MOST_SEEDS = 300
_caught = []


@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: canary.name)
def test_the_checker_tells_of_a_planted_fault(canary):
    caught = catch(canary, MOST_SEEDS)
    _caught.append(caught)
    assert caught.seeds, f"{canary.name}: not told in {MOST_SEEDS} seeds"


def test_the_table_of_planted_faults(capsys):
    with capsys.disabled():
        print("\n" + "\n".join(map(str, _caught)))
    assert len(_caught) in (0, len(CANARIES))
