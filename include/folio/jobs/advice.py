"""Recommendations of a night: marts and plans in, ranked and checked text per account out."""

from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from folio.books.identity import surrogate_id
from folio.decisions.advice.menu import Figures, Holding, Plan, facts, menu
from folio.decisions.advice.recommend import Desk, fingerprint
from folio.decisions.advice.writers.model import ModelWriter
from folio.jobs.nights import Night
from folio.settings import settings
from folio.store import warehouse

ANSWER_SECONDS = 30.0
"""How long the endpoint may stay silent."""

RECOMMENDATION_COLUMNS = (
    *("recommendation_id", "account_id", "portfolio_id", "night", "rank", "action", "headline", "body"),
    *("facts", "writer", "model", "prompt_version", "checks"),
)
CALL_COLUMNS = (
    *("call_id", "account_id", "night", "attempt", "model", "prompt_version"),
    *("prompt_tokens", "completion_tokens", "latency_ms", "verdict"),
)


def write(night: str, *, refresh: bool = False) -> dict[str, int]:
    """Replace the recommendations of a night, and the record of the questions asked for them.

    Accounts with a holding or a value get recommendations. One whose facts, menu and writer are those of its
    stored recommendations keeps them, so that a second run asks and changes nothing, unless `refresh`.

    Returns
    -------
    dict[str, int]
        `kept` accounts, accounts by writer, and `recommendations` and `calls` written anew.
    """
    this = Night.parse(night)
    desk = Desk(_model_writer())
    with warehouse.connect() as connection:
        figures = _read(connection, this)
        stored = {} if refresh else _stored(connection, this.id)
    counts: Counter[str] = Counter(recommendations=0, calls=0)
    rewritten: list[UUID] = []
    recommendations: list[tuple[Any, ...]] = []
    calls: list[tuple[Any, ...]] = []
    for account in figures:
        pack, actions = facts(account), menu(account)
        seal = fingerprint(pack, actions, desk.writer)
        if stored.get(account.account_id) == {seal}:
            counts["kept"] += 1
            continue
        advice = desk.advise(pack, actions)
        counts[advice.writer] += 1
        rewritten.append(account.account_id)
        checks = {"passed": list(advice.checks), "fingerprint": seal}
        for item in advice.recommendations:
            recommendations.append(
                (
                    surrogate_id("recommendation", f"{account.account_id}|{this.id}|{item.rank}"),
                    *(account.account_id, account.portfolio_id, this.id, item.rank, item.action),
                    *(item.headline, item.body, Jsonb(list(item.facts)), advice.writer, advice.model),
                    *(advice.prompt_version, Jsonb(checks)),
                )
            )
        for call in advice.calls:
            calls.append(
                (
                    surrogate_id("advice_call", f"{account.account_id}|{this.id}|{call.attempt}"),
                    *(account.account_id, this.id, call.attempt, call.model, call.prompt_version),
                    *(call.prompt_tokens, call.completion_tokens, call.latency_ms, call.verdict),
                )
            )
    gone = "night = %s and (account_id = any(%s) or account_id <> all(%s))"
    parameters = (this.id, rewritten, [account.account_id for account in figures])
    with warehouse.connect() as connection:
        counts["recommendations"] = warehouse.replace(
            connection,
            "computed.recommendations",
            RECOMMENDATION_COLUMNS,
            recommendations,
            where=gone,
            parameters=parameters,
        )
        counts["calls"] = warehouse.replace(
            connection, "computed.advice_calls", CALL_COLUMNS, calls, where=gone, parameters=parameters
        )
    return dict(counts)


def _model_writer() -> ModelWriter | None:
    configured = settings()
    if not configured.llm_url:
        return None
    key = configured.llm_key.get_secret_value() if configured.llm_key else None
    return ModelWriter.at(configured.llm_url, key, configured.llm_model, ANSWER_SECONDS)


def _stored(connection: psycopg.Connection[Any], night: str) -> dict[UUID, set[str]]:
    rows = connection.execute(
        "select account_id, checks ->> 'fingerprint' from computed.recommendations where night = %s", (night,)
    ).fetchall()
    seals: dict[UUID, set[str]] = defaultdict(set)
    for account_id, seal in rows:
        seals[account_id].add(seal)
    return seals


def _read(connection: psycopg.Connection[Any], night: Night) -> list[Figures]:
    """Figures of every account with a holding or a value on the night's valuation date, by account id."""
    asked = {"day": night.valuation_date, "night": night.id}
    holdings = _holdings(connection, asked)
    returns = _returns(connection, asked)
    risks = _risks(connection, asked, night.valuation_date)
    found = []
    for row in _rows(connection, ACCOUNTS, asked):
        held = holdings.get(row["account_id"], ())
        if not held and not row["value_account"]:
            continue
        var, var_key = risks.get(row["portfolio_id"], (None, {}))
        plan = None
        if row["plan_id"] is not None:
            plan = Plan(
                plan_id=row["plan_id"],
                status=row["plan_status"],
                orders=row["orders"],
                drift_before=row["drift_before"],
                drift_after=row["drift_after"],
                cost_reporting=row["cost_reporting"],
                reporting_currency=row["reporting_currency"],
            )
        found.append(
            Figures(
                account_id=row["account_id"],
                portfolio_id=row["portfolio_id"],
                valuation_date=night.valuation_date.isoformat(),
                account_currency=row["account_currency"],
                portfolio_currency=row["portfolio_currency"],
                drift_band=row["drift_band"],
                value_account=row["value_account"],
                value_portfolio=row["value_portfolio"],
                is_complete=row["value_portfolio"] is not None and row["quality"] != "incomplete",
                returns=returns.get(row["portfolio_id"], {}),
                var=var,
                var_key=var_key,
                holdings=held,
                plan=plan,
            )
        )
    return found


ACCOUNTS: LiteralString = """
select accounts.account_id, accounts.portfolio_id, accounts.account_currency, portfolios.portfolio_currency,
       portfolios.drift_band, account_values.value_account, portfolio_values.value_portfolio,
       portfolio_values.quality, plans.plan_id, plans.status as plan_status, plans.drift_before,
       plans.drift_after, plans.cost_reporting, plans.reporting_currency,
       (select count(*) from computed.rebalance_orders as orders
        where orders.plan_id = plans.plan_id and orders.account_id = accounts.account_id) as orders
from build.dim_accounts as accounts
join build.dim_portfolios as portfolios using (portfolio_id)
left join build.fct_account_values_daily as account_values
    on account_values.account_id = accounts.account_id and account_values.valuation_date = %(day)s
left join build.fct_portfolio_values_daily as portfolio_values
    on portfolio_values.portfolio_id = accounts.portfolio_id and portfolio_values.valuation_date = %(day)s
left join computed.rebalance_plans as plans
    on plans.tax_unit_id = portfolios.tax_unit_id and plans.night = %(night)s
order by accounts.account_id
"""

HOLDINGS: LiteralString = """
select holdings.account_id, holdings.instrument_id, holdings.value_account, holdings.weight,
       coalesce(instruments.instrument_name, 'unknown instrument') as instrument_name,
       coalesce(instruments.instrument_kind = 'cash', false) as is_cash, allocations.target_weight
from build.fct_holdings as holdings
left join build.dim_instruments as instruments using (instrument_id)
left join build.fct_allocations as allocations
    on allocations.portfolio_id = holdings.portfolio_id
    and allocations.valuation_date = holdings.valuation_date
    and allocations.dimension = 'instrument' and allocations.bucket = instruments.instrument_code
where holdings.valuation_date = %(day)s
order by holdings.account_id, holdings.instrument_id
"""

RETURNS: LiteralString = """
select portfolio_id, period, twr from build.fct_period_results
where end_date = %(day)s and period in ('YTD', '1Y') and twr is not null
"""

VALUES_AT_RISK: LiteralString = """
select portfolio_id, basis, method, confidence, horizon_days, window_days, value from build.fct_risk_measures
where valuation_date = %(day)s and measure = 'var' and basis = 'current_holdings' and horizon_days = 1
  and confidence = 0.95 and value is not null
order by portfolio_id, method desc, window_days
"""


def _rows(
    connection: psycopg.Connection[Any], query: LiteralString, asked: dict[str, Any]
) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, asked).fetchall()


def _holdings(connection: psycopg.Connection[Any], asked: dict[str, Any]) -> dict[UUID, tuple[Holding, ...]]:
    held: dict[UUID, tuple[Holding, ...]] = defaultdict(tuple)
    for row in _rows(connection, HOLDINGS, asked):
        account_id = row.pop("account_id")
        held[account_id] += (Holding(**row),)
    return held


def _returns(connection: psycopg.Connection[Any], asked: dict[str, Any]) -> dict[UUID, dict[str, Decimal]]:
    returns: dict[UUID, dict[str, Decimal]] = defaultdict(dict)
    for row in _rows(connection, RETURNS, asked):
        returns[row["portfolio_id"]][row["period"]] = row["twr"]
    return returns


def _risks(
    connection: psycopg.Connection[Any], asked: dict[str, Any], day: date
) -> dict[UUID, tuple[Decimal, dict[str, str]]]:
    """One-day value at risk of each portfolio with the key of its mart row."""
    risks: dict[UUID, tuple[Decimal, dict[str, str]]] = {}
    for row in _rows(connection, VALUES_AT_RISK, asked):
        value = row.pop("value")
        key = {"valuation_date": day.isoformat(), "measure": "var"} | {
            name: str(cell) for name, cell in row.items()
        }
        risks.setdefault(row["portfolio_id"], (value, key))
    return risks
