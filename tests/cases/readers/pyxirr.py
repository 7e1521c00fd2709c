"""Cases of pyxirr: rates and present values of dated cash flows, under every day count."""

from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import pytest

from folio.errors import CashFlowError
from folio.figures.arrays import DateArray, FloatArray
from folio.figures.returns.cashflows import (
    HIGHEST_RATE,
    LOWEST_RATE,
    xirr_roots,
    xnfv,
    xnpv,
)
from folio.figures.returns.day_counts import DAY_COUNTS, DayCount
from tests.cases.case import Case, Differs, only

OTHER_NAMES: dict[str, DayCount] = {
    "30/360": "30/360 ISDA",
    "30/360 PSA": "30U/360",
    "30/360 SIA": "30U/360",
    "30/360 US": "30U/360",
    "30U/360 ISDA": "30U/360",
    "30/360 European": "30E/360",
    "30/360 ICMA": "30E/360",
    "30/360 ISMA": "30E/360",
    "30E/360 ICMA": "30E/360",
    "30E/360 ISMA": "30E/360",
    "act/365": "act/365F",
    "act/365 Fixed": "act/365F",
    "act/act": "act/act ISDA",
}
"""Names of day counts beside Folio's own."""


def plain(name: str) -> str:
    """Name of a day count as it compares: `actual` is act, `thirty` 30, `plus` +; marks say nothing."""
    text = name.casefold().replace("actual", "act").replace("thirty", "30").replace("plus", "+")
    return "".join(mark for mark in text if mark.isalnum() or mark == "+")


BY_NAME: dict[str, DayCount] = {
    **{plain(name): name for name in DAY_COUNTS},
    **{plain(other): name for other, name in OTHER_NAMES.items()},
}

RATE, VALUE = 1e-9, 1e-3


def flows(case: Case) -> tuple[DateArray, FloatArray]:
    """Dates and amounts of the case's cash flows."""
    rows = case.inputs["cash_flows"]
    return (
        np.array([day for day, _ in rows], dtype="datetime64[D]"),
        np.array([float(amount) for _, amount in rows]),
    )


def day_count_of(case: Case) -> DayCount:
    """Day count named by the inputs; act/365F where there is none."""
    name = str(case.inputs.get("day_count", "act/365F"))
    assert plain(name) in BY_NAME, f"no day count {name!r}"
    return BY_NAME[plain(name)]


def tolerance_of(case: Case, default: float) -> float:
    """The number after `abs` in the stated tolerance."""
    words = (case.tolerance or "").split()
    return float(words[words.index("abs") + 1]) if "abs" in words else default


def check(case: Case) -> None:
    """Hold every expected figure against Folio's at the stated tolerance."""
    only(case.inputs, "cash_flows", "rate", "day_count")
    only(case.expected, "xirr", "xnpv", "xnfv")
    dates, amounts = flows(case)
    day_count = day_count_of(case)
    tolerance = tolerance_of(case, RATE)
    for figure, function in (("xnpv", xnpv), ("xnfv", xnfv)):
        if figure in case.expected:
            rate, expected = float(case.inputs["rate"]), case.expected[figure]
            if expected is None:
                with pytest.raises(CashFlowError):
                    function(rate, dates, amounts, day_count)
                continue
            assert function(rate, dates, amounts, day_count) == pytest.approx(float(expected), abs=tolerance)
    if "xirr" in case.expected:
        check_rate(case.expected["xirr"], dates, amounts, day_count, tolerance)


def check_rate(
    expected: Any, dates: DateArray, amounts: FloatArray, day_count: DayCount, tolerance: float
) -> None:
    """Folio's rate is the expected one; another of several roots, or one the peer misses, is a difference."""
    try:
        roots = xirr_roots(dates, amounts, day_count)
    except CashFlowError:
        roots = np.empty(0)
    if expected is None:
        if roots.size and day_count == "act/365F":
            assert changes_sign(float(roots[0]), dates, amounts), f"{roots[0]} is no root"
            raise Differs("A rate that no float reaches")
        assert roots.size == 0
        return
    if not LOWEST_RATE < float(expected) < HIGHEST_RATE:
        raise Differs("A rate within bounds")
    assert roots.size, "no rate found"
    if roots[0] != pytest.approx(float(expected), abs=tolerance):
        assert any(root == pytest.approx(float(expected), abs=tolerance) for root in roots), roots
        raise Differs("Of several rates the one nearest to zero")
    if roots[0] > -0.99:  # nearer to -1 one unit in the last place of the rate moves the value more
        assert abs(xnpv(float(roots[0]), dates, amounts, day_count)) < VALUE


def changes_sign(rate: float, dates: DateArray, amounts: FloatArray) -> bool:
    """Whether the exact present value changes sign around a rate, so that a root lies there."""
    first = dates.min()
    signs = []
    with localcontext() as context:
        context.prec = 60
        for side in (Decimal(rate) - Decimal("1e-9"), Decimal(rate) + Decimal("1e-9")):
            log_rate = (1 + side).ln()
            value = sum(
                Decimal(amount) * (-log_rate * int((day - first).astype(int)) / 365).exp()
                for day, amount in zip(dates, amounts, strict=True)
            )
            signs.append(value > 0)
    return signs[0] != signs[1]


READERS = {"xirr": check, "xnpv": check, "day_count": check}
