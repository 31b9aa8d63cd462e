"""What a saga is: a name, a version and its steps, checked when the module that defines it is imported.

    CREATE_VM = Saga(
        name="create-vm",
        version=1,
        params=CreateVmParams,
        steps=(
            Step("reserve", Kind.COMPENSATABLE, reserve, release, output=Reserved),
            Step("provision", Kind.COMPENSATABLE, provision, destroy),
            Step("activate", Kind.RETRIABLE, confirm, local=mark_running),
        ),
        on_compensated=mark_error,
    )

The order of kinds is the safety of the whole: what can be undone comes first, then at most one pivot (the point of no
return), then what will succeed if it is only repeated. Names are stored: a step is never renamed, and a changed list of steps
is a new version beside the old one until the last old saga has ended.
"""

from __future__ import annotations

import dataclasses
import enum
import random
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import PydanticSchemaGenerationError, TypeAdapter
from pydantic.errors import PydanticInvalidForJsonSchema

from .record import StepError

P = TypeVar("P")
T = TypeVar("T")
_NAME = re.compile(r"^[a-z][a-z0-9-]{0,62}$")


class DefinitionError(Exception):
    """A saga that cannot be run safely; the message names the saga, the step and the rule."""


class Kind(enum.StrEnum):
    """What a step may assume, and what may be assumed of it."""

    READ = "read"  # changes nothing, so there is nothing to undo
    COMPENSATABLE = "compensatable"  # can be undone
    PIVOT = "pivot"  # decides: before it the saga can turn back, after it only go on
    RETRIABLE = "retriable"  # cannot be refused for good, only delayed


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently. Pauses grow by ``factor`` from ``first_seconds`` to ``most_seconds``, with full jitter."""

    attempts: int = 6
    first_seconds: float = 0.2
    factor: float = 2.0
    most_seconds: float = 10.0

    def pause(self, failed_attempts: int, rng: random.Random) -> float:
        """Seconds to wait after that many failures."""
        longest = min(self.first_seconds * self.factor ** (failed_attempts - 1), self.most_seconds)
        return rng.uniform(longest / 2, longest)


FORWARD_ONLY = RetryPolicy(attempts=40, most_seconds=15.0)
COMPENSATION = RetryPolicy(attempts=60, most_seconds=30.0)


@dataclass(frozen=True, slots=True)
class Context(Generic[P]):
    """What a step knows: the saga's id and parameters, and the typed results of the steps before it."""

    saga_id: UUID
    tenant_id: UUID | None
    params: P
    results: dict[type, Any] = field(default_factory=dict)
    services: Any = None  # what the worker was given for its steps: clients and stores
    error: StepError | None = None  # what turned the saga back, for its compensations

    def result(self, kind: type[T]) -> T:
        """The result of the step that declares ``output=kind``. For steps that come after it."""
        found: T = self.results[kind]
        return found

    def result_or_none(self, kind: type[T]) -> T | None:
        """The same for a compensation, whose own action may never have answered."""
        return self.results.get(kind)


Action = Callable[[Context[Any]], Awaitable[Any]]
# A change of the owner's own tables, inside the saga's commit: it takes effect exactly once. The connection is a
# novacron.db.Connection; the third argument is the step's result, or the error that turned the saga back.
LocalEffect = Callable[[Any, Context[Any], Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Step:
    """A pair of functions with a name. Both may be called several times, and the second though the first did nothing."""

    name: str
    kind: Kind
    action: Action | None = None
    compensation: Action | None = None
    output: type | None = None
    local: LocalEffect | None = None
    timeout_seconds: float = 10.0
    retry: RetryPolicy | None = None
    compensation_retry: RetryPolicy = COMPENSATION

    def policy(self, operation: str) -> RetryPolicy:
        if operation == "compensation":
            return self.compensation_retry
        return self.retry or (FORWARD_ONLY if self.kind is Kind.RETRIABLE else RetryPolicy())


@dataclass(frozen=True, slots=True)
class Parallel:
    """Steps that run side by side; what follows waits for all of them."""

    steps: tuple[Step, ...]

    def __init__(self, *steps: Step) -> None:
        object.__setattr__(self, "steps", steps)


@dataclass(frozen=True)
class Saga(Generic[P]):
    """A definition. Equal names with other versions are other definitions, side by side in one worker."""

    name: str
    version: int
    params: type[P]
    steps: tuple[Step | Parallel, ...]
    deadline_seconds: float = 600.0
    on_compensated: LocalEffect | None = None
    on_stuck: LocalEffect | None = None

    def __post_init__(self) -> None:
        check(self)

    @cached_property
    def stages(self) -> tuple[tuple[Step, ...], ...]:
        """Steps that run side by side, stage by stage."""
        return tuple(one.steps if isinstance(one, Parallel) else (one,) for one in self.steps)

    def __iter__(self) -> Iterator[Step]:
        for stage in self.stages:
            yield from stage

    def step(self, name: str) -> Step:
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Step]:
        return {step.name: step for step in self}

    def encode(self, params: P) -> dict[str, Any]:
        """Parameters as stored. :raises DefinitionError: they are not what the definition says."""
        return encode(self.params, params, f"saga {self.name}: params")

    def decode(self, stored: Any) -> P:
        value: P = adapter(self.params).validate_python(stored)  # type: ignore[arg-type]
        return value


@lru_cache(maxsize=1024)
def adapter(kind: Any) -> TypeAdapter[Any]:
    """How a dataclass is stored and read back. Building one costs a hundred times what using it does."""
    return TypeAdapter(kind)


def encode(kind: type, value: Any, what: str) -> dict[str, Any]:
    """A dataclass as JSON. :raises DefinitionError: ``value`` is no ``kind``."""
    if not isinstance(value, kind):
        raise DefinitionError(f"{what}: expected {kind.__name__}, got {type(value).__name__}")
    dumped: dict[str, Any] = adapter(kind).dump_python(value, mode="json")
    return dumped


def check(saga: Saga[Any]) -> None:
    """:raises DefinitionError: at import, for whatever could not be run safely."""
    where = f"saga {saga.name!r}"
    if not _NAME.match(saga.name):
        raise DefinitionError(f"{where}: a name is lower-case letters, digits and '-', up to 63")
    if saga.version < 1:
        raise DefinitionError(f"{where}: version {saga.version} must be 1 or more")
    _check_serialises(saga.params, f"{where}: params")
    if not saga.steps:
        raise DefinitionError(f"{where}: no steps")
    names: set[str] = set()
    outputs: set[type] = set()
    turned = False  # past the pivot, or among the forward-only steps
    for step in saga:
        at = f"{where}, step {step.name!r}"
        _check_step(step, at)
        if step.name in names:
            raise DefinitionError(f"{at}: two steps have this name, and the log is kept by name")
        names.add(step.name)
        if step.output is not None:
            _check_serialises(step.output, f"{at}: output")
            if step.output in outputs:
                raise DefinitionError(f"{at}: two steps declare the output {step.output.__name__}")
            outputs.add(step.output)
        if turned and step.kind is not Kind.RETRIABLE:
            raise DefinitionError(
                f"{at}: a {step.kind} step after the point of no return; only retriable ones may follow"
            )
        turned = turned or step.kind in (Kind.PIVOT, Kind.RETRIABLE)
    for stage in saga.stages:
        if not stage:
            raise DefinitionError(f"{where}: an empty group of parallel steps")
        if len(stage) > 1 and any(step.kind is Kind.PIVOT for step in stage):
            raise DefinitionError(f"{where}: the pivot {stage[0].name!r} must stand alone, not in a parallel group")


def _check_step(step: Step, at: str) -> None:
    if not isinstance(step.kind, Kind):
        raise DefinitionError(f"{at}: unknown kind {step.kind!r}; kinds are {', '.join(Kind)}")
    if not _NAME.match(step.name):
        raise DefinitionError(f"{at}: a name is lower-case letters, digits and '-', up to 63")
    if step.action is None and step.local is None:
        raise DefinitionError(f"{at}: neither an action nor a local effect")
    if step.compensation is not None and step.kind is not Kind.COMPENSATABLE:
        raise DefinitionError(f"{at}: a {step.kind} step is never undone; its compensation would never run")
    if step.timeout_seconds <= 0:
        raise DefinitionError(f"{at}: a timeout of {step.timeout_seconds} s")
    for policy in (step.policy("action"), step.compensation_retry):
        if policy.attempts < 1:
            raise DefinitionError(f"{at}: a retry policy of {policy.attempts} attempts")


def _check_serialises(kind: type, what: str) -> None:
    if not dataclasses.is_dataclass(kind):
        raise DefinitionError(f"{what}: {kind!r} is no dataclass")
    try:
        adapter(kind).json_schema(mode="serialization")
    except (PydanticSchemaGenerationError, PydanticInvalidForJsonSchema) as error:
        raise DefinitionError(f"{what}: {kind.__name__} does not serialise: {error}".splitlines()[0]) from error
