"""Definitions that cannot be run safely are refused when they are made."""

import asyncio
from dataclasses import dataclass

import pytest

from novacron.saga import DefinitionError, Kind, Parallel, Saga, Step

from .saga_world import Params


def no(*_):
    raise AssertionError


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ((), "no steps"),
        ((Step("one", "sometimes", no),), "unknown kind 'sometimes'"),
        ((Step("one", Kind.READ, no), Step("one", Kind.READ, no)), "step 'one': two steps have this name"),
        (
            (Step("one", Kind.PIVOT, no), Step("two", Kind.COMPENSATABLE, no, no)),
            "step 'two': a compensatable step after",
        ),
        ((Step("one", Kind.PIVOT, no), Step("two", Kind.PIVOT, no)), "step 'two': a pivot step after"),
        ((Step("one", Kind.RETRIABLE, no, no),), "step 'one': a retriable step is never undone"),
        ((Step("one", Kind.READ),), "neither an action nor a local effect"),
        ((Step("one", Kind.READ, no, output=int),), "step 'one': output: <class 'int'> is no dataclass"),
        ((Step("One", Kind.READ, no),), "step 'One': a name is lower-case"),
        ((Step("one", Kind.READ, no, timeout_seconds=0),), "a timeout of 0 s"),
        ((Parallel(),), "an empty group"),
        ((Parallel(Step("a", Kind.PIVOT, no), Step("b", Kind.RETRIABLE, no)),), "must stand alone"),
    ],
)
def test_a_definition_that_cannot_be_run_safely_is_refused_by_name(steps, says):
    with pytest.raises(DefinitionError, match="saga 'bad'") as caught:
        Saga(name="bad", version=1, params=Params, steps=steps)
    assert says in str(caught.value)


def test_parameters_that_do_not_serialise_are_refused():
    @dataclass
    class Odd:
        thing: asyncio.Event

    with pytest.raises(DefinitionError, match="saga 'bad': params"):
        Saga(name="bad", version=1, params=Odd, steps=(Step("one", Kind.READ, no),))
