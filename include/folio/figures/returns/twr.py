"""Time-weighted return: daily returns of a value path with flows, and their chain."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from folio.errors import CashFlowError
from folio.figures.arrays import BoolArray, FloatArray

FlowTiming = Literal["start", "end"]


@dataclass(frozen=True)
class DailyReturns:
    """Returns by day, each array of shape (n_days,).

    Attributes
    ----------
    rate : float64
        Return of the day as a fraction; NaN where there is none.
    is_gap : bool
        The value of the day is unknown; the return of the next known day spans it.
    is_undefined : bool
        The day's denominator is not above zero: nothing was invested, and the chain restarts after it.
    """

    rate: FloatArray
    is_gap: BoolArray
    is_undefined: BoolArray


@dataclass(frozen=True)
class Chain:
    """Linked daily returns, each array of shape (n_days,).

    Attributes
    ----------
    growth : float64
        Value of one unit invested where the current chain began; in a gap that of the day before, NaN on
        days without a chain.
    is_restart : bool
        First day of a chain that follows a broken one: returns before it are not in `growth`.
    """

    growth: FloatArray
    is_restart: BoolArray


@dataclass(frozen=True)
class LinkedReturn:
    """Return over several days as a fraction (None without a return), and whether the chain broke in them."""

    rate: float | None
    is_broken: bool


def daily_returns(
    values: FloatArray,
    deposits: FloatArray,
    withdrawals: FloatArray,
    timing: FlowTiming = "start",
    *,
    end_deposits: FloatArray | None = None,
    opening_value: float = 0.0,
) -> DailyReturns:
    """Daily returns after all costs that the values bear.

    Parameters
    ----------
    values : float64 of shape (n_days,), one currency
        Value at the close of each day; NaN where a part is unknown.
    deposits, withdrawals : float64 of shape (n_days,), same currency
        Money in and out, both >= 0 and finite.
    timing : "start" or "end"
        When deposits arrive. Withdrawals always leave at the end of the day.
    end_deposits : float64 of shape (n_days,), optional
        Further deposits that arrive at the end of the day whatever the timing, for a portfolio whose
        accounts differ in it.
    opening_value : float
        Value at the close before the first day.

    Raises
    ------
    CashFlowError
        Shapes differ, a flow is negative or not finite, or the timing is unknown.

    Notes
    -----
    start: r = (V1 + W) / (V0 + D) - 1. end: r = (V1 + W - D) / V0 - 1. V0 is the last known value; flows on
    days of unknown value count towards the next known day. Source: docs/methods/twr.md.
    """
    values = np.asarray(values, dtype=np.float64)
    none = np.zeros(values.shape)
    late = none if end_deposits is None else np.asarray(end_deposits, dtype=np.float64)
    early, w = np.asarray(deposits, dtype=np.float64), np.asarray(withdrawals, dtype=np.float64)
    if values.ndim != 1 or not (early.shape == w.shape == late.shape == values.shape):
        raise CashFlowError(
            f"values of shape {values.shape} and flows of {early.shape}, {w.shape}, {late.shape} differ"
        )
    if not all(np.isfinite(flow).all() and (flow >= 0).all() for flow in (early, w, late)):
        raise CashFlowError("deposits and withdrawals must be finite and not negative")
    if timing == "end":
        early, late = none, early + late
    elif timing != "start":
        raise CashFlowError(f"flow timing {timing!r} is neither 'start' nor 'end'")

    rate = np.full(values.shape, np.nan)
    is_undefined = np.zeros(values.shape, dtype=np.bool_)
    is_gap = ~np.isfinite(values)
    known = np.flatnonzero(~is_gap)
    if known.size:
        first_of_span = np.concatenate([[0], known[:-1] + 1])
        closed = known[-1] + 1
        early, w, late = (np.add.reduceat(flow[:closed], first_of_span) for flow in (early, w, late))
        v1 = values[known]
        v0 = np.concatenate([[opening_value], v1[:-1]])
        base = v0 + early
        invested = base > 0
        rate[known] = np.divide(v1 + w - late, base, out=np.full(v1.shape, np.nan), where=invested) - 1.0
        is_undefined[known] = ~invested
    return DailyReturns(rate, is_gap, is_undefined)


def chain(returns: DailyReturns) -> Chain:
    """Growth of one unit along the days; it restarts at one after days on which nothing was invested."""
    link = np.where(np.isnan(returns.rate), 1.0, 1.0 + returns.rate)
    runs = np.cumsum(returns.is_undefined)  # days between two undefined ones share a number
    growth = np.full(link.shape, np.nan)
    is_restart = np.zeros(link.shape, dtype=np.bool_)
    begun = False
    for run in np.unique(runs):
        days = np.flatnonzero((runs == run) & ~returns.is_undefined)
        linked = days[np.isfinite(returns.rate[days])]
        if linked.size == 0:
            continue
        days = days[days >= linked[0]]
        growth[days] = np.cumprod(link[days])
        is_restart[linked[0]] = begun
        begun = True
    return Chain(growth, is_restart)


def linked_return(returns: DailyReturns, first: int, last: int) -> LinkedReturn:
    """Return from the close before day `first` to the close of day `last` (positions, both included).

    Days at the end on which nothing was invested add nothing. Where such days stand before or between
    returns, the rate is that of the last unbroken run and `is_broken` is set.
    """
    span = slice(first, last + 1)
    rate, is_undefined = returns.rate[span], returns.is_undefined[span]
    linked = np.flatnonzero(np.isfinite(rate))
    if linked.size == 0:
        return LinkedReturn(None, bool(is_undefined.any()))
    breaks = np.flatnonzero(is_undefined[: linked[-1]])
    run = linked[linked > breaks[-1]] if breaks.size else linked
    return LinkedReturn(float(np.prod(1.0 + rate[run]) - 1.0), bool(breaks.size))
