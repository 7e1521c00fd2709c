"""Results by period: where each period starts, the additive result over it, and its rates of return."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from folio.errors import CashFlowError
from folio.figures.arrays import DateArray, FloatArray, IntArray
from folio.figures.returns.cashflows import DAYS_PER_YEAR, xirr_many
from folio.figures.returns.dietz import linked_modified_dietz, modified_dietz
from folio.figures.returns.twr import DailyReturns, daily_returns, linked_return

Period = Literal["1D", "1W", "MTD", "QTD", "YTD", "FYTD", "1Y", "3Y", "5Y", "ITD"]
PERIODS: tuple[Period, ...] = ("1D", "1W", "MTD", "QTD", "YTD", "FYTD", "1Y", "3Y", "5Y", "ITD")

INDIAN_TAX_YEAR = (4, 1)
BRITISH_TAX_YEAR = (4, 6)

Money: TypeAlias = NDArray[Any]
"""float64 (NaN is null), or object holding Decimal (None is null) where sums must be exact."""

Amount: TypeAlias = float | Decimal | None

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class DailyBook:
    """Days of one portfolio or account from its first one, each array of shape (n_days,), one currency.

    `value` is at the close, null where a part is unknown; everything else is of the day. Fees and taxes are
    positive. `deposits` arrive at the start of the day, `end_deposits` and `withdrawals` at its end.
    Gains and currency effect of days without a value belong to the next day with one. Before the first day
    nothing was held. `invested` is the average cost, without fees, of what is held at the close; without it
    there is no return on the average investment.
    """

    dates: DateArray
    value: Money
    deposits: Money
    end_deposits: Money
    withdrawals: Money
    income: Money
    fees: Money
    taxes: Money
    gains: Money
    currency_effect: Money
    invested: Money | None = None


@dataclass(frozen=True)
class PeriodResult:
    """One period's additive result and rates; None is null.

    initial + gains + income - fees - taxes + currency_effect + net_flow + residual = final, where `residual`
    is zero when the days' own terms are complete. Rates are fractions: `twr` over the period, `twr_yearly`
    the same a year (null under one year), `xirr` a year, or over the period under one year (`is_annualised`
    tells). `is_broken`: the time-weighted chain restarted within the period; then only ITD has a `twr`, that
    since the restart. `period` is None for a span without a name.

    `roai` = (gains + currency_effect + income - fees) / mean_investment, with the mean over the days on which
    something was invested; `roai_gross` the same before fees. Both are in the numbers of the book.
    """

    period: Period | None
    start_date: date
    end_date: date
    initial_value: Amount
    gains: Amount
    income: Amount
    fees: Amount
    taxes: Amount
    currency_effect: Amount
    net_flow: Amount
    final_value: Amount
    residual: Amount
    twr: float | None
    twr_yearly: float | None
    is_broken: bool
    xirr: float | None
    root_count: int
    is_annualised: bool
    simple_return: float | None
    modified_dietz: float | None
    linked_modified_dietz: float | None
    mean_investment: Amount
    roai: Amount
    roai_gross: Amount


def period_start(
    period: Period, end: date, first_day: date, fiscal_year: tuple[int, int] = INDIAN_TAX_YEAR
) -> date | None:
    """Day whose close opens the period that ends with `end`; None when the history is shorter.

    `first_day` is the first day of the history, so the earliest possible start is the day before it, when
    nothing was held. `fiscal_year` is month and day on which the tax year begins.
    """
    match period:
        case "1D":
            start = end - _ONE_DAY
        case "1W":
            start = end - timedelta(days=7)
        case "MTD":
            start = end.replace(day=1) - _ONE_DAY
        case "QTD":
            start = end.replace(month=3 * ((end.month - 1) // 3) + 1, day=1) - _ONE_DAY
        case "YTD":
            start = date(end.year, 1, 1) - _ONE_DAY
        case "FYTD":
            begun = date(end.year, *fiscal_year)
            start = (begun if begun <= end else date(end.year - 1, *fiscal_year)) - _ONE_DAY
        case "1Y" | "3Y" | "5Y":
            start = years_before(end, int(period[0]))
        case "ITD":
            start = first_day - _ONE_DAY
    return start if start >= first_day - _ONE_DAY else None


def years_before(day: date, years: int) -> date:
    """The same day so many years earlier; 28 February where there is no 29th."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def period_results(
    book: DailyBook,
    end: date | None = None,
    periods: Sequence[Period] = PERIODS,
    fiscal_year: tuple[int, int] = INDIAN_TAX_YEAR,
) -> list[PeriodResult]:
    """Results of the periods that end with the last day on or before `end` (the last of all by default).

    The history begins with the first day that has a value or a flow; a period longer than it is left out. The
    initial value is that of the last day on or before the period's start, and `start_date` is that day.
    Source: docs/methods/period-result.md.

    Raises
    ------
    CashFlowError
        Dates do not ascend, shapes differ, or no day lies on or before `end`.
    """
    days = _Days.of(book)
    last = days.last_on_or_before(end)
    if last < 0:
        raise CashFlowError(f"no day on or before {end}")
    first_day = days.first_day(last)
    if first_day is None:
        return []
    end_day = days.dates[last].item()
    starts = [
        (period, start)
        for period in periods
        if (start := period_start(period, end_day, first_day, fiscal_year)) is not None
    ]
    rates = _money_weighted([_flows(days, start, last) for _, start in starts])
    return [
        _result(days, period, start, last, rate) for (period, start), rate in zip(starts, rates, strict=True)
    ]


def result_between(book: DailyBook, start: date, end: date) -> PeriodResult:
    """Result from the close of `start` to that of `end`, each the last day of the book on or before it.

    Raises
    ------
    CashFlowError
        As for `period_results`, or the end is not after the start.
    """
    days = _Days.of(book)
    last = days.last_on_or_before(end)
    if last < 0 or start >= end:
        raise CashFlowError(f"no day of the book from {start} to {end}")
    (rate,) = _money_weighted([_flows(days, start, last)])
    return _result(days, None, start, last, rate)


@dataclass(frozen=True)
class _Days:
    """A checked book with its flows and values as floats."""

    book: DailyBook
    dates: DateArray
    value: FloatArray
    deposits: FloatArray
    end_deposits: FloatArray
    withdrawals: FloatArray
    returns: DailyReturns

    @classmethod
    def of(cls, book: DailyBook) -> "_Days":
        dates = np.asarray(book.dates, dtype="datetime64[D]")
        arrays = {name: getattr(book, name) for name in book.__dataclass_fields__}
        shapes = {name: np.shape(array) for name, array in arrays.items() if array is not None}
        if dates.ndim != 1 or any(shape != dates.shape for shape in shapes.values()):
            raise CashFlowError(f"arrays of shapes {shapes} do not share days")
        if (np.diff(dates) <= np.timedelta64(0, "D")).any():
            raise CashFlowError("dates do not ascend")
        value, deposits, end_deposits, withdrawals = (
            _floats(array) for array in (book.value, book.deposits, book.end_deposits, book.withdrawals)
        )
        returns = daily_returns(value, deposits, withdrawals, "start", end_deposits=end_deposits)
        return cls(book, dates, value, deposits, end_deposits, withdrawals, returns)

    def last_on_or_before(self, end: date | None) -> int:
        """Position of the last day on or before `end`, the last of all by default; -1 where there is none."""
        if not self.dates.size:
            return -1
        return int(np.searchsorted(self.dates, np.datetime64(end or self.dates[-1]), side="right")) - 1

    def first_day(self, last: int) -> date | None:
        """First day up to position `last` that has a value or a flow."""
        flows = self.deposits + self.end_deposits + self.withdrawals
        active = np.flatnonzero((self.value != 0.0) | (flows != 0.0))
        if active.size == 0 or active[0] > last:
            return None
        first: date = self.dates[active[0]].item()
        return first


@dataclass(frozen=True)
class _MoneyWeighted:
    """Rate as shown, number of roots, and whether the rate is a yearly one."""

    rate: float | None
    root_count: int
    is_annualised: bool


def _result(
    days: _Days, period: Period | None, start: date, last: int, money_weighted: _MoneyWeighted
) -> PeriodResult:
    opening = days.last_on_or_before(start)  # -1: before the history
    start_day = days.dates[opening].item() if opening >= 0 else start
    end_day = days.dates[last].item()
    initial, final = (0.0 if opening < 0 else days.value[opening]), days.value[last]
    span = slice(opening + 1, last + 1)
    early, late, withdrawn = days.deposits[span], days.end_deposits[span], days.withdrawals[span]
    received = withdrawn - early - late
    twr, is_broken = _time_weighted(days.returns, opening, last, initial, final, period)
    length = (end_day - start_day).days
    terms = _additive_terms(days.book, opening, last)
    dietz = modified_dietz(
        np.datetime64(start_day), initial, days.dates[span], early, late - withdrawn, final
    )
    return PeriodResult(
        period=period,
        start_date=start_day,
        end_date=end_day,
        **terms,
        twr=twr,
        twr_yearly=_yearly(twr, length),
        is_broken=is_broken,
        xirr=money_weighted.rate,
        root_count=money_weighted.root_count,
        is_annualised=money_weighted.is_annualised,
        simple_return=_simple_return(initial, final, float(received.sum())),
        modified_dietz=_known_rate(dietz),
        linked_modified_dietz=_known_rate(
            linked_modified_dietz(initial, days.value[span], early + late - withdrawn)
        ),
        **_on_average_investment(days.book, opening, last, terms),
    )


def cash_flows(book: DailyBook, start: date, end: date) -> tuple[DateArray, FloatArray]:
    """Dates and amounts, seen by the investor, whose rate is the money-weighted return of a span.

    The opening value is paid in on the start day, the closing value paid out on the last one; days without a
    flow are left out. An amount is NaN where a value at either end is unknown.
    """
    days = _Days.of(book)
    return _flows(days, start, days.last_on_or_before(end))


def _flows(days: _Days, start: date, last: int) -> tuple[DateArray, FloatArray]:
    opening = days.last_on_or_before(start)
    start_day = days.dates[opening].item() if opening >= 0 else start
    span = slice(opening + 1, last + 1)
    received = days.withdrawals[span] - days.deposits[span] - days.end_deposits[span]
    initial, final = (0.0 if opening < 0 else days.value[opening]), days.value[last]
    dates = np.concatenate([[np.datetime64(start_day)], days.dates[span], [days.dates[last]]])
    amounts = np.concatenate([[-initial], received, [final]])
    return dates[amounts != 0.0], amounts[amounts != 0.0]  # NaN counts as a flow


def _time_weighted(
    returns: DailyReturns, opening: int, last: int, initial: float, final: float, period: Period | None
) -> tuple[float | None, bool]:
    first = int(
        np.argmax(np.isfinite(returns.rate))
    )  # days before it are no break: nothing was there to break
    linked = linked_return(returns, max(opening + 1, first), last)
    if math.isnan(initial) or math.isnan(final) or (linked.is_broken and period != "ITD"):
        return None, linked.is_broken
    return linked.rate, linked.is_broken


def _money_weighted(ledgers: Sequence[tuple[DateArray, FloatArray]]) -> list[_MoneyWeighted]:
    """Rates of ledgers as shown, numbers of roots, and whether the rates are yearly ones."""
    days = [
        (dates - dates[0]).astype("timedelta64[D]").astype(np.float64) if dates.size else np.zeros(0)
        for dates, _ in ledgers
    ]
    solvable = [
        number
        for number, (_, amounts) in enumerate(ledgers)
        if np.isfinite(amounts).all() and (amounts > 0).any() and (amounts < 0).any()
    ]
    found = dict.fromkeys(range(len(ledgers)), (math.nan, 0))
    if solvable:
        lengths = np.array([ledgers[number][1].size for number in solvable], dtype=np.int64)
        times, amounts = (np.zeros((len(solvable), lengths.max())) for _ in range(2))
        for row, number in enumerate(solvable):
            times[row, : lengths[row]] = days[number] / DAYS_PER_YEAR
            amounts[row, : lengths[row]] = ledgers[number][1]
        rates, root_counts = xirr_many(times, amounts, lengths)
        found |= dict(zip(solvable, zip(rates.tolist(), root_counts.tolist(), strict=True), strict=True))
    shown = []
    for number, (rate, root_count) in found.items():
        length = float(days[number][-1]) if days[number].size else 0.0
        is_annualised = length >= DAYS_PER_YEAR
        if not is_annualised and root_count:
            rate = math.expm1(math.log1p(rate) * length / DAYS_PER_YEAR)
        shown.append(_MoneyWeighted(rate if root_count else None, root_count, is_annualised))
    return shown


def _yearly(rate: float | None, days: int) -> float | None:
    if rate is None or days < DAYS_PER_YEAR or rate <= -1.0:
        return None
    return math.expm1(math.log1p(rate) * DAYS_PER_YEAR / days)


def _simple_return(initial: float, final: float, received: float) -> float | None:
    if math.isnan(initial) or math.isnan(final) or initial <= 0.0:
        return None
    return (final + received - initial) / initial


def _known_rate(rate: float) -> float | None:
    return rate if math.isfinite(rate) else None


def _on_average_investment(
    book: DailyBook, opening: int, last: int, terms: dict[str, Amount]
) -> dict[str, Amount]:
    """Mean investment and the returns on it; the investment of a close lasts to the next day's."""
    figures: dict[str, Amount] = dict.fromkeys(("mean_investment", "roai", "roai_gross"))
    if book.invested is None:
        return figures
    first = max(opening, 0)
    closes = book.invested[first : last + 1]
    lengths = np.diff(book.dates[first : last + 1]).astype("timedelta64[D]").astype(np.int64)
    mean = _mean_where_invested(closes[:-1], lengths)
    if mean is None:  # bought on the last day
        mean = _mean_where_invested(closes[-1:], np.ones(1, dtype=np.int64))
    gains: Any = terms["gains"]
    if mean is not None and gains is not None:
        gross: Any = gains + terms["currency_effect"] + terms["income"]
        figures |= {"roai": (gross - terms["fees"]) / mean, "roai_gross": gross / mean}
    return figures | {"mean_investment": mean}


def _mean_where_invested(invested: Money, lengths: IntArray) -> Any:
    """Mean by days of what is above zero, in the numbers it comes in; None where nothing is."""
    if invested.dtype != object:
        held = invested > 0.0
        return float(invested[held] @ lengths[held]) / int(lengths[held].sum()) if held.any() else None
    parts = [(part, days) for part, days in zip(invested, lengths.tolist(), strict=True) if part and part > 0]
    return sum(part * days for part, days in parts) / sum(days for _, days in parts) if parts else None


def _additive_terms(book: DailyBook, opening: int, last: int) -> dict[str, Amount]:
    """The result's terms in the arrays' own kind of number, floats or Decimals."""
    zero: float | Decimal = Decimal(0) if book.value.dtype == object else 0.0
    initial: Any = zero if opening < 0 else _known(book.value[opening])
    final: Any = _known(book.value[last])
    span = slice(opening + 1, last + 1)

    def total(array: Money) -> Any:
        """Sum over the period; days with a null add nothing, since the next known day carries their part."""
        if array.dtype != object:
            whole = float(array[span].sum())
            return float(np.nansum(array[span])) if math.isnan(whole) else whole
        return sum((part for part in array[span] if _known(part) is not None), start=zero)

    income, fees, taxes = total(book.income), total(book.fees), total(book.taxes)
    net_flow = total(book.deposits) + total(book.end_deposits) - total(book.withdrawals)
    gains = currency_effect = residual = None
    if initial is not None and final is not None:
        gains, currency_effect = total(book.gains), total(book.currency_effect)
        residual = final - (initial + gains + income - fees - taxes + currency_effect + net_flow)
    return {
        "initial_value": initial,
        "gains": gains,
        "income": income,
        "fees": fees,
        "taxes": taxes,
        "currency_effect": currency_effect,
        "net_flow": net_flow,
        "final_value": final,
        "residual": residual,
    }


def _known(number: Any) -> Any:
    """The number as Python has it, None where it is NaN or None."""
    if number is None or number != number:  # only NaN differs from itself
        return None
    return number.item() if isinstance(number, np.generic) else number


def _floats(array: Money) -> FloatArray:
    """Float64 copy; None becomes NaN."""
    return np.asarray(array).astype(np.float64)
