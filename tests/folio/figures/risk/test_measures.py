"""Risk measures: cases by hand, naive paths, batches equal to rows, published examples."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from folio.errors import RiskError
from folio.figures.risk.measures import (
    downside_deviation,
    historical_tail,
    max_drawdown,
    semideviation,
    sharpe,
    sortino,
    volatility,
)

NAN = math.nan
GAP_SHARES = (0.0, 0.3)


def series(days, seed=3, gaps=0.0, portfolios=None):
    random = np.random.default_rng(seed)
    shape = (days,) if portfolios is None else (portfolios, days)
    r = random.standard_t(4, size=shape) / 100
    r[random.random(shape) < gaps] = NAN
    return r


def known(row):
    return [float(x) for x in row if not math.isnan(x)]


def naive_drawdown(row):
    wealth, path = 1.0, [1.0]
    for x in row:
        wealth *= 1 + (0.0 if math.isnan(x) else x)
        path.append(wealth)
    return min(path[i] / max(path[: i + 1]) - 1 for i in range(len(path)))


def naive_tail(row, confidence, horizon, window=500, least=250):
    recent = known(row)[-window:]
    n = len(recent)
    if n < least:
        return NAN, NAN
    scale = 1.0
    if horizon > 1 and n < window:
        scale = math.sqrt(horizon)
    elif horizon > 1:
        recent = [math.prod(1 + x for x in recent[i : i + horizon]) - 1 for i in range(n - horizon + 1)]
    losses = sorted((-x for x in recent), reverse=True)
    share = round((1 - confidence) * 100)  # whole percents here, so the ceiling is exact
    k = -(-share * len(losses) // 100)
    return losses[k - 1] * scale, sum(losses[:k]) / k * scale


def test_dispersion_by_hand():
    r = np.array([0.01, -0.01, 0.03])  # mean 0.01; deviations 0, -0.02, 0.02
    assert volatility(r, 252) == pytest.approx(0.02 * math.sqrt(252))
    assert semideviation(r, 252) == pytest.approx(math.sqrt(0.0004 / 2 * 252))
    assert downside_deviation(r, 252) == pytest.approx(math.sqrt(0.0001 / 3 * 252))
    assert sharpe(r, 0.0, 252) == pytest.approx(0.5 * math.sqrt(252))
    assert sortino(r, 0.0, 252) == pytest.approx(0.01 / math.sqrt(0.0001 / 3) * math.sqrt(252))


def test_a_drawdown_by_hand():
    r = np.array([0.10, -0.10, -0.10, 0.25, -0.05])
    found = max_drawdown(r)
    assert found.depth == pytest.approx(-0.19)
    assert (found.peak, found.trough, found.recovery) == (1, 3, 4)
    dates = np.datetime64("2013-02-01") + np.array([0, 3, 4, 5, 6, 7])
    assert found.days(dates) == 3
    open_fall = max_drawdown(r[:3])
    assert (open_fall.peak, open_fall.recovery) == (1, -1)
    assert open_fall.days(dates[:4]) == 2


def test_a_fall_from_the_first_day_is_measured_from_the_close_before_it():
    found = max_drawdown(np.array([-0.2, 0.1]))
    assert (found.depth, found.peak, found.trough, found.recovery) == (pytest.approx(-0.2), 0, 1, -1)


def test_wealth_that_never_falls_has_no_drawdown():
    found = max_drawdown(np.array([0.0, 0.1, 0.0]))
    assert (found.depth, found.peak, found.trough, found.recovery) == (0.0, 0, 0, 0)
    assert found.days(np.datetime64("2013-01-01") + np.arange(4)) == 0


def test_the_tail_by_hand():
    r = np.arange(-250, 250) / 1000  # losses 0.250, 0.249, ...
    tail = historical_tail(r, 0.95)
    assert tail.var == pytest.approx(0.226)  # the 25th of 500
    assert tail.cvar == pytest.approx((0.250 + 0.226) / 2)
    assert historical_tail(r, 0.99).var == pytest.approx(0.246)  # the 5th
    assert tail.observations == 500


def test_the_tail_needs_250_days_and_ten_days_need_500():
    assert math.isnan(historical_tail(series(249), 0.95).var)
    short = historical_tail(series(250), 0.95, 10)
    assert short.is_scaled
    assert short.var == pytest.approx(historical_tail(series(250), 0.95).var * math.sqrt(10))
    assert not historical_tail(series(500), 0.95, 10).is_scaled
    assert not historical_tail(series(250), 0.95, 1).is_scaled
    assert math.isnan(historical_tail(np.empty(0), 0.95, 10).cvar)


def test_only_the_newest_500_returns_count():
    r = series(700)
    assert historical_tail(r, 0.99).var == historical_tail(r[-500:], 0.99).var


@pytest.mark.parametrize("confidence", [0.95, 0.99])
@pytest.mark.parametrize("horizon", [1, 10])
@pytest.mark.parametrize("gaps", GAP_SHARES)
@pytest.mark.parametrize("days", [0, 9, 250, 400, 800])
def test_the_tail_of_a_batch_equals_the_naive_path_row_by_row(confidence, horizon, gaps, days):
    batch = series(days, gaps=gaps, portfolios=4)
    tail = historical_tail(batch, confidence, horizon)
    for position, row in enumerate(batch):
        expected = naive_tail(row, confidence, horizon)
        np.testing.assert_allclose([tail.var[position], tail.cvar[position]], expected, rtol=1e-12)
        single = historical_tail(row, confidence, horizon)
        np.testing.assert_allclose([single.var, single.cvar], expected, rtol=1e-12)
        assert tail.observations[position] == len(known(row)[-500:])
        assert tail.is_scaled[position] == single.is_scaled


@pytest.mark.parametrize("gaps", GAP_SHARES)
@pytest.mark.parametrize("days", [2, 30, 300])
def test_measures_of_a_batch_equal_the_naive_path_row_by_row(gaps, days):
    batch = series(days, seed=days, gaps=gaps if days > 2 else 0.0, portfolios=5)
    drawdown = max_drawdown(batch)
    for position, row in enumerate(batch):
        r = known(row)
        mean, n = statistics.fmean(r), len(r)
        deviation = statistics.stdev(r)
        below = math.sqrt(sum(min(x - mean, 0) ** 2 for x in r) / (n - 1))
        short = math.sqrt(sum(min(x - 0.0001, 0) ** 2 for x in r) / n)
        assert volatility(batch, 261)[position] == pytest.approx(deviation * math.sqrt(261))
        assert semideviation(batch, 261)[position] == pytest.approx(below * math.sqrt(261))
        ratio = (mean - 0.0001) / deviation * math.sqrt(261)
        assert sharpe(batch, 0.0001, 261)[position] == pytest.approx(ratio)
        assert sharpe(row, np.full(days, 0.0001), 261) == pytest.approx(ratio)
        if short:
            assert sortino(batch, 0.0001, 261)[position] == pytest.approx(
                (mean - 0.0001) / short * math.sqrt(261)
            )
        assert drawdown.depth[position] == pytest.approx(naive_drawdown(row), abs=1e-15)
        single = max_drawdown(row)
        assert (single.peak, single.trough) == (drawdown.peak[position], drawdown.trough[position])
        path = np.cumprod(np.concatenate([[1.0], 1 + np.nan_to_num(row)]))
        assert path[single.trough] / path[single.peak] - 1 == pytest.approx(float(single.depth), abs=1e-15)
        assert single.recovery == -1 or path[single.recovery] >= path[single.peak]


@given(rates=st.lists(st.floats(-0.5, 0.5), min_size=250, max_size=260))
def test_expected_shortfall_is_never_below_value_at_risk(rates):
    tail = historical_tail(np.array(rates), 0.95)
    assert tail.cvar >= tail.var - 1e-12


def test_ratios_without_a_rate_or_without_spread_are_null():
    r = series(30)
    assert math.isnan(sharpe(r, None, 252))
    assert math.isnan(sortino(r, None, 252))
    assert sharpe(series(30, portfolios=3), None, 252).shape == (3,)
    assert math.isnan(sharpe(np.full(30, 0.1), 0.0, 252))
    assert math.isnan(sortino(np.full(30, 0.1), 0.0, 252))
    assert math.isnan(volatility(np.array([0.01]), 252))
    assert math.isnan(volatility(np.array([]), 252))


@pytest.mark.parametrize(
    "ask",
    [
        lambda: volatility(np.float64(0.1), 252),
        lambda: volatility(np.array([0.1, math.inf]), 252),
        lambda: sharpe(np.zeros(3), np.zeros(2), 252),
        lambda: historical_tail(np.zeros(300), 1.0),
        lambda: historical_tail(np.zeros(300), 0.95, 0),
        lambda: historical_tail(np.zeros(300), 0.95, 501),
    ],
)
def test_what_cannot_be_measured_is_refused(ask):
    with pytest.raises(RiskError):
        ask()


def returns_of(case):
    return np.array([NAN if x is None else float(x) for x in case["inputs"]["returns"]["values"]])


def agrees(found, expected):
    if (
        expected is None or expected == "inf"
    ):  # no day falls short: null here, see docs/methods/differences.md
        return math.isnan(found)
    return float(found) == pytest.approx(float(expected), abs=1.5e-8)


@pytest.mark.shared_data
def test_published_cases_are_met(published_cases):
    periods = {"daily": 252, "weekly": 52, "monthly": 12, "quarterly": 4, "yearly": 1}
    for case in published_cases("empyrical/max_drawdown"):
        assert agrees(max_drawdown(returns_of(case)).depth, case["expected"]["max_drawdown"]), case["id"]
    for case in published_cases("empyrical/sharpe_ratio"):
        rate = float(case["inputs"]["risk_free"]["constant"])
        assert agrees(sharpe(returns_of(case), rate, 252), case["expected"]["sharpe_ratio"]), case["id"]
    for case in published_cases("empyrical/sortino"):
        rate, a_year = float(case["inputs"]["required_return"]["constant"]), periods[case["inputs"]["period"]]
        assert agrees(sortino(returns_of(case), rate, a_year), case["expected"]["sortino"]), case["id"]
    for case in published_cases("empyrical/downside_risk"):
        rate, a_year = float(case["inputs"]["required_return"]["constant"]), periods[case["inputs"]["period"]]
        found = downside_deviation(returns_of(case), a_year, rate)
        assert agrees(found, case["expected"]["downside_risk"]), case["id"]
    for case in published_cases("empyrical/annual_volatility"):
        found = volatility(returns_of(case), periods[case["inputs"]["period"]])
        assert agrees(found, case["expected"]["annual_volatility"]), case["id"]


@pytest.mark.shared_data
def test_the_published_drawdown_in_days_is_met(published_cases):
    (case,) = [
        case for case in published_cases("portfolio-performance/risk") if "max_drawdown" in case["expected"]
    ]
    wealth = 1 + np.array([float(x) for x in case["inputs"]["accumulated_returns"]])
    found = max_drawdown(wealth[1:] / wealth[:-1] - 1)
    assert -found.depth == pytest.approx(float(case["expected"]["max_drawdown"]))
    dates = np.array(case["inputs"]["dates"], dtype="datetime64[D]")
    assert found.days(dates) == case["expected"]["max_drawdown_duration_days"]
