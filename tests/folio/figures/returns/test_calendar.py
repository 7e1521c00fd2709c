"""Returns by calendar period: cases by hand, a law, refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from folio.errors import CashFlowError
from folio.figures.returns.calendar import compounded


@pytest.mark.parametrize(
    ("period", "firsts"),
    [
        ("weekly", ["2019-12-30", "2020-01-06", "2020-03-30"]),
        ("monthly", ["2020-01-01", "2020-03-01", "2020-04-01"]),
        ("quarterly", ["2020-01-01", "2020-04-01"]),
        ("yearly", ["2020-01-01"]),
    ],
)
def test_days_fall_into_their_calendar_period(period, firsts):
    dates = np.array(["2020-01-05", "2020-01-06", "2020-03-31", "2020-04-01"], dtype="datetime64[D]")
    starts, found = compounded(dates, np.array([0.1, np.nan, 0.2, -0.5]), period)
    assert starts.tolist() == np.array(firsts, dtype="datetime64[D]").tolist()
    assert np.prod(1 + found) == pytest.approx(1.1 * 1.2 * 0.5)


@given(
    returns=st.lists(st.floats(-0.9, 2.0), min_size=1, max_size=60),
    period=st.sampled_from(["weekly", "monthly", "quarterly", "yearly"]),
)
def test_periods_compound_to_the_whole(returns, period):
    dates = np.datetime64("2019-11-20") + 9 * np.arange(len(returns))
    _, found = compounded(dates, np.array(returns), period)
    assert np.prod(1 + found) == pytest.approx(np.prod(1 + np.array(returns)))


def test_what_is_refused():
    day = np.array(["2020-01-05"], dtype="datetime64[D]")
    with pytest.raises(CashFlowError):
        compounded(day, np.array([0.1, 0.2]), "weekly")
    with pytest.raises(CashFlowError):
        compounded(np.repeat(day, 2), np.array([0.1, 0.2]), "weekly")
    with pytest.raises(CashFlowError):
        compounded(day, np.array([0.1]), "daily")
