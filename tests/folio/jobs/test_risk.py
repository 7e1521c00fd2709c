"""Ratios of a portfolio's returns against the rates of its currency."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pytest

from folio.jobs.risk import NO_RISK_FREE_RATE, NOTHING_TO_DIVIDE_BY, Measured, RiskFree, Series, measured

MONDAY = date(2012, 1, 2)
RETURNS = 300


def weekdays(count: int) -> list[date]:
    """Days from Monday to Friday, from the first Monday of 2012 on."""
    return [MONDAY + timedelta(days=number // 5 * 7 + number % 5) for number in range(count)]


def rates(*rows: tuple[str, str, float], currency: str = "USD") -> RiskFree:
    return RiskFree(
        currency,
        np.array([row[0] for row in rows], dtype="datetime64[D]"),
        np.array([row[1] for row in rows], dtype="datetime64[D]"),
        np.array([row[2] for row in rows]),
    )


def ratios(returns: Sequence[float], risk_free: RiskFree | None) -> dict[str, Measured]:
    series = Series(np.array(weekdays(len(returns)), dtype="datetime64[D]"), np.array(returns))
    found = {row.measure: row for row in measured(series, "current_holdings", risk_free)}
    return {name: found[name] for name in ("sharpe", "sortino")}


SWINGS = [0.011 if number % 2 else -0.009 for number in range(RETURNS)]


def test_a_ratio_takes_each_days_own_rate() -> None:
    half = weekdays(RETURNS)[RETURNS // 2]
    steps = rates(("2011-01-01", half.isoformat(), 0.0), (half.isoformat(), "9999-12-31", 0.05))
    a_day = np.array([0.0] * (RETURNS // 2) + [1.05 ** (1 / 261) - 1] * (RETURNS // 2))
    excess = np.array(SWINGS) - a_day
    found = ratios(SWINGS, steps)
    assert found["sharpe"].value == pytest.approx(
        excess.mean() / excess.std(ddof=1) * np.sqrt(261), rel=1e-12
    )
    shortfall = np.sqrt(np.mean(np.minimum(excess, 0) ** 2))
    assert found["sortino"].value == pytest.approx(excess.mean() / shortfall * np.sqrt(261), rel=1e-12)
    assert {row.observations for row in found.values()} == {RETURNS}
    assert {row.note for row in found.values()} == {None}


def test_without_a_rate_of_the_currency_there_is_no_ratio_and_the_reason_says_so() -> None:
    for row in ratios(SWINGS, None).values():
        assert (row.value, row.note) == (None, NO_RISK_FREE_RATE)


def test_rates_that_end_too_early_give_no_ratio() -> None:
    ended = rates(("2011-01-01", weekdays(RETURNS)[100].isoformat(), 0.02))
    for row in ratios(SWINGS, ended).values():
        assert (row.value, row.observations) == (None, 100)
        assert row.note == "100 of the 250 daily returns needed have a risk-free rate of USD"


def test_days_without_a_rate_are_left_out_while_enough_have_one() -> None:
    late = rates((weekdays(RETURNS)[20].isoformat(), "9999-12-31", 0.0))
    with_gap, known = ratios(SWINGS, late), ratios(SWINGS[20:], late)
    assert with_gap["sharpe"].observations == RETURNS - 20
    excess = np.array(SWINGS[20:])
    assert with_gap["sharpe"].value == pytest.approx(
        excess.mean() / excess.std(ddof=1) * np.sqrt(261), rel=1e-12
    )
    assert known["sharpe"].value is not None


def test_returns_that_only_rise_have_no_shortfall_to_divide_by() -> None:
    found = ratios([0.01, 0.02] * (RETURNS // 2), rates(("2011-01-01", "9999-12-31", 0.01)))
    assert found["sharpe"].value is not None
    assert (found["sortino"].value, found["sortino"].note) == (None, NOTHING_TO_DIVIDE_BY)
