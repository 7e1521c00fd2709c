"""Dividends of one instrument: how often it pays."""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from statistics import median
from typing import Literal

Periodicity = Literal["none", "unknown", "monthly", "quarterly", "semiannual", "annual", "irregular"]

LONGEST_GAPS: tuple[tuple[int, Periodicity], ...] = (
    (45, "monthly"),
    (135, "quarterly"),
    (270, "semiannual"),
    (430, "annual"),
)
"""Median days between payments up to which a periodicity holds: halfway to the next, with a month's slack."""

SHORTEST_GAP = 20


def periodicity(payments: Sequence[date]) -> Periodicity:
    """How often is paid, from the median of the days between payments; payments of one day are one.

    None for no payment, unknown for a single one, irregular where the median gap fits no periodicity.
    """
    days = sorted(set(payments))
    if len(days) < 2:
        return "unknown" if days else "none"
    gap = median((later - earlier).days for earlier, later in pairwise(days))
    if gap < SHORTEST_GAP:
        return "irregular"
    return next((name for longest, name in LONGEST_GAPS if gap <= longest), "irregular")
