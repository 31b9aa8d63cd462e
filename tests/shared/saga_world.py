"""A saga of four steps whose world remembers what was done, and does what a test wants."""

from dataclasses import dataclass
from uuid import uuid4

from novacron.saga import Kind, RetryPolicy, Saga, Step, current_key

QUICK = RetryPolicy(attempts=3, first_seconds=0.001, most_seconds=0.002)


@dataclass(frozen=True)
class Params:
    word: str = "hello"


@dataclass(frozen=True)
class First:
    number: int


class World:
    """What the steps did, and what they shall do next."""

    def __init__(self):
        self.calls = []
        self.answers = {}
        self.hold = {}

    def step(self, name):
        async def call(context):
            key = current_key()
            self.calls.append((name, key.operation, key.step))
            if name in self.hold:
                await self.hold[name].wait()
            answers = self.answers.get(name, [])
            if answers:
                answer = answers.pop(0)
                if isinstance(answer, BaseException):
                    raise answer
                return answer
            return First(7) if name == "one" else None

        return call

    @property
    def names(self):
        return [name for name, _, _ in self.calls]


def define(world, **named):
    def pair(name, kind=Kind.COMPENSATABLE, **more):
        undo = world.step(f"undo-{name}") if kind is Kind.COMPENSATABLE else None
        return Step(name, kind, world.step(name), undo, retry=QUICK, compensation_retry=QUICK, **more)

    steps = named.pop("steps", None) or (
        pair("one", output=First),
        pair("two"),
        pair("three"),
        pair("four", Kind.RETRIABLE),
    )
    return Saga(name=named.pop("name", "test"), version=named.pop("version", 1), params=Params, steps=steps, **named)


async def begin(database, coordinator, saga, saga_id=None, params=None):
    saga_id = saga_id or uuid4()
    async with database.transaction() as connection:
        begun = await coordinator.begin(connection, saga, saga_id, params or Params())
    coordinator.launch(begun)
    return saga_id


async def holds(value):
    return value
