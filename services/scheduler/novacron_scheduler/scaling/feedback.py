"""What people thought of recommendations. It is told beside the confidence and changes none: that one is measured."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from novacron.errors import InvalidArgument

WORST, BEST = 1, 5


def check_score(score: int) -> int:
    """A score that can be kept.

    :raises InvalidArgument: it is none.
    """
    if not WORST <= score <= BEST:
        raise InvalidArgument.at("feedback_score", f"must be {WORST} (made it worse) to {BEST} (just right)")
    return score


@dataclass(frozen=True, slots=True)
class Standing:
    """How the recommendations of one model version were judged."""

    scores: int
    mean: float
    poor: int  # of them, those below the middle


def standings(scored: Iterable[tuple[str, int]]) -> dict[str, Standing]:
    """By model version, of (version, score) pairs.

    :raises InvalidArgument: one of them is no score.
    """
    by_version: dict[str, list[int]] = {}
    for version, score in scored:
        by_version.setdefault(version, []).append(check_score(score))
    middle = (WORST + BEST) / 2
    return {
        version: Standing(len(scores), sum(scores) / len(scores), sum(score < middle for score in scores))
        for version, scores in sorted(by_version.items())
    }
