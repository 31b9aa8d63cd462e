"""How long a process that ended stays down before it is started again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class RestartBackoff:
    """Doubles from ``first`` to ``ceiling`` seconds, and begins anew after a run of ``stable`` seconds."""

    first: float = 0.2
    ceiling: float = 15.0
    stable: float = 30.0
    failures: int = 0

    def after_run(self, seconds: float) -> float:
        """The pause after a run that lasted ``seconds``."""
        self.failures = 1 if seconds >= self.stable else self.failures + 1
        return float(min(self.ceiling, self.first * 2 ** min(self.failures - 1, 30)))
