"""Named instants at which a test may end, freeze or disturb this process. In production they cost one comparison."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

Hook = Callable[[str, str], Awaitable[None]]
_hook: Hook | None = None


def install(hook: Hook | None) -> None:
    """Call ``hook(point, detail)`` at every failpoint of this process; None takes it out."""
    global _hook
    _hook = hook


async def reach(point: str, detail: str = "") -> None:
    """This instant has come."""
    if _hook is not None:
        await _hook(point, detail)
