"""Rates of return of portfolios: daily, chained, and by period."""

import math
from collections.abc import Iterator
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

import numpy as np
import psycopg

from folio.figures.returns.periods import DailyBook, period_results
from folio.figures.returns.twr import chain, daily_returns
from folio.jobs.nights import Night
from folio.store import warehouse

VALUES = """
    select portfolio_id, valuation_date, value_portfolio::float8,
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
    returns_rows: list[tuple[Any, ...]] = []
    rate_rows: list[tuple[Any, ...]] = []
    with warehouse.connect() as connection:
        for portfolio_id, book in _books(connection):
            returns_rows.extend(_daily_rows(portfolio_id, book))
            rate_rows.extend(_period_rows(portfolio_id, book))
        warehouse.replace(
            connection,
            "computed.portfolio_returns_daily",
            ["portfolio_id", "valuation_date", "daily_return", "cumulative_twr", "is_restart"],
            returns_rows,
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
    with connection.cursor() as cursor:
        for portfolio_id, days in groupby(cursor.execute(VALUES), key=itemgetter(0)):
            _, dates, value, deposits, end_deposits, withdrawals = zip(*days, strict=True)
            nothing = np.zeros(len(dates))
            yield (
                portfolio_id,
                DailyBook(
                    dates=np.array(dates, dtype="datetime64[D]"),
                    value=np.array(value, dtype=np.float64),
                    deposits=np.array(deposits, dtype=np.float64),
                    end_deposits=np.array(end_deposits, dtype=np.float64),
                    withdrawals=np.array(withdrawals, dtype=np.float64),
                    **dict.fromkeys(("income", "fees", "taxes", "gains", "currency_effect"), nothing),
                ),
            )


def _daily_rows(portfolio_id: UUID, book: DailyBook) -> Iterator[tuple[Any, ...]]:
    returns = daily_returns(book.value, book.deposits, book.withdrawals, end_deposits=book.end_deposits)
    linked = chain(returns)
    dates: list[date] = book.dates.tolist()
    for day, rate, growth, is_gap, is_restart in zip(
        dates, returns.rate, linked.growth, returns.is_gap, linked.is_restart, strict=True
    ):
        yield (
            portfolio_id,
            day,
            ratio(rate),
            None if is_gap else ratio(growth - 1.0),
            bool(is_restart),
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
