"""Defects of a price series, one by one, in series made up for them; doubt leaves the values alone."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from folio.figures.prices.repairs import Bars, Defect, repair

ROWS = 200
DIVIDEND_ROW = 120


def series(*, price: float = 50.0, seed: int = 7, dividend: float = 1.0) -> Bars:
    """Quiet days about a price, with one dividend that the price falls by and the adjusted closes show."""
    moves = np.random.default_rng(seed).normal(0, 0.01, ROWS)
    moves[DIVIDEND_ROW] -= dividend / price
    close = price * np.exp(np.cumsum(moves))
    dividends = np.zeros(ROWS)
    dividends[DIVIDEND_ROW] = dividend
    adjusted = close.copy()
    adjusted[:DIVIDEND_ROW] *= 1 - dividend / close[DIVIDEND_ROW - 1]
    return Bars(
        days=[date(2024, 1, 1) + timedelta(days=n) for n in range(ROWS)],
        open=close * 1.001,
        high=close * 1.004,
        low=close * 0.996,
        close=close,
        adjusted_close=adjusted,
        volume=np.full(ROWS, 1000.0),
        dividends=dividends,
        splits=np.zeros(ROWS),
        capital_gains=np.zeros(ROWS),
    )


def scaled(bars: Bars, rows: slice, factor: float) -> Bars:
    by = np.ones(ROWS)
    by[rows] = factor
    return replace(
        bars,
        open=bars.open * by,
        high=bars.high * by,
        low=bars.low * by,
        close=bars.close * by,
        adjusted_close=bars.adjusted_close * by,
    )


def adjusted_by(bars: Bars, share: float) -> Bars:
    """The series with another adjustment for its dividend."""
    right = bars.dividends[DIVIDEND_ROW] / bars.close[DIVIDEND_ROW - 1]
    adjusted = bars.adjusted_close.copy()
    adjusted[:DIVIDEND_ROW] *= (1 - share) / (1 - right)
    return replace(bars, adjusted_close=adjusted)


def only(bars: Bars, **found: object) -> Defect:
    (defect,) = repair(bars).defects
    for name, value in found.items():
        assert getattr(defect, name) == pytest.approx(value) if isinstance(value, float) else value
    return defect


def same(found: Bars, wanted: Bars) -> None:
    for name in ("open", "high", "low", "close", "adjusted_close", "volume", "dividends"):
        np.testing.assert_allclose(getattr(found, name), getattr(wanted, name), rtol=1e-9, err_msg=name)


@pytest.mark.parametrize("seed", range(20))
def test_a_clean_series_has_no_defect_and_is_the_same_object(seed: int) -> None:
    clean = series(seed=seed)
    result = repair(clean)
    assert result.defects == ()
    assert result.bars is clean


@pytest.mark.parametrize("factor", [100.0, 0.01])
@pytest.mark.parametrize("rows", [slice(40, 41), slice(40, 60), slice(199, 200)])
def test_rows_in_another_unit_come_back_to_the_traded_level(factor: float, rows: slice) -> None:
    clean = series()
    dirty = scaled(clean, rows, factor)
    defect = only(dirty)
    assert defect.kind == "price in another unit"
    assert defect.factor == pytest.approx(1 / factor)
    assert (defect.first_day, defect.last_day) == (clean.days[rows.start], clean.days[rows.stop - 1])
    same(repair(dirty).bars, clean)


def test_a_lasting_step_of_a_hundred_is_named_and_left() -> None:
    dirty = scaled(series(dividend=0.001), slice(0, 100), 0.01)
    result = repair(dirty)
    assert [(defect.kind, defect.is_repaired) for defect in result.defects] == [
        ("price in another unit", False)
    ]
    same(result.bars, dirty)


@pytest.mark.parametrize("ratio", [4.0, 0.1])
@pytest.mark.parametrize("applied_from", [77, 80, 83])
def test_rows_before_a_half_applied_split_come_to_the_newest_basis(ratio: float, applied_from: int) -> None:
    clean = series()
    splits = np.zeros(ROWS)
    splits[80] = ratio
    clean = replace(clean, splits=splits)
    volume = clean.volume.copy()
    volume[:applied_from] /= ratio
    dirty = replace(scaled(clean, slice(0, applied_from), ratio), volume=volume)
    assert only(dirty).kind == "split applied to some rows"
    same(repair(dirty).bars, clean)


def test_a_split_in_step_with_its_series_is_no_defect() -> None:
    splits = np.zeros(ROWS)
    splits[80] = 4.0
    assert repair(replace(series(), splits=splits)).defects == ()


@pytest.mark.parametrize(
    ("times", "kind"),
    [
        (0.0, "dividend not adjusted for"),
        (0.01, "dividend adjustment in another unit"),
        (80.0, "dividend adjustment wrong"),
    ],
)
def test_an_adjustment_is_made_that_of_its_dividend(times: float, kind: str) -> None:
    clean = series()
    dirty = adjusted_by(clean, times / float(clean.close[DIVIDEND_ROW - 1]))
    assert only(dirty).kind == kind
    same(repair(dirty).bars, clean)


def test_a_dividend_in_another_currency_is_named_and_left() -> None:
    dirty = adjusted_by(series(), 0.0216)
    assert repair(dirty).defects == ()  # 8 % off: rounding
    dirty = adjusted_by(series(), 0.03)
    assert (only(dirty).kind, only(dirty).is_repaired) == ("dividend and adjustment disagree", False)
    same(repair(dirty).bars, dirty)


def test_an_amount_that_the_price_denies_is_a_hundredth_of_what_is_said() -> None:
    clean = series(dividend=0.2)
    for dirty in (
        replace(clean, dividends=clean.dividends * 100),
        replace(adjusted_by(clean, 20 / clean.close[DIVIDEND_ROW - 1]), dividends=clean.dividends * 100),
    ):
        assert only(dirty).kind == "dividend in another unit"
        same(repair(dirty).bars, clean)


def test_a_large_dividend_that_the_price_shows_is_left_alone() -> None:
    assert repair(series(dividend=20.0)).defects == ()


def test_of_two_equal_dividends_within_days_the_one_that_the_price_shows_stays() -> None:
    clean = series(dividend=2.0)
    dividends = clean.dividends.copy()
    dividends[DIVIDEND_ROW - 1] = 2.0
    adjusted = clean.adjusted_close.copy()
    adjusted[: DIVIDEND_ROW - 1] *= 1 - 2.0 / clean.close[DIVIDEND_ROW - 2]
    dirty = replace(clean, dividends=dividends, adjusted_close=adjusted)
    assert only(dirty).kind == "dividend said twice"
    same(repair(dirty).bars, clean)


def test_capital_gains_within_the_dividend_are_not_adjusted_for_again() -> None:
    clean = series(dividend=4.0)
    gains = np.zeros(ROWS)
    gains[DIVIDEND_ROW] = 3.0
    clean = replace(clean, capital_gains=gains)
    dirty = adjusted_by(clean, 7.0 / float(clean.close[DIVIDEND_ROW - 1]))
    assert only(dirty).kind == "capital gains counted twice"
    same(repair(dirty).bars, clean)


def test_tiny_dividends_are_believed_but_of_what_is_quoted_in_hundredths() -> None:
    rows = range(20, ROWS, 30)
    moves = np.random.default_rng(3).normal(0, 0.005, ROWS)
    moves[rows] -= 0.03
    close = np.exp(np.cumsum(moves))
    quiet = series()
    believable, tiny = np.zeros(ROWS), np.zeros(ROWS)
    right, wrong = close.copy(), close.copy()
    for row in rows:
        believable[row] = 0.03 * close[row - 1]
        tiny[row] = believable[row] / 100
        right[:row] *= 1 - 0.03
        wrong[:row] *= 1 - 0.0003
    clean = replace(
        quiet,
        open=close,
        high=close * 1.001,
        low=close * 0.999,
        close=close,
        dividends=believable,
        adjusted_close=right,
    )
    dirty = replace(clean, dividends=tiny, adjusted_close=wrong)
    assert repair(dirty, currency="USD").defects == ()
    mended = repair(dirty, currency="GBp")
    assert {defect.kind for defect in mended.defects} == {"dividend in another unit"}
    same(mended.bars, clean)


def test_rows_without_prices_are_named_and_nothing_is_made_up() -> None:
    clean = series()
    close = clean.close.copy()
    close[50:53] = [np.nan, 0.0, np.nan]
    dirty = replace(clean, close=close)
    defect = only(dirty)
    assert (defect.kind, defect.is_repaired) == ("no prices", False)
    assert (defect.first_day, defect.last_day) == (clean.days[50], clean.days[52])
    same(repair(dirty).bars, dirty)
