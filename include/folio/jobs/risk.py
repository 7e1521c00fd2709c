"""Risk measures of portfolios, of what they hold now and of what they went through."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any
from uuid import UUID

import numpy as np
import psycopg

from folio.figures.arrays import DateArray, FloatArray
from folio.figures.risk import measures
from folio.figures.risk.measures import LEAST_DAYS, WINDOW_DAYS
from folio.jobs import transformation
from folio.jobs.nights import Night
from folio.jobs.returns import ratio
from folio.store import warehouse

PERIODS_PER_YEAR = 261
"""Weekdays in a year: portfolios hold funds and shares of more than one exchange."""

CONFIDENCES = (0.95, 0.99)
HORIZONS = (1, 10)
WHOLE_HISTORY = 0
NO_MEANING = 0

NO_RISK_FREE_RATE = "no risk-free rate of the portfolio's currency is taken in"
NOTHING_TO_DIVIDE_BY = "the returns above the risk-free rate do not vary, or none falls short"
RATES_END = "{known} of the {least} daily returns needed have a risk-free rate of {currency}"

HOLDINGS = """
    select holdings.portfolio_id, holdings.instrument_id, portfolios.portfolio_currency,
           case when count(*) = count(holdings.value_portfolio)
               then sum(holdings.value_portfolio)::float8
           end
    from build.fct_holdings as holdings
    join build.dim_portfolios as portfolios using (portfolio_id)
    where holdings.valuation_date = %s
    group by 1, 2, 3
    order by 1, 2
"""
INSTRUMENT_RETURNS = """
    select instrument_id, currency, valuation_date, price_return::float8
    from build.int_adjusted_returns_daily
    where valuation_date <= %s
    order by valuation_date
"""
CASH_RETURNS = """
    select cash.instrument_id, rates.to_currency, rates.valuation_date,
           (rates.rate / lag(rates.rate) over (
               partition by cash.instrument_id, rates.to_currency order by rates.valuation_date
           ) - 1)::float8
    from build.dim_instruments as cash
    join build.fct_fx_rates_daily as rates on rates.from_currency = cash.local_currency
    where cash.instrument_kind = 'cash' and extract(isodow from rates.valuation_date) < 6
      and rates.valuation_date between %s and %s
"""
CURRENCIES = "select portfolio_id, portfolio_currency from build.dim_portfolios"
RISK_FREE_RATES = """
    select currency, valid_from, valid_to, annual_rate::float8
    from build.fct_risk_free_rates
    order by valid_from
"""
PORTFOLIO_RETURNS = """
    select portfolio_id,
           case extract(isodow from valuation_date)
               when 6 then valuation_date + 2 when 7 then valuation_date + 1 else valuation_date
           end as weekday,
           (ops.product(1 + daily_return) - 1)::float8
    from computed.portfolio_returns_daily
    where daily_return is not null
    group by 1, 2
    order by 1, 2
"""


@dataclass(frozen=True)
class Series:
    """Weekday returns of a portfolio, oldest first, and the days they are of."""

    days: DateArray
    returns: FloatArray


@dataclass(frozen=True)
class RiskFree:
    """Risk-free rates of a currency: what a year earned on days between `valid_from` and `valid_to`."""

    currency: str
    valid_from: DateArray
    valid_to: DateArray
    annual_rate: FloatArray

    def per_day(self, days: DateArray) -> FloatArray:
        """Rate of each day, compounded to the annual one over a year's weekdays; NaN where none is valid."""
        place = np.searchsorted(self.valid_from, days, side="right") - 1
        is_valid = (place >= 0) & (days < self.valid_to[place])
        return np.where(is_valid, (1.0 + self.annual_rate[place]) ** (1.0 / PERIODS_PER_YEAR) - 1.0, np.nan)


@dataclass(frozen=True)
class Measured:
    """A risk row without portfolio and day; confidence, horizon and window are 0 where they mean nothing."""

    measure: str
    basis: str
    method: str
    confidence: float
    horizon_days: int
    window_days: int
    value: float | None
    observations: int
    note: str | None


def measure(night: str) -> None:
    """Write the risk measures of every portfolio for a night's valuation date.

    Weekday grid, weekend moves in Monday; the last 500 returns, at least 250, else null with a note. A
    portfolio with a holding that has no value gets no measures of its current holdings. Writes
    computed.risk_measures of the day, replacing what stood there, unless the marts that were made of them
    stand. Definitions: docs/methods/risk.md.
    """
    this = Night.parse(night)
    if transformation.is_built("measures"):
        return
    with warehouse.connect() as connection:
        rates = _risk_free(connection)
        currencies = dict(connection.execute(CURRENCIES).fetchall())
        rows = [
            (
                portfolio_id,
                this.valuation_date,
                *(row.measure, row.basis, row.method, row.confidence, row.horizon_days, row.window_days),
                *(ratio(row.value), row.observations, row.note),
            )
            for basis, portfolios in (
                ("current_holdings", _of_current_holdings(connection, this.valuation_date)),
                ("actual_history", _of_history(connection)),
            )
            for portfolio_id, series in portfolios
            for row in measured(series, basis, rates.get(currencies.get(portfolio_id, "")))
        ]
        warehouse.replace(
            connection,
            "computed.risk_measures",
            [
                *("portfolio_id", "valuation_date", "measure", "basis", "method", "confidence"),
                *("horizon_days", "window_days", "value", "observations", "note"),
            ],
            rows,
        )


def measured(series: Series, basis: str, risk_free: RiskFree | None) -> Iterator[Measured]:
    """All measures of one series of returns; its ratios need the rates of the portfolio's currency."""
    returns = series.returns
    recent = returns[-WINDOW_DAYS:]
    known = int(np.isfinite(recent).sum())
    short = None if known >= LEAST_DAYS else f"{known} of the {LEAST_DAYS} daily returns needed"
    deviation = float(measures.volatility(recent, PERIODS_PER_YEAR))
    yield Measured(
        *("volatility", basis, "historical", NO_MEANING, NO_MEANING, WINDOW_DAYS),
        *(None if short else deviation, known, short),
    )
    rate, rated, unrated = _rate_a_day(recent, series.days[-WINDOW_DAYS:], risk_free)
    for name, figure in (("sharpe", measures.sharpe), ("sortino", measures.sortino)):
        value = float(figure(recent, rate, PERIODS_PER_YEAR))
        missing = short or unrated or (None if np.isfinite(value) else NOTHING_TO_DIVIDE_BY)
        yield Measured(
            *(name, basis, "historical", NO_MEANING, NO_MEANING, WINDOW_DAYS),
            *(None if missing else value, rated, missing),
        )
    path, window = (returns, WHOLE_HISTORY) if basis == "actual_history" else (recent, WINDOW_DAYS)
    seen = int(np.isfinite(path).sum())
    yield Measured(
        *("max_drawdown", basis, "historical", NO_MEANING, NO_MEANING, window),
        *(float(measures.max_drawdown(path).depth) if seen else None, seen, None if seen else "no returns"),
    )
    for confidence in CONFIDENCES:
        for horizon in HORIZONS:
            tail = measures.historical_tail(recent, confidence, horizon)
            note = short or ("one day scaled by the root of the horizon" if tail.is_scaled else None)
            for name, loss in (("var", tail.var), ("cvar", tail.cvar)):
                yield Measured(
                    *(name, basis, "historical", confidence, horizon, WINDOW_DAYS),
                    *(float(loss), int(tail.observations), note),
                )


def _rate_a_day(
    returns: FloatArray, days: DateArray, risk_free: RiskFree | None
) -> tuple[FloatArray | None, int, str | None]:
    """Rate of each day, the number of returns that have one, and why there are too few; None where none are.

    Days without a rate are left out of a ratio, as are days without a return.
    """
    known = int(np.isfinite(returns).sum())
    if risk_free is None:
        return None, known, NO_RISK_FREE_RATE
    rate = risk_free.per_day(days)
    rated = int(np.isfinite(returns - rate).sum())
    if rated >= LEAST_DAYS:
        return rate, rated, None
    return rate, rated, RATES_END.format(known=rated, least=LEAST_DAYS, currency=risk_free.currency)


def _risk_free(connection: psycopg.Connection[Any]) -> dict[str, RiskFree]:
    """Risk-free rates by currency."""
    found: dict[str, list[tuple[date, date | None, float]]] = defaultdict(list)
    for currency, *row in connection.execute(RISK_FREE_RATES):
        found[currency].append(tuple(row))
    return {
        currency: RiskFree(
            currency,
            np.array([row[0] for row in rows], dtype="datetime64[D]"),
            np.array([row[1] or date.max for row in rows], dtype="datetime64[D]"),
            np.array([row[2] for row in rows]),
        )
        for currency, rows in found.items()
    }


def _of_current_holdings(connection: psycopg.Connection[Any], day: date) -> Iterator[tuple[UUID, Series]]:
    """Returns that today's weights would have had, by portfolio; none where a holding has no value."""
    series: dict[tuple[UUID, str], dict[date, float]] = defaultdict(dict)

    def read(query: str, *parameters: date) -> None:
        for instrument, currency, weekday, change in connection.execute(query, parameters):
            series[instrument, currency][weekday] = np.nan if change is None else change

    read(INSTRUMENT_RETURNS, day)
    weekdays = sorted({weekday for days in series.values() for weekday in days})
    if weekdays:
        read(CASH_RETURNS, weekdays[0], day)
    columns = {
        key: np.array([days.get(weekday, np.nan) for weekday in weekdays]) for key, days in series.items()
    }
    days_of_all = np.array(weekdays, dtype="datetime64[D]")
    never = np.full(len(weekdays), np.nan)
    portfolios: dict[UUID, list[tuple[float | None, FloatArray]]] = defaultdict(list)
    for portfolio, instrument, currency, value in connection.execute(HOLDINGS, [day]):
        portfolios[portfolio].append((value, columns.get((instrument, currency), never)))
    for portfolio, holdings in portfolios.items():
        held = [(value, returns) for value, returns in holdings if value]
        total = sum(value for value, _ in held)
        if total > 0 and all(value is not None for value, _ in holdings):
            yield (
                portfolio,
                Series(days_of_all, np.sum([value / total * returns for value, returns in held], axis=0)),
            )


def _of_history(connection: psycopg.Connection[Any]) -> Iterator[tuple[UUID, Series]]:
    """Weekday returns that portfolios really had."""
    portfolio_ids, days, changes = warehouse.read_arrays(
        connection, PORTFOLIO_RETURNS, ("uuid", "date", "float8")
    )
    firsts = np.flatnonzero(portfolio_ids[1:] != portfolio_ids[:-1]) + 1
    for first, end in pairwise([0, *firsts.tolist(), len(days)]):
        if first < end:
            portfolio_id = UUID(bytes=portfolio_ids[first].tobytes())
            yield portfolio_id, Series(days[first:end], changes[first:end])
