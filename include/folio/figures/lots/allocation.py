"""Sharing a whole among parts without losing a remainder."""

from collections.abc import Sequence
from decimal import Decimal, localcontext

from folio.figures.lots.events import EXACT, ZERO


def shares(whole: Decimal, weights: Sequence[Decimal], quantum: Decimal) -> list[Decimal]:
    """Parts of `whole` in proportion to `weights`, each a multiple of `quantum`, that add up to it exactly.

    Cumulative shares are rounded, so no part is off by more than one quantum and the last takes the rest.
    """
    if len(weights) == 1:
        return [whole]
    with localcontext(EXACT):
        total = sum(weights, start=ZERO)
        parts, seen, given = [], ZERO, ZERO
        for weight in weights[:-1]:
            seen += weight
            due = (whole * seen / total).quantize(quantum)
            parts.append(due - given)
            given = due
        return [*parts, whole - given]
