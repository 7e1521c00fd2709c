"""Risk measures of daily returns: dispersion, ratios, drawdown, historical value at risk.

Each function takes returns as fractions, float64 of shape (n_days,) or (n_portfolios, n_days), and gives one
number a row: shape () or (n_portfolios,). NaN in is a day without a return and is left out; NaN out is null.
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike

from folio.errors import RiskError
from folio.figures.arrays import BoolArray, DateArray, FloatArray, IntArray

WINDOW_DAYS = 500
LEAST_DAYS = 250

_NO_SPREAD = 1e-15  # deviation at or below this share of the largest return is rounding, not risk


@dataclass(frozen=True)
class Drawdown:
    """Deepest fall of wealth from a peak, arrays of shape () or (n_portfolios,).

    `depth` is a fraction <= 0. `peak`, `trough` and `recovery` are positions on the wealth path, on which 0
    is the close before the first return and i the close of the i-th; recovery is -1 while the peak is not
    reached again. Without a fall depth is 0 and all positions are 0.
    """

    depth: FloatArray
    peak: IntArray
    trough: IntArray
    recovery: IntArray

    def days(self, path_dates: DateArray) -> IntArray:
        """Calendar days under water: from the peak to recovery, or to the last day while there is none.

        `path_dates` has shape (n_days + 1,): the day before the first return, then those of the returns.
        """
        path_dates = np.asarray(path_dates, dtype="datetime64[D]")
        return (path_dates[self.recovery] - path_dates[self.peak]).astype(np.int64)


@dataclass(frozen=True)
class TailLoss:
    """Historical value at risk and expected shortfall, arrays of shape () or (n_portfolios,).

    Losses are positive fractions (negative where even the tail gained). `observations` is the number of daily
    returns used; `is_scaled` says that a longer horizon was had from one day by the root of time.
    """

    var: FloatArray
    cvar: FloatArray
    observations: IntArray
    is_scaled: BoolArray


def volatility(returns: FloatArray, periods_per_year: float) -> FloatArray:
    """Sample standard deviation (n - 1 divides) times sqrt(periods_per_year); null for n < 2."""
    r, n = _returns(returns)
    return _a_year(_deviation(r, n), periods_per_year)


def semideviation(returns: FloatArray, periods_per_year: float) -> FloatArray:
    """As `volatility`, summing only days below the mean, with the same divisor n - 1."""
    r, n = _returns(returns)
    below = np.minimum(r - _mean(r, n)[..., None], 0.0)
    return _a_year(np.sqrt(_over(np.nansum(below**2, axis=-1), n - 1)), periods_per_year)


def downside_deviation(
    returns: FloatArray, periods_per_year: float, required_return: ArrayLike = 0.0
) -> FloatArray:
    """Root of the mean square of shortfalls below the required daily return (n divides), a year."""
    excess, n = _returns(_excess(returns, required_return))
    mean_square = _over(np.nansum(np.minimum(excess, 0.0) ** 2, axis=-1), n)
    return _a_year(np.sqrt(mean_square), periods_per_year)


def sharpe(returns: FloatArray, risk_free: ArrayLike | None, periods_per_year: float) -> FloatArray:
    """Mean excess return over its standard deviation, times sqrt(periods_per_year).

    `risk_free` is a rate a day, a number or of the shape of the returns. Null without a risk-free rate, for
    fewer than two returns, and where the excess does not vary.
    """
    if risk_free is None:
        return np.full(np.shape(returns)[:-1], np.nan)
    excess, n = _returns(_excess(returns, risk_free))
    return _a_year(_over(_mean(excess, n), _spread(excess, _deviation(excess, n))), periods_per_year)


def sortino(returns: FloatArray, risk_free: ArrayLike | None, periods_per_year: float) -> FloatArray:
    """Mean excess return over the downside deviation of the excess, both a year.

    Null without a risk-free rate, without returns, and where no day falls short.
    """
    if risk_free is None:
        return np.full(np.shape(returns)[:-1], np.nan)
    excess, n = _returns(_excess(returns, risk_free))
    shortfall = downside_deviation(excess, 1.0)
    return _a_year(_over(_mean(excess, n), _spread(excess, shortfall)), periods_per_year)


def max_drawdown(returns: FloatArray) -> Drawdown:
    """Deepest fall of the wealth path from its running peak, wealth being 1 before the first return."""
    r, _ = _returns(returns)
    wealth = np.cumprod(1.0 + np.nan_to_num(r), axis=-1)
    return drawdown_of(np.concatenate([np.ones((*r.shape[:-1], 1)), wealth], axis=-1))


def drawdown_of(wealth: FloatArray) -> Drawdown:
    """Deepest fall from the running peak of wealth, shape (n_points,) or (n_portfolios, n_points)."""
    highest = np.maximum.accumulate(wealth, axis=-1)
    under = wealth / highest - 1.0
    position = np.arange(wealth.shape[-1])
    trough = np.argmin(under, axis=-1)
    depth = np.take_along_axis(under, trough[..., None], axis=-1)[..., 0]
    top = np.take_along_axis(highest, trough[..., None], axis=-1)
    before = position <= trough[..., None]
    peak = np.where(before & (wealth == top), position, -1).max(axis=-1)  # the last day at the peak's level
    again = ~before & (wealth >= top)
    recovery = np.where(again.any(axis=-1), np.argmax(again, axis=-1), -1)
    fell = depth < 0.0
    return Drawdown(
        np.asarray(depth), np.where(fell, peak, 0), np.where(fell, trough, 0), np.where(fell, recovery, 0)
    )


def historical_tail(
    returns: FloatArray,
    confidence: float,
    horizon_days: int = 1,
    window_days: int = WINDOW_DAYS,
    least_days: int = LEAST_DAYS,
) -> TailLoss:
    """Value at risk and expected shortfall by history over the last `window_days` returns.

    With n losses ordered from the worst and k = ceil((1 - confidence) * n), value at risk is the k-th,
    expected shortfall the mean of the first k. Fewer than `least_days` returns: null. A longer horizon
    compounds overlapping windows when the full window of returns is there, else takes one day times the root
    of the horizon (`is_scaled`). Source: docs/methods/risk.md.

    Raises
    ------
    RiskError
        Returns are infinite or not of one or two axes, the confidence is not within (0, 1), or the horizon
        not within the window.
    """
    if not 0.0 < confidence < 1.0:
        raise RiskError(f"confidence {confidence} is not between 0 and 1")
    if not 1 <= horizon_days <= window_days:
        raise RiskError(f"a horizon of {horizon_days} days does not fit a window of {window_days}")
    r, _ = _returns(returns)
    in_order = np.argsort(~np.isnan(r), axis=-1, kind="stable")  # unknown days first, the rest as they came
    recent = np.take_along_axis(r, in_order, axis=-1)[..., -window_days:]
    n = np.count_nonzero(~np.isnan(recent), axis=-1)

    var, cvar = _tail(-recent, confidence)
    is_scaled = np.zeros(n.shape, dtype=np.bool_)
    if horizon_days > 1:
        is_scaled = np.asarray(n < window_days)
        root = np.sqrt(horizon_days)
        var, cvar = var * root, cvar * root
        if not is_scaled.all():
            compound = np.prod(1.0 + sliding_window_view(recent, horizon_days, axis=-1), axis=-1) - 1.0
            long_var, long_cvar = _tail(-compound, confidence)
            var, cvar = np.where(is_scaled, var, long_var), np.where(is_scaled, cvar, long_cvar)
    short = n < least_days
    return TailLoss(
        np.where(short, np.nan, var), np.where(short, np.nan, cvar), np.asarray(n), is_scaled & ~short
    )


def _tail(losses: FloatArray, confidence: float) -> tuple[FloatArray, FloatArray]:
    """k-th worst loss and mean of the k worst, NaN left out; null without losses."""
    n = np.count_nonzero(~np.isnan(losses), axis=-1)
    # (1 - 0.95) * 500 is 25.000000000000021 in floats: round before the ceiling
    k = np.clip(np.ceil(np.round((1.0 - confidence) * n, 9)).astype(np.int64), 1, None)
    if losses.shape[-1] == 0:
        nothing = np.full(losses.shape[:-1], np.nan)
        return nothing, nothing
    worst_first = -np.sort(-losses, axis=-1)  # NaN stay last
    last = np.asarray(k - 1)[..., None]
    var = np.take_along_axis(worst_first, last, axis=-1)[..., 0]
    cvar = np.take_along_axis(np.cumsum(worst_first, axis=-1), last, axis=-1)[..., 0] / k
    return var, cvar


def _returns(returns: ArrayLike) -> tuple[FloatArray, IntArray]:
    """Returns as float64 and the number of known ones by row."""
    r = np.asarray(returns, dtype=np.float64)
    if r.ndim not in (1, 2):
        raise RiskError(f"returns of shape {r.shape} have neither one nor two axes")
    if np.isinf(r).any():
        raise RiskError("a return is infinite")
    return r, np.asarray(np.count_nonzero(~np.isnan(r), axis=-1))


def _excess(returns: ArrayLike, required: ArrayLike) -> FloatArray:
    try:
        return np.asarray(returns, dtype=np.float64) - np.asarray(required, dtype=np.float64)
    except ValueError as error:
        raise RiskError(f"the rates of shape {np.shape(required)} do not fit the returns") from error


def _mean(r: FloatArray, n: IntArray) -> FloatArray:
    return _over(np.nansum(r, axis=-1), n)


def _deviation(r: FloatArray, n: IntArray) -> FloatArray:
    """Sample standard deviation (n - 1 divides)."""
    squares = np.nansum((r - _mean(r, n)[..., None]) ** 2, axis=-1)
    return np.sqrt(_over(squares, n - 1))


def _spread(r: FloatArray, deviation: FloatArray) -> FloatArray:
    """The deviation, zero where it is only rounding of returns that do not vary."""
    largest = np.max(np.abs(np.nan_to_num(r)), axis=-1, initial=0.0)
    return np.where(deviation <= _NO_SPREAD * largest, 0.0, deviation)


def _a_year(daily: FloatArray, periods_per_year: float) -> FloatArray:
    """A daily deviation or ratio scaled by the root of the periods in a year."""
    return np.asarray(daily * np.sqrt(periods_per_year), dtype=np.float64)


def _over(above: ArrayLike, below: ArrayLike) -> FloatArray:
    """Quotient, null where the divisor is not above zero."""
    numerator, divisor = np.broadcast_arrays(np.asarray(above, np.float64), np.asarray(below, np.float64))
    null = np.full(numerator.shape, np.nan)
    return np.asarray(np.divide(numerator, divisor, out=null, where=divisor > 0), dtype=np.float64)
