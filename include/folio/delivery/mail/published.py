"""What readers are shown: the published figures that mails are about, and whom to tell.

Every function reads `marts`, in the transaction of the connection it is given. A caller that makes one mail
of several reads opens that transaction as REPEATABLE READ, so that all of them see one publication.
"""

import uuid
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

import psycopg
from psycopg.rows import class_row

Connection = psycopg.Connection[Any]
Row = TypeVar("Row")


@dataclass(frozen=True)
class Publication:
    """The publication that readers see."""

    publication_id: uuid.UUID
    night: str
    valuation_date: date
    known_at: datetime


@dataclass(frozen=True)
class Portfolio:
    """A portfolio and its investor's id."""

    portfolio_id: uuid.UUID
    portfolio_code: str
    portfolio_name: str
    portfolio_currency: str
    investor_id: uuid.UUID


@dataclass(frozen=True)
class Recipient:
    """An investor's name and address, kept out of `repr` and so out of logs."""

    investor_id: uuid.UUID
    name: str = field(repr=False)
    email: str = field(repr=False)


@dataclass(frozen=True)
class DayOfValue:
    """A row of fct_portfolio_values_daily in the portfolio's currency; no value where a part lacks one."""

    valuation_date: date
    value: Decimal | None
    net_flow: Decimal | None
    gains: Decimal | None
    income: Decimal | None
    fees: Decimal | None
    taxes: Decimal | None
    currency_effect: Decimal | None
    daily_return: Decimal | None


@dataclass(frozen=True)
class Holding:
    """An instrument held in a portfolio, over all its accounts; no value and weight where it has no price."""

    name: str
    kind: str
    value: Decimal | None
    weight: Decimal | None
    price_date: date | None


@dataclass(frozen=True)
class OpenAlert:
    """An alert episode that is published and has not closed."""

    alert_id: uuid.UUID
    portfolio_id: uuid.UUID
    rule: str
    opened_night: str
    valuation_date: date
    observed: Decimal
    threshold: Decimal


def latest(connection: Connection) -> Publication | None:
    """The last publication; None before the first."""
    return _one(
        connection,
        Publication,
        """
        select publication_id, night, valuation_date, known_at
        from history.publications
        order by ordinal desc
        limit 1
        """,
    )


def first_valuation_date(connection: Connection) -> date | None:
    """Earliest day that a publication was about."""
    row = connection.execute("select min(valuation_date) from history.publications").fetchone()
    return row[0] if row else None


def portfolios(connection: Connection) -> list[Portfolio]:
    """Every portfolio, by code."""
    return _all(
        connection,
        Portfolio,
        """
        select portfolio_id, portfolio_code, portfolio_name, portfolio_currency, investor_id
        from marts.dim_portfolios
        order by portfolio_code, portfolio_id
        """,
    )


def recipients(connection: Connection, known_at: datetime) -> dict[uuid.UUID, Recipient]:
    """Investors with an address, as the books known at an instant say; those without one are absent."""
    found = _all(
        connection,
        Recipient,
        """
        with known as (
            select distinct on (investor_key) investor_key, name, email
            from raw.book_investors
            where observed_at <= %s
            order by investor_key, observed_at desc, load_id desc
        )
        select identities.id as investor_id, known.name, btrim(known.email) as email
        from known
        join raw.identities as identities
            on identities.kind = 'investor' and identities.source_key = known.investor_key
        where btrim(coalesce(known.email, '')) <> ''
        """,
        known_at,
    )
    return {recipient.investor_id: recipient for recipient in found}


def days_of_value(
    connection: Connection, portfolio_id: uuid.UUID, first: date, last: date
) -> list[DayOfValue]:
    """Days from `first` to `last`, both included, oldest first."""
    return _all(
        connection,
        DayOfValue,
        """
        select
            valuation_date, value_portfolio as value, net_flow_portfolio as net_flow, gains_portfolio as
            gains, income_portfolio as income, fees_portfolio as fees, taxes_portfolio as taxes,
            currency_effect_portfolio as currency_effect, daily_return
        from marts.fct_portfolio_values_daily
        where portfolio_id = %s and valuation_date between %s and %s
        order by valuation_date
        """,
        portfolio_id,
        first,
        last,
    )


def value_on(connection: Connection, portfolio_id: uuid.UUID, day: date) -> Decimal | None:
    """Value of a portfolio at the close of a day; None where it is not known."""
    days = days_of_value(connection, portfolio_id, day, day)
    return days[0].value if days else None


def first_day_of_value(connection: Connection, portfolio_id: uuid.UUID) -> date | None:
    """Day on which the portfolio's history begins."""
    row = connection.execute(
        "select min(valuation_date) from marts.fct_portfolio_values_daily where portfolio_id = %s",
        (portfolio_id,),
    ).fetchone()
    return row[0] if row else None


def holdings(connection: Connection, portfolio_id: uuid.UUID, day: date) -> list[Holding]:
    """What a portfolio held at the close of a day, largest value first; a part without value leaves none."""
    return _all(
        connection,
        Holding,
        """
        select
            instruments.instrument_name as name,
            instruments.instrument_kind as kind,
            case when count(*) = count(held.value_portfolio) then sum(held.value_portfolio) end as value,
            case when count(*) = count(held.weight) then sum(held.weight) end as weight,
            case when count(*) = count(held.price_date) then min(held.price_date) end as price_date
        from marts.fct_holdings as held
        join marts.dim_instruments as instruments using (instrument_id)
        where held.portfolio_id = %s and held.valuation_date = %s
        group by instruments.instrument_id, instruments.instrument_name, instruments.instrument_kind
        having bool_or(held.units is distinct from 0)
        order by value desc nulls last, name
        """,
        portfolio_id,
        day,
    )


def allocation(connection: Connection, portfolio_id: uuid.UUID, day: date) -> list[tuple[str, Decimal]]:
    """(asset class, weight) on a day; empty where a weight is not known or the day has no allocation."""
    rows = connection.execute(
        """
        select bucket, weight from marts.fct_allocations
        where portfolio_id = %s and valuation_date = %s
            and dimension = 'asset_class' and weight is distinct from 0
        order by weight desc, bucket
        """,
        (portfolio_id, day),
    ).fetchall()
    return [] if any(weight is None for _, weight in rows) else [(bucket, weight) for bucket, weight in rows]


def open_alerts(connection: Connection) -> list[OpenAlert]:
    """Alert episodes that stand in the last publication, oldest first."""
    return _all(
        connection,
        OpenAlert,
        """
        select alert_id, portfolio_id, rule, opened_night, valuation_date, observed, threshold
        from marts.fct_alerts
        where closed_night is null
        order by opened_night, alert_id
        """,
    )


def _all(connection: Connection, kind: type[Row], query: str, *parameters: Any) -> list[Row]:
    with connection.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(query, parameters).fetchall()


def _one(connection: Connection, kind: type[Row], query: str, *parameters: Any) -> Row | None:
    rows = _all(connection, kind, query, *parameters)
    return rows[0] if rows else None
