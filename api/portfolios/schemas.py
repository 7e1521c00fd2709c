"""Rows of portfolios and of what is reported of them."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from api.answers import Number, Schema


class Portfolio(Schema):
    """An investor's reporting unit."""

    portfolio_id: UUID
    portfolio_code: str
    portfolio_name: str | None
    investor_id: UUID
    household_id: UUID | None
    tax_unit_id: UUID | None
    portfolio_currency: str
    var_limit: Annotated[Number | None, Field(description="Share of value that one-day 95 % VaR may reach.")]
    drift_band: Annotated[Number | None, Field(description="Drift from target that asks for orders.")]


class DayValue(Schema):
    """A portfolio's value at the close of a day and what led to it."""

    valuation_date: date
    value_portfolio: Annotated[Number | None, Field(description="Null where a part of it is not known.")]
    known_part_value_portfolio: Number | None
    net_flow_portfolio: Number | None
    income_portfolio: Number | None
    fees_portfolio: Number | None
    taxes_portfolio: Number | None
    gains_portfolio: Number | None
    currency_effect_portfolio: Number | None
    daily_return: Number | None
    cumulative_twr: Annotated[
        Number | None, Field(description="Chained time-weighted return, as a fraction.")
    ]
    portfolio_currency: str
    quality: str
    oldest_price_date: date | None
    carried_share: Number | None


class PortfolioDetail(Portfolio):
    """A portfolio with its value on the latest day known."""

    latest: DayValue | None


class PeriodResult(Schema):
    """Result of a period: initial + gains + income - fees - taxes + currency + flows = final."""

    period: Annotated[str, Field(description="1D 1W MTD QTD YTD FYTD 1Y 3Y 5Y ITD")]
    start_date: Annotated[date, Field(description="Day whose closing value is the initial value.")]
    end_date: date
    initial_value_portfolio: Number | None
    gains_portfolio: Number | None
    income_portfolio: Number | None
    fees_portfolio: Number | None
    taxes_portfolio: Number | None
    currency_effect_portfolio: Number | None
    net_flow_portfolio: Number | None
    final_value_portfolio: Number | None
    twr: Annotated[Number | None, Field(description="Time-weighted return of the period, as a fraction.")]
    xirr: Annotated[Number | None, Field(description="Money-weighted return, as a fraction.")]
    root_count: int | None
    simple_return: Number | None
    modified_dietz: Number | None
    linked_modified_dietz: Number | None
    mean_investment_portfolio: Number | None
    roai: Annotated[Number | None, Field(description="Return on the average investment, as a fraction.")]
    portfolio_currency: str
    quality: str
    oldest_price_date: date | None
    carried_share: Number | None


class RiskMeasure(Schema):
    """A risk measure; null with a note where there are too few observations."""

    valuation_date: date
    measure: str
    basis: str
    method: str
    confidence: Number
    horizon_days: int
    window_days: int
    value: Number | None
    observations: int
    note: str | None
    quality: str


class Allocation(Schema):
    """Share of a portfolio's value in one bucket of one dimension."""

    valuation_date: date
    dimension: str
    bucket: str
    value_portfolio: Number | None
    weight: Number | None
    target_weight: Number | None
    drift: Annotated[Number | None, Field(description="Weight less target weight.")]
    portfolio_currency: str
    quality: str


class Order(Schema):
    """One proposed order."""

    order_id: UUID
    plan_id: UUID
    account_id: UUID
    instrument_id: UUID
    instrument_code: str | None
    side: str
    units: Number
    price_local: Number
    local_currency: str
    amount_account: Number
    account_currency: str
    reason: str


class Plan(Schema):
    """Proposed orders of a tax unit on one night: how good, and why none where none."""

    plan_id: UUID
    tax_unit_id: UUID
    night: str
    valuation_date: date
    status: str
    reason: str | None
    objective: Number | None
    lower_bound: Number | None
    gap: Number | None
    drift_before: Number | None
    drift_after: Number | None
    cost_reporting: Number | None
    naive_cost_reporting: Number | None
    reporting_currency: str


class PlanWithOrders(Plan):
    """A plan with the orders that concern this portfolio."""

    orders: list[Order]


class Alert(Schema):
    """Episode in which a rule of a portfolio is broken."""

    alert_id: UUID
    portfolio_id: UUID
    rule: str
    opened_night: str
    valuation_date: date
    observed: Number
    threshold: Number
    closed_night: str | None


class Restatement(Schema):
    """A published figure changed by a later fact."""

    relation: str
    account_id: UUID | None
    portfolio_id: UUID
    instrument_id: UUID | None
    instrument_code: str | None
    valuation_date: date
    figure: str
    old_value: Number | None
    new_value: Number | None
    old_publication_id: UUID
    new_publication_id: UUID
    restated_at: datetime
    cause: str
    old_price_load_id: UUID | None
    new_price_load_id: UUID | None
    new_price_line: int | None
    new_source: str | None

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "relation": "fct_holdings",
                    "account_id": "0b2cbb56-5c7c-5dbd-8e63-0d2f8f2c5a01",
                    "portfolio_id": "3f3f0c94-91a4-5c7e-a2a4-4cf0f6b7d0aa",
                    "instrument_id": "8c0a54b6-6a67-5b28-93b0-e8b2d6a9c111",
                    "instrument_code": "DEMO-GROWTH",
                    "valuation_date": "2013-02-26",
                    "figure": "price_local",
                    "old_value": "100.1000000000",
                    "new_value": "100.2000000000",
                    "old_publication_id": "5f0a1c1e-6d4e-5a52-9a3a-2b0f3d9f8c11",
                    "new_publication_id": "77b5a0de-08a7-5f87-a5f6-2f4f0cc10a0b",
                    "restated_at": "2013-02-28T03:00:00Z",
                    "cause": "price of 2013-02-26 restated by load amfi navs 2013-02-28T03:00Z",
                    "old_price_load_id": "a7a1ff9d-3be7-5a0e-9f55-0f6fb1c59001",
                    "new_price_load_id": "a7a1ff9d-3be7-5a0e-9f55-0f6fb1c59002",
                    "new_price_line": 17,
                    "new_source": "amfi",
                }
            ]
        }
    )
