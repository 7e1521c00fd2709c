"""Periodicity of dividends: by hand, and at the edges."""

from datetime import date, timedelta

import pytest

from folio.figures.returns.dividends import periodicity


@pytest.mark.parametrize(
    ("gap", "expected"),
    [
        (7, "irregular"),
        (30, "monthly"),
        (91, "quarterly"),
        (182, "semiannual"),
        (365, "annual"),
        (800, "irregular"),
    ],
)
def test_the_median_gap_tells_how_often_is_paid(gap, expected):
    days = [date(2020, 1, 15) + timedelta(days=gap * n) for n in range(5)]
    assert periodicity([days[0] - timedelta(days=1000), *days]) == expected


def test_none_and_one_payment_tell_nothing():
    assert periodicity([]) == "none"
    assert periodicity([date(2020, 1, 1), date(2020, 1, 1)]) == "unknown"
