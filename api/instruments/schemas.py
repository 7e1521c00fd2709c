"""Rows of funds, instruments and their prices."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.answers import Number, Schema


class Fund(Schema):
    """A fund scheme as its registry names it."""

    instrument_id: UUID
    scheme_code: int | str | None
    scheme_name: str
    isin_payout_or_growth: str | None
    isin_reinvestment: str | None
    plan: str | None
    option: str | None
    category: str | None
    fund_house: str | None


class Instrument(Schema):
    """Anything priced."""

    instrument_id: UUID
    instrument_code: str
    instrument_name: str
    instrument_kind: str
    local_currency: str


class Price(Schema):
    """Unadjusted price of an instrument on a day, carried from an earlier one where none was published."""

    valuation_date: date
    price_local: Annotated[Number | None, Field(description="Null, with a reason, past the carry limit.")]
    local_currency: str | None
    price_date: Annotated[date | None, Field(description="Day the price is of.")]
    price_source: str | None
    days_carried: int | None
    quality: str
    missing_reason: str | None


class Candle(Schema):
    """Prices of an instrument over a day or minute, as a source said them; a fund's value is its `close`."""

    opened_at: Annotated[datetime, Field(description="Start of the minute, or midnight UTC of the day.")]
    open: Number | None
    high: Number | None
    low: Number | None
    close: Number | None
    volume: Number | None
    currency: Annotated[str | None, Field(description="As the source writes it, null where it does not say.")]
    source: str


class FundDetail(Fund):
    """A fund with its price on the latest day known."""

    latest: Price | None


class InstrumentPrice(Instrument):
    """An instrument with its price on the latest day known."""

    latest: Price | None
