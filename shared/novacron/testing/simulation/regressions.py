"""Seeds that once found a fault, with what it was. They are run first, for ever.

A seed stays the same world only as long as the draws of a run keep their order. So each fault found is also planted again, as
a relapse among the canaries, and has a test of its own on PostgreSQL.
"""

from __future__ import annotations

REGRESSIONS: dict[int, str] = {
    10: "a cancel beyond the point of no return: the next intent was written again and again, and never got written",
    159: "a commit that its client had given up came late, and set a saga that had turned back going forward again",
    196: "committed, the reply lost, then cancelled: the repeated commit forgot the intent that the first had written",
}
