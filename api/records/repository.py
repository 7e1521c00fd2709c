"""Queries for what portfolios and accounts have in common; `owner` is the column that narrows them."""

from datetime import date
from typing import Literal
from uuid import UUID

from api.answers import PageInfo, Schema
from api.reading import Reading
from api.records.schemas import Gain, Holding, Lot, Recommendation, Transaction

Owner = Literal["portfolio_id", "account_id"]


class Stored(Schema):
    """Whether something is stored."""

    is_stored: bool


def valuation_date(reading: Reading) -> date:
    """Day that holdings are asked for: not later than the one the publication is about."""
    return min(reading.as_of, reading.publication.valuation_date)


def holdings(
    reading: Reading, owner: Owner, owner_id: UUID, portfolio_id: UUID
) -> tuple[list[Holding], PageInfo]:
    """Holdings of the day asked for, the largest first: the stored ones, else valued anew."""
    day = valuation_date(reading)
    stored = reading.rows(
        "select exists (select 1 from {fct_holdings} as held"
        " where portfolio_id = %(portfolio_id)s and valuation_date = %(day)s) as is_stored",
        Stored,
        portfolio_id=portfolio_id,
        day=day,
    )
    source = "{fct_holdings}" if stored[0].is_stored else "marts.holdings_on(%(day)s, %(instant)s)"
    return reading.page_of(
        "select held.*, accounts.account_code, instruments.instrument_code, instruments.instrument_name from "
        + source
        + """
        as held
        left join {dim_accounts} as accounts on accounts.account_id = held.account_id
        left join {dim_instruments} as instruments on instruments.instrument_id = held.instrument_id
        where held.{_owner} = %(owner_id)s and held.portfolio_id = %(portfolio_id)s
              and held.valuation_date = %(day)s
        order by held.value_portfolio desc nulls last, held.account_id, held.instrument_id
        """,
        Holding,
        _owner=owner,
        owner_id=owner_id,
        portfolio_id=portfolio_id,
        day=day,
        instant=reading.publication.instant,
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
