"""A scheduler dies while a group of its claims is being committed: whoever asks again finds all of it done, or none of it."""

import pytest

from novacron_scheduler.__main__ import MIGRATIONS

from .commit_kills import commit_kills, table

pytestmark = pytest.mark.faults


async def rounds_of(url, directory, count):
    """Every other COMMIT is let through, and the others are cut off."""
    async with commit_kills(url, directory) as made:
        rounds = [await made.round(durable=number % 2 == 0) for number in range(count)]
    print("", table(rounds), sep="\n")
    assert [one.wrong for one in rounds if one.wrong] == []
    assert all(one.unanswered and one.told_twice for one in rounds)


@pytest.fixture
def database_url(new_database_url):
    return new_database_url(*MIGRATIONS)


async def test_whoever_dies_amid_the_commit_of_a_group_each_vm_has_one_place_and_one_answer(database_url, tmp_path):
    await rounds_of(database_url, tmp_path, 2)


@pytest.mark.faults_all
async def test_twenty_deaths_amid_the_commit_of_a_group_break_nothing(database_url, tmp_path):
    await rounds_of(database_url, tmp_path, 20)
