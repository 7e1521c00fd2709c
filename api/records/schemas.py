"""Rows of holdings, bookings, lots, gains and recommendations as the API gives them."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from api.answers import Number, Schema


class Holding(Schema):
    """Units of an instrument in an account, valued on a day."""

    account_id: UUID
    account_code: str | None
    portfolio_id: UUID
    instrument_id: UUID
    instrument_code: str | None
    instrument_name: str | None
    valuation_date: date
    units: Number
    price_local: Number | None
    price_date: date | None
    local_currency: str | None
    value_local: Number | None
    value_account: Number | None
    account_currency: str
    value_portfolio: Annotated[
        Number | None, Field(description="Null where no price or rate was fresh enough.")
    ]
    gain_portfolio: Annotated[Number | None, Field(description="Value less cost of the units held.")]
    cost_portfolio: Number | None
    portfolio_currency: str
    weight: Annotated[
        Number | None, Field(description="Share of the portfolio's value that day, as a fraction.")
    ]
    quality: Annotated[str, Field(description="ok, carried, estimated or incomplete.")]
    oldest_price_date: date | None
    price_load_id: Annotated[UUID | None, Field(description="Load that brought the price.")]
    price_line: Annotated[int | None, Field(description="Its line there.")]

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "account_id": "0b2cbb56-5c7c-5dbd-8e63-0d2f8f2c5a01",
                    "account_code": "ACC-001",
                    "portfolio_id": "3f3f0c94-91a4-5c7e-a2a4-4cf0f6b7d0aa",
                    "instrument_id": "8c0a54b6-6a67-5b28-93b0-e8b2d6a9c111",
                    "instrument_code": "AAPL",
                    "instrument_name": "Apple Inc.",
                    "valuation_date": "2013-02-27",
                    "units": "10.000000000000000000",
                    "price_local": "444.5700000000",
                    "price_date": "2013-02-27",
                    "local_currency": "USD",
                    "value_local": "4445.70000000",
                    "value_account": "4445.70000000",
                    "account_currency": "USD",
                    "value_portfolio": "3396.37000000",
                    "gain_portfolio": "120.10000000",
                    "cost_portfolio": "3276.27000000",
                    "portfolio_currency": "EUR",
                    "weight": "0.124000000000",
                    "quality": "ok",
                    "oldest_price_date": "2013-02-27",
                    "price_load_id": "a7a1ff9d-3be7-5a0e-9f55-0f6fb1c59001",
                    "price_line": 17,
                }
            ]
        }
    )


class Transaction(Schema):
    """Booked event of an account; the kind gives the direction of units and amount."""

    transaction_id: UUID
    account_id: UUID
    portfolio_id: UUID
    instrument_id: UUID | None
    instrument_code: str | None
    kind: str
    status: str
    trade_date: date
    settlement_date: date | None
    units: Number | None
    price_local: Number | None
    amount_local: Number | None
    fee_local: Number | None
    tax_local: Number | None
    local_currency: str | None
    net_cash_account: Number | None
    account_currency: str
    net_cash_portfolio: Number | None
    portfolio_currency: str
    is_rejected: bool
    rejection_reason: str | None
    quality: str


class Lot(Schema):
    """Units bought together and still held."""

    lot_id: UUID
    account_id: UUID
    portfolio_id: UUID
    instrument_id: UUID
    instrument_code: str | None
    lot_method: str
    acquisition_date: date
    opened_on: date
    units_acquired: Number
    units_open: Number
    price_cost_open_account: Number | None
    tax_cost_open_account: Number | None
    value_account: Number | None
    gain_account: Annotated[Number | None, Field(description="Value less tax cost.")]
    account_currency: str
    valuation_date: date
    quality: str


class Gain(Schema):
    """Part of a lot that a sale closed."""

    closing_transaction_id: UUID
    lot_id: UUID
    account_id: UUID
    portfolio_id: UUID
    instrument_id: UUID
    instrument_code: str | None
    acquisition_date: date
    sale_date: date
    holding_days: int
    units: Number
    proceeds_account: Number | None
    price_cost_account: Number | None
    tax_cost_account: Number | None
    gain_account: Annotated[Number | None, Field(description="Proceeds less tax cost.")]
    account_currency: str
    gain_portfolio: Number | None
    portfolio_currency: str
    quality: str


class Recommendation(Schema):
    """One ranked action for an account, with the facts its text cites."""

    recommendation_id: UUID
    account_id: UUID
    portfolio_id: UUID
    night: str
    rank: int
    action: str
    headline: str
    body: str
    facts: Any
    writer: str
    model: str | None
    prompt_version: str
