"""How a command's result is kept with the step of a saga, without the command knowing any protobuf."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from novacron.saga.barrier import Message

M = TypeVar("M", bound=Message)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer(Generic[T, M]):
    """The message that the barrier stores and repeats, and how it is made of the result."""

    message: type[M]
    of: Callable[[T], M]
