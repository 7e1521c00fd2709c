"""Day counts: years between two days under the named market conventions."""

from typing import Literal, TypeAlias, get_args

import numpy as np

from folio.errors import CashFlowError
from folio.figures.arrays import DateArray, FloatArray, IntArray

DayCount: TypeAlias = Literal[
    "act/365F",
    "act/365.25",
    "act/364",
    "act/360",
    "act/act ISDA",
    "30/360 ISDA",
    "30U/360",
    "30E/360",
    "30E+/360",
    "30E/360 ISDA",
    "NL/365",
    "NL/360",
]
DAY_COUNTS: tuple[DayCount, ...] = get_args(DayCount)

_YEAR_OF_ACTUAL_DAYS = {"act/365F": 365.0, "act/365.25": 365.25, "act/364": 364.0, "act/360": 360.0}
_YEAR_WITHOUT_LEAP_DAYS = {"NL/365": 365.0, "NL/360": 360.0}


def year_fractions(start: np.datetime64, dates: DateArray, day_count: DayCount = "act/365F") -> FloatArray:
    """Years from `start` to each of `dates`.

    Parameters
    ----------
    start : datetime64[D]
    dates : datetime64[D] of shape (n_dates,)
        On or after the start.
    day_count
        act/365F, act/365.25, act/364, act/360: days over a fixed year. act/act ISDA: days of each calendar
        year over its own length. 30/360 ISDA (bond basis), 30U/360 (SIA, with the end of February), 30E/360,
        30E+/360, 30E/360 ISDA: months of thirty days. NL: days but 29 February, over a fixed year.

    Returns
    -------
    float64 of shape (n_dates,)

    Raises
    ------
    CashFlowError
        A date is before the start, or the day count is none of `DAY_COUNTS`.

    Notes
    -----
    Source: ISDA 2006 Definitions, section 4.16; SIA, Standard Securities Calculation Methods, for 30U/360.
    """
    start = start.astype("datetime64[D]")
    dates = np.asarray(dates, dtype="datetime64[D]")
    if (dates < start).any():
        raise CashFlowError(f"a date lies before {start}, from which years are counted")
    if day_count in _YEAR_OF_ACTUAL_DAYS:
        return (dates - start).astype(np.float64) / _YEAR_OF_ACTUAL_DAYS[day_count]
    if day_count in _YEAR_WITHOUT_LEAP_DAYS:
        leap_days = _leap_days_until(dates) - _leap_days_until(start)
        return ((dates - start).astype(np.int64) - leap_days) / _YEAR_WITHOUT_LEAP_DAYS[day_count]
    if day_count == "act/act ISDA":
        return _years_of_their_own_length(dates) - _years_of_their_own_length(start)
    if day_count not in DAY_COUNTS:
        raise CashFlowError(f"day count {day_count!r} is none of {', '.join(DAY_COUNTS)}")
    return _thirty_days_a_month(start, dates, day_count)


def _years_of_their_own_length(days: DateArray | np.datetime64) -> FloatArray:
    """Calendar year plus the share of it that has passed."""
    year = days.astype("datetime64[Y]")
    first = year.astype("datetime64[D]")
    length = ((year + 1).astype("datetime64[D]") - first).astype(np.float64)
    return np.asarray(year.astype(np.int64) + (days - first).astype(np.float64) / length, dtype=np.float64)


def _leap_days_until(days: DateArray | np.datetime64) -> IntArray:
    """Number of 29 Februaries on or before each day, counted from a fixed year."""
    march_years = ((days + 1).astype("datetime64[M]").astype(np.int64) + 1970 * 12 - 2) // 12
    return np.asarray(march_years // 4 - march_years // 100 + march_years // 400, dtype=np.int64)


def _thirty_days_a_month(start: np.datetime64, dates: DateArray, day_count: DayCount) -> FloatArray:
    month_1, month_2 = start.astype("datetime64[M]"), dates.astype("datetime64[M]")
    months = (month_2 - month_1).astype(np.int64)
    day_1 = int((start - month_1.astype("datetime64[D]")).astype(np.int64)) + 1
    day_2 = (dates - month_2.astype("datetime64[D]")).astype(np.int64) + 1
    ends_february_1, ends_february_2 = _ends_february(start), _ends_february(dates)
    match day_count:
        case "30/360 ISDA":
            day_1 = min(day_1, 30)
            day_2 = np.where((day_2 == 31) & (day_1 == 30), 30, day_2)
        case "30U/360":
            day_2 = np.where(ends_february_2 & ends_february_1, 30, day_2)
            day_1 = 30 if ends_february_1 else day_1
            day_2 = np.where((day_2 == 31) & (day_1 >= 30), 30, day_2)
            day_1 = min(day_1, 30)
        case "30E/360":
            day_1, day_2 = min(day_1, 30), np.minimum(day_2, 30)
        case "30E+/360":
            day_1 = min(day_1, 30)
            months, day_2 = months + (day_2 == 31), np.where(day_2 == 31, 1, day_2)
        case "30E/360 ISDA":
            day_1 = 30 if ends_february_1 else min(day_1, 30)
            day_2 = np.where(ends_february_2, 30, np.minimum(day_2, 30))
    return np.asarray((30 * months + day_2 - day_1) / 360.0, dtype=np.float64)


def _ends_february(days: DateArray | np.datetime64) -> np.ndarray:
    following = days + 1
    month = following.astype("datetime64[M]")
    is_first = following == month.astype("datetime64[D]")
    return np.asarray(is_first & (month.astype(np.int64) % 12 == 2))
