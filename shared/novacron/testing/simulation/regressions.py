"""Seeds that once found a fault, with what it was. They are run first, for ever.

A seed means what it meant only as long as the draws of a run stay in order: a change of the simulation may make it another
world. So each fault found has a test of its own beside its seed here.
"""

from __future__ import annotations

REGRESSIONS: dict[int, str] = {}
