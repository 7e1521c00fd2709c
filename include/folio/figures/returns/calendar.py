"""Returns by calendar period: daily or weekly returns compounded over weeks, months, quarters and years."""

from typing import Literal

import numpy as np

from folio.errors import CashFlowError
from folio.figures.arrays import DateArray, FloatArray

CalendarPeriod = Literal["weekly", "monthly", "quarterly", "yearly"]

_THURSDAY = 4  # 1970-01-01 was one, and a week is of the year its Thursday lies in


def compounded(dates: DateArray, returns: FloatArray, period: CalendarPeriod) -> tuple[DateArray, FloatArray]:
    """Returns compounded over each calendar period that holds one.

    Parameters
    ----------
    dates : datetime64[D] of shape (n_days,)
        Ascending.
    returns : float64 of shape (n_days,)
        Fractions; NaN adds nothing.
    period
        Weeks run from Monday to Sunday.

    Returns
    -------
    datetime64[D] and float64, each of shape (n_periods,)
        First day of each period and its return.

    Raises
    ------
    CashFlowError
        Shapes differ, dates do not ascend, or the period is unknown.
    """
    dates, returns = np.asarray(dates, dtype="datetime64[D]"), np.asarray(returns, dtype=np.float64)
    if dates.ndim != 1 or dates.shape != returns.shape:
        raise CashFlowError(f"dates of shape {dates.shape} and returns of shape {returns.shape} do not pair")
    if (np.diff(dates) <= np.timedelta64(0, "D")).any():
        raise CashFlowError("dates do not ascend")
    months = dates.astype("datetime64[M]")
    match period:
        case "weekly":
            first_days = dates - (dates.astype(np.int64) + _THURSDAY - 1) % 7
        case "monthly":
            first_days = months.astype("datetime64[D]")
        case "quarterly":
            first_days = (months - months.astype(np.int64) % 3).astype("datetime64[D]")
        case "yearly":
            first_days = dates.astype("datetime64[Y]").astype("datetime64[D]")
        case _:
            raise CashFlowError(f"no calendar period {period!r}")
    if not dates.size:
        return dates, returns
    starts, firsts = np.unique(first_days, return_index=True)
    return starts, np.multiply.reduceat(1.0 + np.nan_to_num(returns), firsts) - 1.0
