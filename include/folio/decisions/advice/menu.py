"""The menu: actions that are feasible for an account, computed from its figures and never invented."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal
from uuid import UUID

from folio.decisions.advice.facts import Fact, FactPack, Source, count, loss, money, name, ratio

Kind = Literal["rebalance", "concentration_cut", "cash_drag", "hold"]

CONCENTRATION_LIMIT = Decimal("0.25")
"""Weight in the portfolio above which a holding is concentrated, unless it is targeted that high."""

CASH_BUFFER = Decimal("0.05")
"""Weight in the portfolio above which an account's idle cash is called a drag."""


@dataclass(frozen=True, slots=True)
class Holding:
    """A holding of the account: `weight` in the portfolio, None where not all of it could be valued."""

    instrument_id: UUID
    instrument_name: str
    is_cash: bool
    value_account: Decimal | None
    weight: Decimal | None
    target_weight: Decimal | None


@dataclass(frozen=True, slots=True)
class Plan:
    """The night's plan of the account's tax unit, and how many of its orders fall on this account."""

    plan_id: UUID
    status: str
    orders: int
    drift_before: Decimal | None
    drift_after: Decimal | None
    cost_reporting: Decimal | None
    reporting_currency: str


@dataclass(frozen=True)
class Figures:
    """What the marts of one night say about an account and its portfolio; None where not known."""

    account_id: UUID
    portfolio_id: UUID
    valuation_date: str
    account_currency: str
    portfolio_currency: str
    drift_band: Decimal
    value_account: Decimal | None
    value_portfolio: Decimal | None
    is_complete: bool
    returns: Mapping[str, Decimal] = field(default_factory=dict)
    var: Decimal | None = None
    var_key: Mapping[str, str] = field(default_factory=dict)
    holdings: tuple[Holding, ...] = ()
    plan: Plan | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """One feasible action: the facts that speak for it, and its score, a share of the portfolio's value."""

    menu_id: str
    kind: Kind
    meaning: str
    fact_ids: tuple[str, ...]
    score: Decimal


@dataclass(frozen=True)
class Menu:
    """Feasible actions, the highest score first; only `hold` where figures are incomplete."""

    actions: tuple[Action, ...]
    is_complete: bool = True

    @property
    def by_id(self) -> dict[str, Action]:
        """Actions by their id."""
        return {action.menu_id: action for action in self.actions}


def facts(figures: Figures) -> FactPack:
    """Every fact that advice about the account may cite."""
    found: list[Fact] = []
    account = {"account_id": str(figures.account_id), "valuation_date": figures.valuation_date}
    portfolio = {"portfolio_id": str(figures.portfolio_id), "valuation_date": figures.valuation_date}
    if figures.value_account is not None:
        source = Source("fct_account_values_daily", account, "value_account")
        found.append(
            money(
                "account_value",
                "value of the account",
                figures.value_account,
                figures.account_currency,
                source,
            )
        )
    if figures.value_portfolio is not None:
        source = Source("fct_portfolio_values_daily", portfolio, "value_portfolio")
        found.append(
            money(
                "portfolio_value",
                "value of the whole portfolio",
                figures.value_portfolio,
                figures.portfolio_currency,
                source,
            )
        )
    for period, (fact_id, meaning) in RETURNS.items():
        if period in figures.returns:
            key = {"portfolio_id": str(figures.portfolio_id), "period": period}
            source = Source("fct_period_results", key, "twr")
            found.append(ratio(fact_id, meaning, figures.returns[period], source, directed=True))
    if figures.var is not None:
        source = Source("fct_risk_measures", figures.var_key, "value")
        found.append(loss("value_at_risk", "loss of one day that is rarely exceeded", figures.var, source))
    found += _plan_facts(figures)
    found += _holding_facts(figures)
    return FactPack(figures.account_id, figures.portfolio_id, tuple(found))


RETURNS = {
    "YTD": ("return_this_year", "return of the portfolio since the start of the year"),
    "1Y": ("return_last_year", "return of the portfolio over the last year"),
}


def _plan_facts(figures: Figures) -> list[Fact]:
    plan = figures.plan
    band = Source("dim_portfolios", {"portfolio_id": str(figures.portfolio_id)}, "drift_band")
    found = [ratio("drift_band", "drift up to which nothing is done", figures.drift_band, band)]
    if plan is None:
        return found
    key = {"plan_id": str(plan.plan_id)}
    for fact_id, meaning, value, column in (
        ("drift_before", "distance of the portfolios from their targets", plan.drift_before, "drift_before"),
        (
            "drift_after",
            "distance from the targets after the planned orders",
            plan.drift_after,
            "drift_after",
        ),
    ):
        if value is not None:
            found.append(ratio(fact_id, meaning, value, Source("fct_rebalance_plans", key, column)))
    if plan.orders and plan.cost_reporting is not None:
        source = Source("fct_rebalance_plans", key, "cost_reporting")
        meaning = "trading cost of the whole plan"
        found.append(money("plan_cost", meaning, plan.cost_reporting, plan.reporting_currency, source))
        rows = Source(
            "fct_rebalance_orders", key | {"account_id": str(figures.account_id)}, "order_id", "count"
        )
        found.append(count("order_count", "orders planned in this account", plan.orders, rows))
    return found


def _holding_facts(figures: Figures) -> list[Fact]:
    found: list[Fact] = []
    cash, largest = _cash(figures), _largest(figures)
    if cash is not None and cash.weight is not None:
        found.append(
            ratio(
                "cash_weight",
                "weight of this account's cash in the portfolio",
                cash.weight,
                _cell(figures, cash, "weight"),
            )
        )
        if cash.value_account is not None:
            source = _cell(figures, cash, "value_account")
            found.append(
                money(
                    "cash_value", "cash in this account", cash.value_account, figures.account_currency, source
                )
            )
        found.append(
            ratio(
                "cash_buffer",
                "weight of cash that is kept without comment",
                CASH_BUFFER,
                _policy("cash_buffer"),
            )
        )
    if largest is not None and largest.weight is not None:
        source = Source("dim_instruments", {"instrument_id": str(largest.instrument_id)}, "instrument_name")
        found.append(
            name("largest_name", "name of this account's largest holding", largest.instrument_name, source)
        )
        found.append(
            ratio(
                "largest_weight",
                "weight of that holding in the portfolio",
                largest.weight,
                _cell(figures, largest, "weight"),
            )
        )
        limit = _policy("concentration_limit")
        found.append(
            ratio(
                "concentration_limit",
                "weight above which a holding is concentrated",
                CONCENTRATION_LIMIT,
                limit,
            )
        )
    return found


def _cell(figures: Figures, holding: Holding, column: str) -> Source:
    key = {
        "account_id": str(figures.account_id),
        "instrument_id": str(holding.instrument_id),
        "valuation_date": figures.valuation_date,
    }
    return Source("fct_holdings", key, column)


def _policy(limit: str) -> Source:
    return Source("policy", {"limit": limit}, "value")


def _cash(figures: Figures) -> Holding | None:
    cash = [h for h in figures.holdings if h.is_cash and h.weight is not None]
    return max(cash, key=lambda h: (h.weight, str(h.instrument_id)), default=None)


def _largest(figures: Figures) -> Holding | None:
    held = [h for h in figures.holdings if not h.is_cash and h.weight is not None]
    return max(held, key=lambda h: (h.weight, str(h.instrument_id)), default=None)


def menu(figures: Figures) -> Menu:
    """Actions that are feasible for the account; `hold` always is, and alone where figures are incomplete."""
    actions = [_hold(figures)]
    if figures.is_complete:
        actions += [a for a in (_rebalance(figures), _concentration_cut(figures), _cash_drag(figures)) if a]
    return Menu(tuple(sorted(actions, key=lambda a: (-a.score, a.menu_id))), figures.is_complete)


def _hold(figures: Figures) -> Action:
    known = {fact.fact_id for fact in facts(figures).facts}
    wanted = ("account_value", "portfolio_value", "return_this_year", "return_last_year", "value_at_risk")
    spoken = tuple(fact_id for fact_id in wanted if fact_id in known)
    return Action("hold", "hold", "keep the holdings as they are", spoken, Decimal(0))


def _rebalance(figures: Figures) -> Action | None:
    plan = figures.plan
    if plan is None or not plan.orders or plan.drift_before is None or plan.drift_after is None:
        return None
    cited = ("order_count", "drift_before", "drift_after", "drift_band", "plan_cost")
    score = max(Decimal(0), plan.drift_before - plan.drift_after)
    return Action(
        "rebalance", "rebalance", "place the planned orders that bring the mix back to target", cited, score
    )


def _concentration_cut(figures: Figures) -> Action | None:
    largest = _largest(figures)
    if largest is None or largest.weight is None or largest.weight <= CONCENTRATION_LIMIT:
        return None
    if largest.target_weight is not None and largest.weight <= largest.target_weight + figures.drift_band:
        return None
    cited = ("largest_name", "largest_weight", "concentration_limit")
    score = largest.weight - CONCENTRATION_LIMIT
    return Action("concentration_cut", "concentration_cut", "sell part of the largest holding", cited, score)


def _cash_drag(figures: Figures) -> Action | None:
    cash = _cash(figures)
    if cash is None or cash.weight is None or cash.weight <= CASH_BUFFER:
        return None
    if cash.target_weight is not None and cash.weight <= cash.target_weight + figures.drift_band:
        return None
    cited = tuple(
        fact_id
        for fact_id in ("cash_value", "cash_weight", "cash_buffer")
        if fact_id != "cash_value" or cash.value_account is not None
    )
    score = cash.weight - CASH_BUFFER
    return Action(
        "cash_drag", "cash_drag", "invest cash that earns nothing according to the targets", cited, score
    )
