"""What a waiting command tells on stderr: a saga's steps as they come, live on a terminal, one line a change elsewhere."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any

from novacron_cli.output import printable, say
from novacron_cli.words import elapsed, word

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

_MARKS = {"ok": ("✓", "green"), "refused": ("✗", "red"), "unknown": ("?", "yellow")}


class Progress:
    """The steps of one saga. Entered around the wait; what it showed last stays on the screen."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._attempts: dict[tuple[str, str], Any] = {}
        self._told: set[tuple[str, str, int, str]] = set()
        self._notice = ""
        self._live: Live | None = None

    def __enter__(self) -> Progress:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            self._live = Live(console=Console(stderr=True), refresh_per_second=10, get_renderable=self._screen)
            self._live.start()
        else:
            say(self._title)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._notice = ""
        if self._live is not None:
            self._live.stop()

    def saga(self, saga: Any) -> None:
        """Bring the display up to what the saga's log says."""
        self._notice = ""
        for attempt in saga.attempts:
            self._attempts[attempt.step, attempt.operation] = attempt
            told = (attempt.step, attempt.operation, attempt.attempt, attempt.outcome)
            if self._live is None and attempt.outcome != "started" and told not in self._told:
                self._told.add(told)
                say(f"  {_line(attempt)}")

    def transition(self, event: Any) -> None:
        """Tell a change of the VM's state, where the saga's log may not be read."""
        from novacron.api.vm.v1 import VmState

        told = f"{word(VmState, event.to_state)}{': ' if event.reason else ''}{event.reason}"
        self._notice = told
        if self._live is None:
            say(f"  {told}")

    def notice(self, text: str) -> None:
        """Tell something once, until there is news."""
        if self._live is None and text != self._notice:
            say(f"  {text}")
        self._notice = text

    def _screen(self) -> RenderableType:
        from rich.console import Group
        from rich.spinner import Spinner
        from rich.text import Text

        lines: list[RenderableType] = [Text(printable(self._title))]
        waiting = True
        for attempt in self._attempts.values():
            if attempt.outcome == "started":
                lines.append(Spinner("dots", Text(printable(_line(attempt))), style="cyan"))
                waiting = False
            else:
                mark, style = _MARKS.get(attempt.outcome, (" ", ""))
                lines.append(Text.assemble((mark, style), " ", printable(_line(attempt))))
        if self._notice or (waiting and not self._attempts):
            lines.append(Spinner("dots", Text(printable(self._notice or "waiting")), style="cyan"))
        return Group(*lines)


def _line(attempt: Any) -> str:
    """``provision: ok (1.31 s)``, ``undo reserve``, ``provision, attempt 2: no such image``."""
    name = f"undo {attempt.step}" if attempt.operation == "compensation" else attempt.step
    number = f", attempt {attempt.attempt}" if attempt.attempt > 1 else ""
    if attempt.outcome == "started":
        since = datetime.now(UTC).timestamp() - attempt.started_at.ToDatetime(UTC).timestamp()
        return f"{name}{number} ({max(since, 0):.1f} s)"
    took = f" ({elapsed(attempt.started_at, attempt.finished_at):.2f} s)" if attempt.finished_at.seconds else ""
    return f"{name}{number}: {attempt.error or attempt.outcome}{took}"
