"""Rates of return of portfolios: daily, chained, and by period."""

import math
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any
from uuid import UUID

import numpy as np
import psycopg

from folio.figures.arrays import FloatArray
from folio.figures.returns.periods import DailyBook, period_results
from folio.figures.returns.twr import chain, daily_returns
from folio.jobs.nights import Night
from folio.store import warehouse

VALUES = """
    select portfolio_id, valuation_date, coalesce(value_portfolio::float8, 'NaN'),
           deposits_start_portfolio::float8, deposits_end_portfolio::float8, withdrawals_portfolio::float8
    from build.int_portfolio_values_daily
    order by portfolio_id, valuation_date
"""


def measure(night: str) -> None:
    """Write the daily returns and period rates of every portfolio for a night.

    Reads built daily values in portfolio currency; writes computed.portfolio_returns_daily and
    computed.period_rates, replacing what stood there.
    """
    Night.parse(night)
    returns_lines: list[str] = []
    rate_rows: list[tuple[Any, ...]] = []
    with warehouse.connect() as connection:
        for portfolio_id, book in _books(connection):
            returns_lines.extend(_daily_lines(portfolio_id, book))
            rate_rows.extend(_period_rows(portfolio_id, book))
        warehouse.replace(
            connection,
            "computed.portfolio_returns_daily",
            ["portfolio_id", "valuation_date", "daily_return", "cumulative_twr", "is_restart"],
            warehouse.CopyText(returns_lines),
        )
        warehouse.replace(
            connection,
            "computed.period_rates",
            [
                *("portfolio_id", "period", "start_date", "end_date"),
                *("twr", "xirr", "root_count", "simple_return"),
            ],
            rate_rows,
        )


def _books(connection: psycopg.Connection[Any]) -> Iterator[tuple[UUID, DailyBook]]:
    """Each portfolio's days; the terms of the additive result stay in SQL, so they are zero here."""
    portfolio_ids, dates, value, deposits, end_deposits, withdrawals = warehouse.read_arrays(
        connection, VALUES, ("uuid", "date", "float8", "float8", "float8", "float8")
    )
    firsts = np.flatnonzero(portfolio_ids[1:] != portfolio_ids[:-1]) + 1
    for first, end in pairwise([0, *firsts.tolist(), len(dates)]):
        if first == end:
            continue  # no portfolio at all
        days = slice(first, end)
        nothing = np.zeros(end - first)
        yield (
            UUID(bytes=portfolio_ids[first].tobytes()),
            DailyBook(
                dates=dates[days],
                value=value[days],
                deposits=deposits[days],
                end_deposits=end_deposits[days],
                withdrawals=withdrawals[days],
                **dict.fromkeys(("income", "fees", "taxes", "gains", "currency_effect"), nothing),
            ),
        )


def _daily_lines(portfolio_id: UUID, book: DailyBook) -> Iterator[str]:
    """Rows of computed.portfolio_returns_daily as COPY text."""
    returns = daily_returns(book.value, book.deposits, book.withdrawals, end_deposits=book.end_deposits)
    linked = chain(returns)
    growth = np.where(returns.is_gap, np.nan, linked.growth - 1.0)
    name = str(portfolio_id)
    for day, rate, grown, is_restart in zip(
        np.datetime_as_string(book.dates).tolist(),
        _ratios(returns.rate),
        _ratios(growth),
        np.where(linked.is_restart, "t", "f").tolist(),
        strict=True,
    ):
        yield f"{name}\t{day}\t{rate}\t{grown}\t{is_restart}"


def _ratios(numbers: FloatArray) -> Iterable[str]:
    """What `ratio` makes of each number, as COPY text."""
    known: list[bool] = np.isfinite(numbers).tolist()
    return (
        f"{number:.12f}" if is_known else "\\N"
        for number, is_known in zip(numbers.tolist(), known, strict=True)
    )


def _period_rows(portfolio_id: UUID, book: DailyBook) -> Iterator[tuple[Any, ...]]:
    for result in period_results(book):
        yield (
            portfolio_id,
            result.period,
            result.start_date,
            result.end_date,
            ratio(result.twr),
            ratio(result.xirr),
            result.root_count,
            ratio(result.simple_return),
        )


def ratio(number: float | None) -> str | None:
    """A rate as the warehouse keeps it, with 12 decimals; None where there is none or it is not finite."""
    if number is None or not math.isfinite(number):
        return None
    return f"{number:.12f}"
