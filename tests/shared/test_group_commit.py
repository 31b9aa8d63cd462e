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


async def together(writer, group, *ones):
    """Their answers, when the first is being written before the others arrive."""
    writer.go_on.clear()
    tasks = [asyncio.create_task(group.commit(one)) for one in ones]
    while not writer.groups:
        await asyncio.sleep(0)
    writer.go_on.set()
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_what_arrives_while_a_write_is_under_way_goes_with_the_next():
    writer = Writer()
    group = GroupCommit(writer.write, writers=1)
    assert await together(writer, group, *"abcd") == ["A", "B", "C", "D"]
    assert writer.groups == [["a"], ["b", "c", "d"]]


async def test_one_that_is_never_taken_does_not_keep_the_others_out():
    writer = Writer()
    group = GroupCommit(writer.write, writers=1)
    answers = await together(writer, group, "a", "b", "bad", "c")
    assert writer.groups[1] == ["b", "bad", "c"]
    assert [answers[0], answers[1], answers[3]] == ["A", "B", "C"]
    assert isinstance(answers[2], InvalidArgument)


async def test_a_database_that_is_away_is_told_to_each_and_asked_once():
    writer = Writer()
    group = GroupCommit(writer.write, writers=1)
    answers = await together(writer, group, "a", "b", "away", "c")
    assert [type(one) for one in answers[1:]] == [Unavailable] * 3
    assert writer.groups == [["a"], ["b", "away", "c"]]
    assert await group.commit("later") == "LATER"


async def test_a_caller_that_is_gone_holds_nobody_up():
    writer = Writer()
    group = GroupCommit(writer.write, writers=1)
    writer.go_on.clear()
    first, gone, last = (asyncio.create_task(group.commit(one)) for one in "abc")
    while not writer.groups:
        await asyncio.sleep(0)
    gone.cancel()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    writer.go_on.set()
    assert await last == "C"
    assert gone.cancelled()
    await group.written()
    assert await group.commit("d") == "D"
