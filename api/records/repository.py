"""Queries for what portfolios and accounts have in common; `owner` is the column that narrows them."""

from datetime import date
from typing import Literal
from uuid import UUID

from api.answers import PageInfo, Schema
from api.reading import Reading
from api.records.schemas import Gain, Holding, Lot, Recommendation, Transaction

Owner = Literal["portfolio_id", "account_id"]


class Day(Schema):
    """A day, or none."""

    day: date | None


def valuation_date(reading: Reading, owner: Owner, owner_id: UUID) -> date | None:
    """Latest day with stored holdings, on or before the day asked for."""
    found = reading.rows(
        "select max(valuation_date) as day from {fct_holdings} as held"
        " where {_owner} = %(owner_id)s and valuation_date <= %(as_of)s",
        Day,
        _owner=owner,
        owner_id=owner_id,
        as_of=reading.as_of,
    )
    return found[0].day


def holdings(
    reading: Reading, owner: Owner, owner_id: UUID, day: date | None
) -> tuple[list[Holding], PageInfo]:
    """Holdings of a day, the largest first."""
    return reading.page_of(
        """
        select held.*, accounts.account_code, instruments.instrument_code, instruments.instrument_name
        from {fct_holdings} as held
        left join {dim_accounts} as accounts on accounts.account_id = held.account_id
        left join {dim_instruments} as instruments on instruments.instrument_id = held.instrument_id
        where held.{_owner} = %(owner_id)s and held.valuation_date = %(day)s
        order by held.value_portfolio desc nulls last, held.account_id, held.instrument_id
        """,
        Holding,
        _owner=owner,
        owner_id=owner_id,
        day=day,
    )


def transactions(
    reading: Reading, owner: Owner, owner_id: UUID, start: date | None, end: date | None
) -> tuple[list[Transaction], PageInfo]:
    """Booked events between two days, both included, the latest first."""
    return reading.page_of(
        """
        select booked.*, instruments.instrument_code
        from {fct_transactions} as booked
        left join {dim_instruments} as instruments on instruments.instrument_id = booked.instrument_id
        where booked.{_owner} = %(owner_id)s
              and booked.trade_date <= least(%(as_of)s, coalesce(%(end)s::date, %(as_of)s))
              and (%(start)s::date is null or booked.trade_date >= %(start)s)
        order by booked.trade_date desc, booked.transaction_id
        """,
        Transaction,
        _owner=owner,
        owner_id=owner_id,
        start=start,
        end=end,
        as_of=reading.as_of,
    )


def lots(reading: Reading, owner: Owner, owner_id: UUID) -> tuple[list[Lot], PageInfo]:
    """Open lots, the oldest first."""
    return reading.page_of(
        """
        select lots.*, instruments.instrument_code
        from {fct_tax_lots} as lots
        left join {dim_instruments} as instruments on instruments.instrument_id = lots.instrument_id
        where lots.{_owner} = %(owner_id)s and lots.units_open > 0
        order by lots.acquisition_date, lots.lot_id
        """,
        Lot,
        _owner=owner,
        owner_id=owner_id,
    )


def gains(reading: Reading, owner: Owner, owner_id: UUID) -> tuple[list[Gain], PageInfo]:
    """Realised gains of sales up to the day asked for, the latest first."""
    return reading.page_of(
        """
        select gains.*, instruments.instrument_code
        from {fct_realised_gains} as gains
        left join {dim_instruments} as instruments on instruments.instrument_id = gains.instrument_id
        where gains.{_owner} = %(owner_id)s and gains.sale_date <= %(as_of)s
        order by gains.sale_date desc, gains.closing_transaction_id, gains.lot_id
        """,
        Gain,
        _owner=owner,
        owner_id=owner_id,
        as_of=reading.as_of,
    )


def recommendations(reading: Reading, owner: Owner, owner_id: UUID) -> tuple[list[Recommendation], PageInfo]:
    """Recommendations of the newest night that has any, by account and rank."""
    return reading.page_of(
        """
        select advised.* from {fct_recommendations} as advised
        where advised.{_owner} = %(owner_id)s and advised.night = (
            select max(newest.night) from {fct_recommendations} as newest
            where newest.{_owner} = %(owner_id)s and newest.night <= %(night)s
        )
        order by advised.account_id, advised.rank
        """,
        Recommendation,
        _owner=owner,
        owner_id=owner_id,
        night=reading.publication.night,
    )
