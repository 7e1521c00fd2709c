"""What is usual, learned from the loads of late: the bound above which a share is worth a look."""

from collections.abc import Sequence
from statistics import median

LOADS = 30
"""Loads of late that are looked at: six weeks of nights."""

LEAST = 8
"""With fewer, nothing is usual yet and only the fixed limits hold."""

DEVIATIONS = 6.0
TO_DEVIATION = 1.4826
"""Median absolute deviation times this is the standard deviation of a normal distribution."""


def usual_at_most(seen: Sequence[float], *, floor: float) -> float | None:
    """Upper bound of a share as it usually is: median and six robust deviations, `floor` above it at least.

    One bad load among the good ones does not move it, as it would a mean. None where too few were seen.
    """
    if len(seen) < LEAST:
        return None
    middle = median(seen)
    deviation = TO_DEVIATION * median(abs(one - middle) for one in seen)
    return middle + max(DEVIATIONS * deviation, floor)
