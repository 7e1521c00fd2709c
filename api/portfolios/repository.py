"""Queries for portfolios and what is reported of them."""

from datetime import date
from uuid import UUID

from api.answers import PageInfo
from api.portfolios.schemas import (
    Alert,
    Allocation,
    DayValue,
    Order,
    PeriodResult,
    Plan,
    Portfolio,
    Restatement,
    RiskMeasure,
)
from api.reading import Reading


def portfolios(reading: Reading) -> tuple[list[Portfolio], PageInfo]:
    """Portfolios that the key may see, by code."""
    return reading.page_of("select * from {dim_portfolios} as known order by portfolio_code", Portfolio)


def portfolio(reading: Reading, name: str) -> Portfolio | None:
    """The portfolio of an id or a code."""
    found = reading.rows(
        "select * from {dim_portfolios} as known"
        " where portfolio_id::text = lower(%(name)s) or portfolio_code = %(name)s",
        Portfolio,
        name=name,
    )
    return found[0] if found else None


def latest_value(reading: Reading, portfolio_id: UUID) -> DayValue | None:
    """Value on the latest day, on or before the day asked for."""
    found = reading.rows(
        "select * from {fct_portfolio_values_daily} as valued"
        " where portfolio_id = %(portfolio_id)s and valuation_date <= %(as_of)s"
        " order by valuation_date desc limit 1",
        DayValue,
        portfolio_id=portfolio_id,
        as_of=reading.as_of,
    )
    return found[0] if found else None


def values(
    reading: Reading, portfolio_id: UUID, start: date | None, end: date | None
) -> tuple[list[DayValue], PageInfo]:
    """Value of each day between two days, both included, the oldest first."""
    return reading.page_of(
        """
        select * from {fct_portfolio_values_daily} as valued
        where portfolio_id = %(portfolio_id)s
              and valuation_date <= least(%(as_of)s, coalesce(%(end)s::date, %(as_of)s))
              and (%(start)s::date is null or valuation_date >= %(start)s)
        order by valuation_date
        """,
        DayValue,
        portfolio_id=portfolio_id,
        start=start,
        end=end,
        as_of=reading.as_of,
    )


def period_results(reading: Reading, portfolio_id: UUID) -> list[PeriodResult]:
    """Results of the periods that end on the publication's valuation date, the shortest first."""
    return reading.rows(
        "select * from {fct_period_results} as results where portfolio_id = %(portfolio_id)s"
        " order by start_date desc, period",
        PeriodResult,
        portfolio_id=portfolio_id,
    )


def risk_measures(reading: Reading, portfolio_id: UUID) -> list[RiskMeasure]:
    """Risk measures of the latest day that has any, on or before the day asked for."""
    return reading.rows(
        """
        select * from {fct_risk_measures} as measured
        where portfolio_id = %(portfolio_id)s and valuation_date = (
            select max(newest.valuation_date) from {fct_risk_measures} as newest
            where newest.portfolio_id = %(portfolio_id)s and newest.valuation_date <= %(as_of)s
        )
        order by measure, basis, method, confidence, horizon_days, window_days
        """,
        RiskMeasure,
        portfolio_id=portfolio_id,
        as_of=reading.as_of,
    )


def allocations(reading: Reading, portfolio_id: UUID, dimension: str | None) -> list[Allocation]:
    """Allocation on the latest day that has any, on or before the day asked for, the largest share first."""
    return reading.rows(
        """
        select * from {fct_allocations} as allocated
        where portfolio_id = %(portfolio_id)s
              and (%(dimension)s::text is null or dimension = %(dimension)s)
              and valuation_date = (
                  select max(newest.valuation_date) from {fct_allocations} as newest
                  where newest.portfolio_id = %(portfolio_id)s and newest.valuation_date <= %(as_of)s
              )
        order by dimension, weight desc nulls last, bucket
        """,
        Allocation,
        portfolio_id=portfolio_id,
        dimension=dimension,
        as_of=reading.as_of,
    )


def plan(reading: Reading, tax_unit_id: UUID | None) -> Plan | None:
    """The newest plan of a tax unit that is about the day asked for or a day before it."""
    found = reading.rows(
        "select * from {fct_rebalance_plans} as plans"
        " where tax_unit_id = %(tax_unit_id)s and valuation_date <= %(as_of)s"
        " order by night desc limit 1",
        Plan,
        tax_unit_id=tax_unit_id,
        as_of=reading.as_of,
    )
    return found[0] if found else None


def orders(reading: Reading, plan_id: UUID, portfolio_id: UUID) -> list[Order]:
    """Orders of a plan that concern a portfolio."""
    return reading.rows(
        """
        select orders.*, instruments.instrument_code
        from {fct_rebalance_orders} as orders
        left join {dim_instruments} as instruments on instruments.instrument_id = orders.instrument_id
        where orders.plan_id = %(plan_id)s and orders.portfolio_id = %(portfolio_id)s
        order by orders.side desc, orders.amount_account desc, orders.order_id
        """,
        Order,
        plan_id=plan_id,
        portfolio_id=portfolio_id,
    )


def alerts(reading: Reading, portfolio_id: UUID) -> tuple[list[Alert], PageInfo]:
    """Alert episodes up to the day asked for, the newest first."""
    return reading.page_of(
        "select * from {fct_alerts} as alerts"
        " where portfolio_id = %(portfolio_id)s and valuation_date <= %(as_of)s"
        " order by opened_night desc, alert_id",
        Alert,
        portfolio_id=portfolio_id,
        as_of=reading.as_of,
    )


def restatements(
    reading: Reading,
    portfolio_id: UUID | None = None,
    relation: str | None = None,
    valuation_date: date | None = None,
) -> tuple[list[Restatement], PageInfo]:
    """Figures restated by the instant asked for, the latest restatement first."""
    return reading.page_of(
        """
        select restated.*, instruments.instrument_code
        from {fct_restatements} as restated
        left join {dim_instruments} as instruments on instruments.instrument_id = restated.instrument_id
        where restated.restated_at <= %(instant)s
              and (%(portfolio_id)s::uuid is null or restated.portfolio_id = %(portfolio_id)s)
              and (%(relation)s::text is null or restated.relation = %(relation)s)
              and (%(valuation_date)s::date is null or restated.valuation_date = %(valuation_date)s)
        order by restated.restated_at desc, restated.valuation_date desc, restated.relation,
                 restated.portfolio_id, restated.account_id, restated.instrument_id, restated.figure
        """,
        Restatement,
        instant=reading.publication.instant,
        portfolio_id=portfolio_id,
        relation=relation,
        valuation_date=valuation_date,
    )
