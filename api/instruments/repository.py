"""Queries for funds, instruments and prices."""

from datetime import date
from uuid import UUID

from api.answers import PageInfo
from api.instruments.schemas import Fund, Instrument, Price
from api.reading import Reading


def funds(reading: Reading, search: str | None) -> tuple[list[Fund], PageInfo]:
    """Funds whose name, code or ISIN holds every word sought, by name."""
    words = [
        "%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        for word in (search or "").split()
    ]
    return reading.page_of(
        """
        select * from {dim_funds} as funds
        where concat_ws(' ', scheme_name, scheme_code, isin_payout_or_growth, isin_reinvestment, fund_house)
              ilike all (%(words)s::text[])
        order by scheme_name, instrument_id
        """,
        Fund,
        words=words,
    )


def fund(reading: Reading, name: str) -> Fund | None:
    """The fund of an id, a scheme code or an ISIN."""
    found = reading.rows(
        """
        select * from {dim_funds} as funds
        where instrument_id::text = lower(%(name)s) or scheme_code::text = %(name)s
              or upper(%(name)s) in (isin_payout_or_growth, isin_reinvestment)
        order by instrument_id limit 1
        """,
        Fund,
        name=name,
    )
    return found[0] if found else None


def instrument(reading: Reading, name: str) -> Instrument | None:
    """The instrument of an id, a code, a ticker, an ISIN or an AMFI code, in this order."""
    found = reading.rows(
        """
        select * from {dim_instruments} as instruments
        where instrument_id::text = lower(%(name)s)
              or %(name)s in (instrument_code, ticker, isin, amfi_code::text)
        order by instrument_id::text = lower(%(name)s) desc, instrument_code = %(name)s desc,
                 ticker = %(name)s desc nulls last, instrument_id
        limit 1
        """,
        Instrument,
        name=name,
    )
    return found[0] if found else None


def latest_price(reading: Reading, instrument_id: UUID) -> Price | None:
    """Price on the latest day, on or before the day asked for."""
    found = reading.rows(
        "select * from {fct_prices_daily} as prices"
        " where instrument_id = %(instrument_id)s and valuation_date <= %(as_of)s"
        " order by valuation_date desc limit 1",
        Price,
        instrument_id=instrument_id,
        as_of=reading.as_of,
    )
    return found[0] if found else None


def prices(
    reading: Reading, instrument_id: UUID, start: date | None, end: date | None
) -> tuple[list[Price], PageInfo]:
    """Price of each day between two days, both included, the oldest first."""
    return reading.page_of(
        """
        select * from {fct_prices_daily} as prices
        where instrument_id = %(instrument_id)s
              and valuation_date <= least(%(as_of)s, coalesce(%(end)s::date, %(as_of)s))
              and (%(start)s::date is null or valuation_date >= %(start)s)
        order by valuation_date
        """,
        Price,
        instrument_id=instrument_id,
        start=start,
        end=end,
        as_of=reading.as_of,
    )
