"""Rates of return of portfolios: daily, chained, and by period."""

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from itertools import chain as joined
from itertools import pairwise
from typing import Any
from uuid import UUID

import numpy as np
import psycopg

from folio.figures.arrays import DateArray, FloatArray
from folio.figures.returns.investment import CostEffect, investment_changes
from folio.figures.returns.periods import Amount, DailyBook, period_results
from folio.figures.returns.twr import chain, daily_returns
from folio.jobs import touches, transformation
from folio.jobs.lots import EFFECTS, PAIR_ID
from folio.jobs.nights import Night
from folio.store import warehouse

CHUNK = 65_536

LARGEST_RATE = 1e8
"""Rates from here on do not fit numeric(20, 12); they come of next to nothing invested."""

WRITTEN = "select from computed.portfolio_returns_daily where valuation_date < %s limit 1"

VALUES = """
    select portfolio_id, valuation_date, coalesce(value_portfolio::float8, 'NaN'),
           deposits_start_portfolio::float8, deposits_end_portfolio::float8, withdrawals_portfolio::float8
    from build.int_portfolio_values_daily
    order by portfolio_id, valuation_date
"""

COST_EFFECTS = " ".join(
    f"when '{kind}' then {CostEffect['OPEN' if effect == 'return_of_capital' else effect.upper()]:d}"
    for kind, effect in EFFECTS.items()
)
"""What each kind does to cost is what it does to lots; returned capital opens no units, for less than 0."""

COST_EVENTS = f"""
    with events as (
        select events.*, portfolios.portfolio_id, portfolios.portfolio_currency, {PAIR_ID} as pair_id
        from build.int_ledger_events as events
        join build.dim_accounts as accounts using (account_id)
        join build.dim_portfolios as portfolios using (portfolio_id)
        where not exists (
            select 1 from computed.ledger_rejections as refused
            where refused.transaction_id = events.transaction_id
        )
    ),
    sent as (
        select distinct on (pair_id) pair_id, portfolio_currency
        from events where kind in ('transfer_out', 'merger_out') and pair_id is not null
        order by pair_id, trade_date
    ),
    lowered as (
        select closing_transaction_id as transaction_id, sum(price_cost_account) as cost
        from computed.lot_matches where match_rule = 'return_of_capital'
        group by 1
    ),
    costed as (
        select events.portfolio_id, events.account_id, events.instrument_id, events.trade_date,
               events.sequence, events.units, events.ratio, events.cost_share,
               coalesce(-lowered.cost, events.price_cost_account) * to_portfolio.rate as cost,
               case when sent.pair_id is null then 1 else carried.rate end as carry_rate,
               coalesce(events.pair_id, events.transaction_id::text) as pair_id,
               case events.kind {COST_EFFECTS}
               end as effect
        from events
        left join lowered on lowered.transaction_id = events.transaction_id
        left join sent on sent.pair_id = events.pair_id and events.kind in ('transfer_in', 'merger_in')
        left join build.fct_fx_rates_daily as to_portfolio
            on to_portfolio.from_currency = events.account_currency
            and to_portfolio.to_currency = events.portfolio_currency
            and to_portfolio.valuation_date = events.trade_date
        left join build.fct_fx_rates_daily as carried
            on carried.from_currency = sent.portfolio_currency
            and carried.to_currency = events.portfolio_currency
            and carried.valuation_date = events.trade_date
    )
    select portfolio_id, md5(account_id::text || instrument_id::text)::uuid, trade_date, effect::float8,
           coalesce(units, 0)::float8, coalesce(cost_share, ratio, 1)::float8, coalesce(cost::float8, 'NaN'),
           coalesce(carry_rate::float8, 'NaN'), md5(pair_id)::uuid
    from costed
    order by trade_date, effect, account_id, sequence
"""


def measure(night: str) -> None:
    """Write the daily returns and period rates of every portfolio for a night.

    Reads built daily values in portfolio currency; writes computed.period_rates, and of
    computed.portfolio_returns_daily the days that the stage after it makes anew, replacing what stood there,
    unless the measures that were made of them stand.
    """
    Night.parse(night)
    if transformation.is_built("measures"):
        return
    returns_lines: list[str] = []
    rate_rows: list[tuple[Any, ...]] = []
    begun = touches.begin_stage("measures", "values", transformation.code_fingerprint())
    with warehouse.connect() as connection:
        # Returns hang on the days before theirs, never on later ones, so those before the first day stay.
        first_day = begun if begun and connection.execute(WRITTEN, [begun]).fetchone() else None
        investments = _investments(connection)
        for portfolio_id, book in _books(connection, investments):
            returns_lines.extend(_daily_lines(portfolio_id, book, first_day))
            rate_rows.extend(_period_rows(portfolio_id, book))
        warehouse.replace(
            connection,
            "computed.portfolio_returns_daily",
            ["portfolio_id", "valuation_date", "daily_return", "cumulative_twr", "is_restart"],
            warehouse.CopyText(returns_lines),
            where="valuation_date >= %s" if first_day else "true",
            parameters=[first_day] if first_day else [],
        )
        warehouse.replace(
            connection,
            "computed.period_rates",
            [
                *("portfolio_id", "period", "start_date", "end_date"),
                *("twr", "xirr", "root_count", "simple_return"),
                *("modified_dietz", "linked_modified_dietz", "mean_investment"),
            ],
            rate_rows,
        )


def _investments(connection: psycopg.Connection[Any]) -> dict[bytes, tuple[DateArray, FloatArray]]:
    """Average cost of all that a portfolio holds, from each day with an event on."""
    portfolio_ids, positions, dates, effects, units, ratios, costs, rates, pairs = warehouse.read_arrays(
        connection,
        COST_EVENTS,
        ("uuid", "uuid", "date", "float8", "float8", "float8", "float8", "float8", "uuid"),
    )
    changes = investment_changes(
        positions=map(bytes, positions),
        effects=_numbers(effects),
        units=_numbers(units),
        ratios=_numbers(ratios),
        costs=_numbers(costs),
        carry_rates=_numbers(rates),
        pairs=map(bytes, pairs),
    )
    in_order = np.argsort(portfolio_ids, kind="stable")  # by portfolio, and within it by day as they came
    portfolio_ids, dates, changes = portfolio_ids[in_order], dates[in_order], changes[in_order]
    firsts = np.flatnonzero(portfolio_ids[1:] != portfolio_ids[:-1]) + 1
    return {
        portfolio_ids[first].tobytes(): (dates[first:end], np.cumsum(changes[first:end]))
        for first, end in pairwise([0, *firsts.tolist(), len(dates)])
        if first < end
    }


def _numbers(array: FloatArray) -> Iterator[float]:
    """Python's numbers of an array, a part at a time, since a list of all takes four times its room."""
    return joined.from_iterable(
        array[first : first + CHUNK].tolist() for first in range(0, len(array), CHUNK)
    )


def _invested(days: DateArray, investment: tuple[DateArray, FloatArray] | None) -> FloatArray:
    """Investment at the close of each day."""
    if investment is None:
        return np.zeros(days.shape)
    since, invested = investment
    return np.concatenate([[0.0], invested])[np.searchsorted(since, days, side="right")]


def _books(
    connection: psycopg.Connection[Any], investments: Mapping[bytes, tuple[DateArray, FloatArray]]
) -> Iterator[tuple[UUID, DailyBook]]:
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
                invested=_invested(dates[days], investments.get(portfolio_ids[first].tobytes())),
            ),
        )


def _daily_lines(portfolio_id: UUID, book: DailyBook, first_day: date | None) -> Iterator[str]:
    """Rows of computed.portfolio_returns_daily as COPY text, from a day on where one is given."""
    returns = daily_returns(book.value, book.deposits, book.withdrawals, end_deposits=book.end_deposits)
    linked = chain(returns)
    growth = np.where(returns.is_gap, np.nan, linked.growth - 1.0)
    days = slice(np.searchsorted(book.dates, np.datetime64(first_day)) if first_day else 0, None)
    name = str(portfolio_id)
    for day, rate, grown, is_restart in zip(
        np.datetime_as_string(book.dates[days]).tolist(),
        _ratios(returns.rate[days]),
        _ratios(growth[days]),
        np.where(linked.is_restart[days], "t", "f").tolist(),
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
            ratio(result.modified_dietz),
            ratio(result.linked_modified_dietz),
            money(result.mean_investment),
        )


def ratio(number: float | None) -> str | None:
    """A rate as the warehouse keeps it, with 12 decimals; None where there is none or no column holds it."""
    if number is None or not abs(number) < LARGEST_RATE:
        return None
    return f"{number:.12f}"


def money(amount: Amount) -> str | None:
    """An amount as the warehouse keeps it, with 8 decimals; None where there is none or it is not finite."""
    if amount is None or not math.isfinite(amount):
        return None
    return f"{amount:.8f}"
