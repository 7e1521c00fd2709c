"""Routes under /portfolios."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import Response

from api.answers import Envelope
from api.errors import not_found
from api.portfolios import repository
from api.portfolios.schemas import (
    Alert,
    Allocation,
    DayValue,
    PeriodResult,
    PlanWithOrders,
    Portfolio,
    PortfolioDetail,
    Restatement,
    RiskMeasure,
)
from api.reading import Answer
from api.records import repository as records
from api.records.schemas import Gain, Holding, Lot, Recommendation, Transaction

router = APIRouter(prefix="/portfolios", tags=["portfolios"])


def portfolio_named(
    reading: Answer,
    portfolio_id: Annotated[str, Path(description="Id or code of the portfolio.", examples=["PF-001"])],
) -> Portfolio:
    """The portfolio of the path, or the same 404 whether it is absent or hidden."""
    found = repository.portfolio(reading, portfolio_id)
    if found is None:
        raise not_found("portfolio")
    return found


Named = Annotated[Portfolio, Depends(portfolio_named)]
Start = Annotated[date | None, Query(alias="start_date", description="First day.")]
End = Annotated[date | None, Query(alias="end_date", description="Last day, included.")]


@router.get("", summary="Portfolios the key may see", response_model=Envelope[list[Portfolio]])
def list_portfolios(reading: Answer) -> Response:
    """All of them for an analyst's key, else those of the investors it was granted."""
    rows, page = repository.portfolios(reading)
    return reading.answer(rows, Portfolio, page)


@router.get("/{portfolio_id}", summary="A portfolio and its value", response_model=Envelope[PortfolioDetail])
def get_portfolio(portfolio: Named, reading: Answer) -> Response:
    """The portfolio with its value on the latest day, on or before `as_of`."""
    latest = repository.latest_value(reading, portfolio.portfolio_id)
    detail = PortfolioDetail(**portfolio.model_dump(), latest=latest)
    return reading.answer_one(detail, latest.valuation_date if latest else None)


@router.get("/{portfolio_id}/holdings", summary="Holdings on a day", response_model=Envelope[list[Holding]])
def list_holdings(portfolio: Named, reading: Answer) -> Response:
    """Holdings of `as_of`, or of the publication's day where that is earlier; `valuation_date` says which.

    Stored holdings where there are some (the latest days and month ends), else valued anew from positions,
    cash, prices and rates.
    """
    rows, page = records.holdings(reading, "portfolio_id", portfolio.portfolio_id, portfolio.portfolio_id)
    return reading.answer(rows, Holding, page, records.valuation_date(reading))


@router.get("/{portfolio_id}/values", summary="Value day by day", response_model=Envelope[list[DayValue]])
def list_values(portfolio: Named, reading: Answer, start: Start = None, end: End = None) -> Response:
    """Value, flows, result and return of each day, the oldest first."""
    rows, page = repository.values(reading, portfolio.portfolio_id, start, end)
    return reading.answer(rows, DayValue, page)


@router.get(
    "/{portfolio_id}/performance", summary="Results by period", response_model=Envelope[list[PeriodResult]]
)
def list_performance(portfolio: Named, reading: Answer) -> Response:
    """Additive result, TWR, XIRR and simple return of each period, as published for `as_of`."""
    then = reading.of_the_day()
    rows = repository.period_results(then, portfolio.portfolio_id)
    return then.answer(rows, PeriodResult, valuation_date=max((row.end_date for row in rows), default=None))


@router.get("/{portfolio_id}/risk", summary="Risk measures", response_model=Envelope[list[RiskMeasure]])
def list_risk(portfolio: Named, reading: Answer) -> Response:
    """Volatility, ratios, drawdown, VaR and CVaR with their basis and method."""
    rows = repository.risk_measures(reading, portfolio.portfolio_id)
    return reading.answer(rows, RiskMeasure, valuation_date=rows[0].valuation_date if rows else None)


@router.get("/{portfolio_id}/sectors", summary="Value by sector", response_model=Envelope[list[Allocation]])
def list_sectors(portfolio: Named, reading: Answer) -> Response:
    """Share of each sector, the largest first."""
    rows = repository.allocations(reading, portfolio.portfolio_id, "sector")
    return reading.answer(rows, Allocation, valuation_date=rows[0].valuation_date if rows else None)


@router.get(
    "/{portfolio_id}/allocations", summary="Value by any dimension", response_model=Envelope[list[Allocation]]
)
def list_allocations(
    portfolio: Named,
    reading: Answer,
    dimension: Annotated[
        str | None, Query(description="asset_class, sector, region, currency or instrument; all without it.")
    ] = None,
) -> Response:
    """Weight, target and drift of each bucket."""
    rows = repository.allocations(reading, portfolio.portfolio_id, dimension)
    return reading.answer(rows, Allocation, valuation_date=rows[0].valuation_date if rows else None)


@router.get(
    "/{portfolio_id}/transactions", summary="Booked events", response_model=Envelope[list[Transaction]]
)
def list_transactions(portfolio: Named, reading: Answer, start: Start = None, end: End = None) -> Response:
    """Booked events up to `as_of`, the latest first; also those that count in nothing, with the reason."""
    rows, page = records.transactions(reading, "portfolio_id", portfolio.portfolio_id, start, end)
    return reading.answer(rows, Transaction, page)


@router.get("/{portfolio_id}/lots", summary="Open tax lots", response_model=Envelope[list[Lot]])
def list_lots(portfolio: Named, reading: Answer) -> Response:
    """Lots open on the publication's valuation date, the oldest first."""
    then = reading.of_the_day()
    rows, page = records.lots(then, "portfolio_id", portfolio.portfolio_id)
    return then.answer(rows, Lot, page, rows[0].valuation_date if rows else None)


@router.get("/{portfolio_id}/gains", summary="Realised gains", response_model=Envelope[list[Gain]])
def list_gains(portfolio: Named, reading: Answer) -> Response:
    """Each lot that a sale closed, up to `as_of`, the latest sale first."""
    rows, page = records.gains(reading, "portfolio_id", portfolio.portfolio_id)
    return reading.answer(rows, Gain, page)


@router.get(
    "/{portfolio_id}/rebalance", summary="Proposed orders", response_model=Envelope[list[PlanWithOrders]]
)
def list_rebalance(portfolio: Named, reading: Answer) -> Response:
    """The plan of the portfolio's tax unit with the orders that concern this portfolio; empty without one."""
    then = reading.of_the_day()
    plan = repository.plan(then, portfolio.tax_unit_id)
    rows = (
        [
            PlanWithOrders(
                **plan.model_dump(), orders=repository.orders(then, plan.plan_id, portfolio.portfolio_id)
            )
        ]
        if plan
        else []
    )
    return then.answer(rows, PlanWithOrders, valuation_date=plan.valuation_date if plan else None)


@router.get(
    "/{portfolio_id}/recommendations",
    summary="Recommendations",
    response_model=Envelope[list[Recommendation]],
)
def list_recommendations(portfolio: Named, reading: Answer) -> Response:
    """Ranked actions for each account of the portfolio, with the facts cited."""
    then = reading.of_the_day()
    rows, page = records.recommendations(then, "portfolio_id", portfolio.portfolio_id)
    return then.answer(rows, Recommendation, page)


@router.get("/{portfolio_id}/alerts", summary="Alert episodes", response_model=Envelope[list[Alert]])
def list_alerts(portfolio: Named, reading: Answer) -> Response:
    """Rules that were broken, the newest episode first."""
    rows, page = repository.alerts(reading, portfolio.portfolio_id)
    return reading.answer(rows, Alert, page)


@router.get(
    "/{portfolio_id}/restatements", summary="Restated figures", response_model=Envelope[list[Restatement]]
)
def list_restatements(portfolio: Named, reading: Answer) -> Response:
    """Published figures of this portfolio that a later fact changed: old, new and cause."""
    rows, page = repository.restatements(reading, portfolio.portfolio_id)
    return reading.answer(rows, Restatement, page)
