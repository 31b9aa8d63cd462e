"""Commits that are made together: each answered in its place, and none spoilt by another."""

import asyncio

import pytest

from novacron.errors import InvalidArgument, Unavailable
from novacron.saga.group_commit import GroupCommit


class Writer:
    """Takes groups, and lets each go when it is told to."""

    def __init__(self):
        self.groups = []
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def write(self, group):
        self.groups.append(list(group))
        await self.go_on.wait()
        if any(one == "away" for one in group):
            raise Unavailable("the database does not answer")
        if any(one == "bad" for one in group):
            raise InvalidArgument("a text holds the character NUL")
        return [one.upper() for one in group]


async def test_what_arrives_while_a_write_is_under_way_goes_with_the_next():
    writer = Writer()
    group = GroupCommit(writer.write, writers=1)
    writer.go_on.clear()
    first = asyncio.create_task(group.commit("a"))
    while not writer.groups:
        await asyncio.sleep(0)
    others = [asyncio.create_task(group.commit(one)) for one in "bcd"]
    await asyncio.sleep(0)
    writer.go_on.set()
    assert await asyncio.gather(first, *others) == ["A", "B", "C", "D"]
    assert writer.groups == [["a"], ["b", "c", "d"]]


async def test_one_that_is_never_taken_does_not_keep_the_others_out():
    writer = Writer()
    group = GroupCommit(writer.write, writers=1)
    answers = await asyncio.gather(*(group.commit(one) for one in ("a", "bad", "c")), return_exceptions=True)
    assert [str(answers[0]), str(answers[2])] == ["A", "C"]
    assert isinstance(answers[1], InvalidArgument)


async def test_a_database_that_is_away_is_told_to_each_and_asked_once():
    writer = Writer()
    group = GroupCommit(writer.write, writers=1)
    answers = await asyncio.gather(*(group.commit(one) for one in ("a", "away", "c")), return_exceptions=True)
    assert [type(one) for one in answers] == [Unavailable] * 3
    assert len(writer.groups) == 1
    assert await group.commit("later") == "LATER"


async def test_a_caller_that_is_gone_leaves_the_write_to_end():
    writer = Writer()
    group = GroupCommit(writer.write, writers=1)
    writer.go_on.clear()
    gone = asyncio.create_task(group.commit("a"))
    while not writer.groups:
        await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    writer.go_on.set()
    await group.written()
    assert await group.commit("b") == "B"
