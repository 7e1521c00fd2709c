"""Day counts: cases by hand, laws, refusals."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from folio.errors import CashFlowError
from folio.figures.returns.cashflows import xnfv, xnpv
from folio.figures.returns.day_counts import DAY_COUNTS, year_fractions

DAYS = st.dates(date(1990, 1, 1), date(2060, 12, 31))


def years(start, end, day_count):
    found = year_fractions(np.datetime64(start), np.array([end], dtype="datetime64[D]"), day_count)
    return float(found[0])


@pytest.mark.parametrize(
    ("start", "end", "day_count", "expected"),
    [
        ("2007-01-12", "2008-02-14", "act/365F", 398 / 365),
        ("2007-01-12", "2008-02-14", "act/360", 398 / 360),
        ("2007-12-15", "2008-01-15", "act/act ISDA", 17 / 365 + 14 / 366),
        ("2007-01-31", "2007-03-31", "30/360 ISDA", 60 / 360),
        ("2007-01-15", "2007-01-31", "30/360 ISDA", 16 / 360),
        ("2007-01-15", "2007-01-31", "30E/360", 15 / 360),
        ("2007-01-15", "2007-01-31", "30E+/360", 16 / 360),
        ("2007-02-28", "2008-02-29", "30U/360", 360 / 360),
        ("2007-02-28", "2007-08-31", "30U/360", 180 / 360),
        ("2007-02-28", "2007-08-31", "30/360 ISDA", 183 / 360),
        ("2007-02-28", "2007-08-31", "30E/360 ISDA", 180 / 360),
        ("2008-02-28", "2008-03-01", "NL/365", 1 / 365),
        ("2008-02-29", "2008-03-01", "NL/365", 1 / 365),
        ("2007-02-28", "2009-03-01", "NL/360", 731 / 360),
    ],
)
def test_years_between_two_days_by_hand(start, end, day_count, expected):
    assert years(start, end, day_count) == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("day_count", DAY_COUNTS)
@given(start=DAYS, span=st.integers(0, 8000))
def test_years_grow_with_days_and_stay_near_the_calendar(day_count, start, span):
    end = start + timedelta(days=span)
    counted = years(start, end, day_count)
    assert 0 <= counted <= years(start, end + timedelta(days=1), day_count) + 1e-12
    assert counted == pytest.approx(span / 365.25, rel=0.03, abs=4 / 360)


@given(start=DAYS, span=st.integers(0, 8000))
def test_leap_days_are_not_counted(start, span):
    end = start + timedelta(days=span)
    every_day = (start + timedelta(days=n) for n in range(1, span + 1))
    leap_days = sum((day.month, day.day) == (2, 29) for day in every_day)
    assert years(start, end, "NL/365") == pytest.approx((span - leap_days) / 365, abs=1e-12)


def test_an_unknown_day_count_and_a_day_before_the_start_are_refused():
    with pytest.raises(CashFlowError, match="none of"):
        years("2007-01-01", "2007-01-02", "30/361")
    with pytest.raises(CashFlowError, match="lies before"):
        years("2007-01-02", "2007-01-01", "act/360")


def test_present_and_future_value_by_hand():
    dates = np.datetime64("2020-01-01") + np.array([365, 0])
    amounts = np.array([110.0, -90.0])
    assert xnpv(0.1, dates, amounts) == pytest.approx(10.0, abs=1e-12)
    assert xnfv(0.1, dates, amounts) == pytest.approx(11.0, abs=1e-12)


@pytest.mark.parametrize("rate", [-1.0, -2.0, float("nan")])
def test_a_rate_without_a_present_value_is_refused(rate):
    with pytest.raises(CashFlowError):
        xnpv(rate, np.array(["2020-01-01"], dtype="datetime64[D]"), np.array([1.0]))
    with pytest.raises(CashFlowError):
        xnpv(0.1, np.array([], dtype="datetime64[D]"), np.array([]))
