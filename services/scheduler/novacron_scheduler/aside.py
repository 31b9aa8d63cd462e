"""Looks at all nodes one by one, beside the event loop where there are many of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sized
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

# A look at so many takes a few milliseconds; at ten thousand it would keep every other call waiting for a fifth of a second.
_MANY = 500


async def aside(nodes: Sized, look: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What ``look`` finds; it goes over all of ``nodes``. Other calls go on meanwhile, a little slower."""
    if len(nodes) < _MANY:
        return look(*args, **kwargs)
    return await asyncio.to_thread(look, *args, **kwargs)
