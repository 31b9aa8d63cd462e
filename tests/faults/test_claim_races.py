"""The last slots are raced for while schedulers die: never over, never beyond a quota, and no conflict is anybody's to see."""

import pytest

from novacron_scheduler.__main__ import MIGRATIONS

from .claim_races import race, table

pytestmark = pytest.mark.faults


async def rounds_of(url, directory, count):
    rounds = []
    async with race(url, directory) as made:
        for _ in range(count):
            rounds.append(await made.round())
    print("", table(rounds), sep="\n")
    assert [one.strange for one in rounds if one.strange] == []
    assert [one for one in rounds if one.broken] == []
    assert {one.made for one in rounds} == {50}


@pytest.fixture
def database_url(new_database_url):
    return new_database_url(*MIGRATIONS)


async def test_whoever_dies_amid_a_race_for_the_last_slots_each_is_taken_once(database_url, tmp_path):
    await rounds_of(database_url, tmp_path, 1)


@pytest.mark.faults_all
async def test_thirteen_races_for_the_last_slots_amid_kills_break_nothing(database_url, tmp_path):
    await rounds_of(database_url, tmp_path, 13)
