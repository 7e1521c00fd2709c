"""Ratios of returns: cases by hand, laws, refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from folio.errors import RiskError
from folio.figures.risk import measures, ratios

RETURNS = st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=30).map(np.array)


def test_growth_a_year_by_hand():
    # four quarters of 10 % each
    assert ratios.cumulative_return([0.1] * 4) == pytest.approx(0.4641)
    assert ratios.annual_return([0.1, 0.1], 4) == pytest.approx(1.1**4 - 1)


def test_a_period_without_a_return_counts_in_the_length_of_the_path():
    assert ratios.annual_return([np.nan, 0.21], 1) == pytest.approx(0.1)


def test_calmar_by_hand():
    # wealth 1.25, 1.0, 1.21: fall of 20 %, growth of 21 % in three years
    assert ratios.calmar([0.25, -0.2, 0.21], 1) == pytest.approx((1.21 ** (1 / 3) - 1) / 0.2)


def test_ulcer_index_by_hand():
    # falls 0, 0, 10 %, 20 %
    assert ratios.ulcer_index([80.0, 100.0, 90.0, 80.0]) == pytest.approx(np.sqrt((0.01 + 0.04) / 4))


def test_omega_by_hand():
    assert ratios.omega([0.03, -0.01, 0.01], required_return=0.0) == pytest.approx(4.0)
    assert ratios.omega([0.03, -0.01], risk_free=0.01) == pytest.approx(1.0)


def test_stability_of_even_growth_is_whole():
    assert ratios.stability([0.01] * 5) == pytest.approx(1.0)


def test_a_quantile_lies_between_its_neighbours():
    assert ratios.return_quantile([0.01, 0.02, np.nan], 0.3) == pytest.approx(0.013)


def test_tail_ratio_of_returns_alike_on_both_sides_is_one():
    assert ratios.tail_ratio(np.linspace(-0.1, 0.1, 21)) == pytest.approx(1.0)


def test_capture_by_hand():
    returns, benchmark = np.array([0.02, -0.01]), np.array([0.01, -0.02])
    assert ratios.up_capture(returns, benchmark, 1) == pytest.approx(2.0)
    assert ratios.down_capture(returns, benchmark, 1) == pytest.approx(0.5)


def test_capture_leaves_out_days_without_a_return():
    returns, benchmark = np.array([np.nan, 0.02, -0.01]), np.array([0.05, 0.01, -0.02])
    assert ratios.up_capture(returns, benchmark, 1) == pytest.approx(2.0)
    assert ratios.up_down_capture(returns, benchmark, 1) == pytest.approx(4.0)
    assert np.isnan(ratios.up_down_capture(returns[:2], benchmark[:2], 1))


def test_the_mean_of_the_lower_tail_holds_the_return_at_the_quantile():
    # eleven returns, of which the quantile of 0.25 lies between the third and the fourth
    returns = np.append(np.linspace(-0.05, 0.05, 11), np.nan)
    assert ratios.lower_tail_mean(returns, 0.25) == pytest.approx(-0.04)
    assert np.isnan(ratios.lower_tail_mean([], 0.25))
    with pytest.raises(RiskError, match="probability"):
        ratios.lower_tail_mean(returns, 25)


@given(RETURNS)
def test_a_path_compounds_what_it_falls_apart_into(returns):
    path = 1.0 + ratios.cumulative_returns(returns)
    assert path[-1] == pytest.approx(1.0 + ratios.cumulative_return(returns))
    assert ratios.period_returns(path) == pytest.approx(returns[1:])


def test_batting_average_by_hand():
    found = ratios.batting_average([0.02, 0.0, -0.01, np.nan], [0.01, 0.01, -0.02, 0.01])
    assert (found.all_periods, found.up_market, found.down_market) == pytest.approx((2 / 3, 0.5, 1.0))


def test_days_without_a_peak_run_to_the_next_one_or_to_the_end():
    dates = np.array(["2020-01-01", "2020-01-03", "2020-01-10", "2020-01-11", "2020-01-21"], "datetime64[D]")
    assert ratios.longest_without_a_peak([1.0, 0.9, 1.1, 1.1, 1.0], dates) == 11
    assert ratios.longest_without_a_peak([1.0, 0.9, 1.1, 1.2, 1.3], dates) == 10


@given(benchmark=RETURNS, alpha=st.floats(-0.01, 0.01), beta=st.floats(-2, 2))
def test_a_line_gives_its_slope_and_height_back(benchmark, alpha, beta):
    if np.ptp(benchmark) < 1e-3:
        return
    found = ratios.regression(alpha + beta * benchmark, benchmark, periods_per_year=1)
    assert found.beta == pytest.approx(beta, abs=1e-8)
    assert found.alpha == pytest.approx(alpha, abs=1e-8)


@given(returns=RETURNS)
def test_returns_capture_themselves(returns):
    benchmark_grew = ratios.annual_return(returns, 1)
    if abs(benchmark_grew) > 1e-6:
        assert ratios.capture(returns, returns, 1) == pytest.approx(1.0)


@given(returns=RETURNS)
def test_the_fall_of_a_path_is_that_of_its_returns(returns):
    wealth = np.concatenate([[1.0], np.cumprod(1 + returns)])
    assert measures.drawdown_of(wealth).depth == pytest.approx(measures.max_drawdown(returns).depth)


def test_what_is_null():
    nothing: list[float] = []
    assert np.isnan(
        [
            ratios.cumulative_return(nothing),
            ratios.annual_return(nothing, 252),
            ratios.calmar([0.1, 0.1], 252),
            ratios.omega([0.1, 0.2]),
            ratios.omega([0.1, -0.2], required_return=-1.0),
            ratios.stability([0.1]),
            ratios.return_quantile(nothing, 0.5),
            ratios.tail_ratio([0.0, 0.0]),
            ratios.ulcer_index(nothing),
            ratios.regression([0.1, 0.2], [0.1, 0.1]).beta,
            ratios.regression([0.1], [0.1]).beta,
            ratios.capture([0.1], [0.0], 252),
            ratios.batting_average(nothing, nothing).all_periods,
        ]
    ).all()


@pytest.mark.parametrize(
    "ask",
    [
        lambda: ratios.cumulative_return([[0.1]]),
        lambda: ratios.cumulative_return([np.inf]),
        lambda: ratios.capture([0.1], [0.1, 0.2], 252),
        lambda: ratios.return_quantile([0.1], 1.5),
        lambda: ratios.longest_without_a_peak([1.0], []),
    ],
)
def test_what_is_refused(ask):
    with pytest.raises(RiskError):
        ask()
