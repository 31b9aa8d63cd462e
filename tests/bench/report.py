"""The one form of all results: a table for people, ``build/bench/NAME.json`` for programs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

DIRECTORY = Path("build/bench")


@dataclass(frozen=True)
class Report:
    """Figures of ours, of the floor, of the peer, and the ratios that count."""

    name: str
    figures: Mapping[str, float]
    floor: Mapping[str, float] = field(default_factory=dict)
    peer: Mapping[str, Any] = field(default_factory=dict)
    ratios: Mapping[str, float] = field(default_factory=dict)

    def write(self) -> Path:
        """Print the table and write the file."""
        DIRECTORY.mkdir(parents=True, exist_ok=True)
        path = DIRECTORY / f"{self.name}.json"
        machine = {"cpus": os.cpu_count(), "python": platform.python_version(), "kernel": platform.release()}
        path.write_text(json.dumps({**asdict(self), "machine": machine}, indent=2) + "\n")
        print(f"\n{self.name}")
        for part in ("figures", "floor", "peer", "ratios"):
            for key, value in getattr(self, part).items():
                shown = f"{value:,.3g}" if isinstance(value, float) else value
                print(f"  {part:<8} {key:<28} {shown}")
        print(f"  -> {path}")
        return path


def percentile(values: Sequence[float], part: float) -> float:
    """The smallest value that ``part`` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)]
