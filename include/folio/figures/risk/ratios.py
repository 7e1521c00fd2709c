"""Ratios of a path of returns, alone and beside a benchmark's: growth a year, tails, capture, regression.

Each function takes returns of equal periods as fractions, float64 of shape (n_periods,), and gives a float.
NaN in is a period without a return; NaN out is null. A benchmark has the shape of the returns.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from folio.errors import RiskError
from folio.figures.arrays import FloatArray
from folio.figures.risk.measures import max_drawdown

_NO_SPREAD = 1e-15  # variance at or below this share of the largest square is rounding


@dataclass(frozen=True)
class Regression:
    """Excess returns on the benchmark's: alpha a year, beta, share of variance explained; NaN is null."""

    alpha: float
    beta: float
    r_squared: float


@dataclass(frozen=True)
class BattingAverage:
    """Share of periods that beat the benchmark: of all, of those it did not fall in, of those it fell in."""

    all_periods: float
    up_market: float
    down_market: float


def cumulative_return(returns: ArrayLike) -> float:
    """Compounded return of the path; null without a period. A period without a return adds nothing."""
    r = _path(returns)
    return float(np.prod(1.0 + np.nan_to_num(r)) - 1.0) if r.size else np.nan


def cumulative_returns(returns: ArrayLike) -> FloatArray:
    """Compounded return at the close of each period; one without a return stands as the one before."""
    return np.asarray(np.cumprod(1.0 + np.nan_to_num(_path(returns))) - 1.0, dtype=np.float64)


def period_returns(wealth: ArrayLike) -> FloatArray:
    """Return from each point of a path of wealth to the next, of shape (n_points - 1,)."""
    path = _path(wealth)
    return np.asarray(path[1:] / path[:-1] - 1.0, dtype=np.float64)


def annual_return(returns: ArrayLike, periods_per_year: float) -> float:
    """Compounded return a year: (1 + cumulative return)^(periods per year / n) - 1, n counting every period.

    Null without a period and where everything is lost.
    """
    r = _path(returns)
    growth = 1.0 + cumulative_return(r)
    return float(growth ** (periods_per_year / r.size) - 1.0) if r.size and growth >= 0.0 else np.nan


def calmar(returns: ArrayLike, periods_per_year: float) -> float:
    """Compounded return a year over the depth of the deepest fall; null where nothing fell."""
    r = _path(returns)
    depth = -float(max_drawdown(r).depth)
    return annual_return(r, periods_per_year) / depth if depth > 0.0 else np.nan


def ulcer_index(wealth: ArrayLike) -> float:
    """Root of the mean square of the falls from the running peak, over every point of a path of wealth."""
    path = _path(wealth)
    if path.size == 0:
        return np.nan
    under = path / np.maximum.accumulate(path) - 1.0
    return float(np.sqrt(np.mean(under**2)))


def omega(
    returns: ArrayLike,
    risk_free: ArrayLike = 0.0,
    required_return: float = 0.0,
    periods_per_year: float = 1.0,
) -> float:
    """Sum of the excess returns above the required one over the sum below it.

    `risk_free` is a rate a period; `required_return` one a year where there are `periods_per_year`. Null for
    fewer than two periods, nothing below, and a required return of -1 or less.
    """
    r = _path(returns)
    if r.size < 2 or required_return <= -1.0:
        return np.nan
    threshold = (1.0 + required_return) ** (1.0 / periods_per_year) - 1.0
    excess = r - np.asarray(risk_free, dtype=np.float64) - threshold
    above, below = np.nansum(np.maximum(excess, 0.0)), -np.nansum(np.minimum(excess, 0.0))
    return float(above / below) if below > 0.0 else np.nan


def stability(returns: ArrayLike) -> float:
    """Share of variance that a straight line explains of the path of log wealth; null for fewer than two."""
    r = _path(returns)
    r = r[~np.isnan(r)]
    if r.size < 2 or (r <= -1.0).any():
        return np.nan
    return _regression(np.cumsum(np.log1p(r)), np.arange(r.size, dtype=np.float64))[2]


def return_quantile(returns: ArrayLike, probability: float) -> float:
    """Return below which the given share lies, interpolated between neighbours; null without returns.

    Raises
    ------
    RiskError
        The probability is not within [0, 1].
    """
    r = _known(returns, probability)
    return float(np.quantile(r, probability)) if r.size else np.nan


def lower_tail_mean(returns: ArrayLike, probability: float) -> float:
    """Mean of the returns up to the one at or below the quantile of the probability; null without returns.

    With n returns in ascending order, of the first floor((n - 1) * probability) + 1.

    Raises
    ------
    RiskError
        The probability is not within [0, 1].
    """
    r = np.sort(_known(returns, probability))
    return float(r[: int((r.size - 1) * probability) + 1].mean()) if r.size else np.nan


def _known(returns: ArrayLike, probability: float) -> FloatArray:
    """Returns that are known; RiskError where a probability asked of them is none."""
    if not 0.0 <= probability <= 1.0:
        raise RiskError(f"probability {probability} is not within 0 and 1")
    r = _path(returns)
    return r[~np.isnan(r)]


def tail_ratio(returns: ArrayLike, probability: float = 0.05) -> float:
    """Size of the upper quantile over that of the lower one; null where the lower one is zero."""
    upper, lower = (abs(return_quantile(returns, p)) for p in (1.0 - probability, probability))
    return upper / lower if lower > 0.0 else np.nan


def regression(
    returns: ArrayLike, benchmark: ArrayLike, risk_free: ArrayLike = 0.0, periods_per_year: float = 252.0
) -> Regression:
    """Least squares of the excess returns on the benchmark's, over the periods in which both are known.

    `risk_free` is a rate a period. alpha = (1 + mean(excess - beta * benchmark's excess))^periods - 1. All
    null for fewer than two periods, beta and alpha where the benchmark does not vary.
    """
    r, b = _beside(returns, benchmark)
    rate = np.broadcast_to(np.asarray(risk_free, dtype=np.float64), r.shape)
    both = ~(np.isnan(r) | np.isnan(b) | np.isnan(rate))
    excess, market = (r - rate)[both], (b - rate)[both]
    if excess.size < 2:
        return Regression(np.nan, np.nan, np.nan)
    beta, intercept, r_squared = _regression(excess, market)
    return Regression(float((1.0 + intercept) ** periods_per_year - 1.0), beta, r_squared)


def capture(returns: ArrayLike, benchmark: ArrayLike, periods_per_year: float) -> float:
    """Compounded return a year over the benchmark's; null where the benchmark's is zero."""
    r, b = _beside(returns, benchmark)
    return _capture(r, b, periods_per_year)


def up_capture(returns: ArrayLike, benchmark: ArrayLike, periods_per_year: float) -> float:
    """As `capture`, over the periods with a return in which the benchmark rose."""
    r, b = _beside(returns, benchmark)
    rose = (b > 0.0) & ~np.isnan(r)
    return _capture(r[rose], b[rose], periods_per_year)


def down_capture(returns: ArrayLike, benchmark: ArrayLike, periods_per_year: float) -> float:
    """As `capture`, over the periods with a return in which the benchmark fell."""
    r, b = _beside(returns, benchmark)
    fell = (b < 0.0) & ~np.isnan(r)
    return _capture(r[fell], b[fell], periods_per_year)


def up_down_capture(returns: ArrayLike, benchmark: ArrayLike, periods_per_year: float) -> float:
    """Up capture over down capture; null where the latter is zero."""
    down = down_capture(returns, benchmark, periods_per_year)
    return up_capture(returns, benchmark, periods_per_year) / down if down != 0.0 else np.nan


def batting_average(returns: ArrayLike, benchmark: ArrayLike) -> BattingAverage:
    """How often the returns beat the benchmark's, over the periods in which both are known."""
    r, b = _beside(returns, benchmark)
    both = ~(np.isnan(r) | np.isnan(b))
    beaten, fell = (r > b)[both], (b < 0.0)[both]

    def share(which: np.ndarray) -> float:
        return float(which.mean()) if which.size else np.nan

    return BattingAverage(share(beaten), share(beaten[~fell]), share(beaten[fell]))


def longest_without_a_peak(wealth: ArrayLike, dates: ArrayLike) -> int:
    """Calendar days of the longest wait for a strictly higher peak, the one still going on too.

    `wealth` and `dates` (datetime64[D]) have shape (n_points,); 0 for fewer than two points.
    """
    path, days = _path(wealth), np.asarray(dates, dtype="datetime64[D]")
    if path.shape != days.shape:
        raise RiskError(f"wealth of shape {path.shape} and dates of shape {days.shape} do not pair")
    if path.size < 2:
        return 0
    highest = np.maximum.accumulate(path)
    peaks = np.flatnonzero(np.concatenate([[True], highest[1:] > highest[:-1]]))
    ends = np.concatenate([days[peaks], days[-1:]])
    return int(np.diff(ends).max().astype(np.int64))


def _regression(y: FloatArray, x: FloatArray) -> tuple[float, float, float]:
    """Slope, intercept and explained share of the least squares line; null where x does not vary."""
    x_off, y_off = x - x.mean(), y - y.mean()
    spread = float(x_off @ x_off)
    if spread <= _NO_SPREAD * float(np.max(np.abs(x)) ** 2) * x.size:
        return np.nan, np.nan, np.nan
    slope = float(x_off @ y_off) / spread
    variance = float(y_off @ y_off)
    explained = slope * float(x_off @ y_off) / variance if variance > 0.0 else np.nan
    return slope, float(y.mean() - slope * x.mean()), explained


def _capture(r: FloatArray, b: FloatArray, periods_per_year: float) -> float:
    own, other = annual_return(r, periods_per_year), annual_return(b, periods_per_year)
    return own / other if other != 0.0 else np.nan


def _beside(returns: ArrayLike, benchmark: ArrayLike) -> tuple[FloatArray, FloatArray]:
    r, b = _path(returns), _path(benchmark)
    if r.shape != b.shape:
        raise RiskError(f"returns of shape {r.shape} and a benchmark of shape {b.shape} do not pair")
    return r, b


def _path(numbers: ArrayLike) -> FloatArray:
    r = np.asarray(numbers, dtype=np.float64)
    if r.ndim != 1 or np.isinf(r).any():
        raise RiskError(f"numbers of shape {r.shape} have more than one axis or are infinite")
    return r
