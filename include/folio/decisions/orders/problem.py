"""The rebalance problem of one tax unit and the plan that answers it; amounts in reporting currency."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from folio.errors import OrderError

Side = Literal["buy", "sell"]
Status = Literal[
    "planned", "improved", "in_band", "out_of_band", "not_priced", "no_targets", "empty", "refused"
]
"""planned: orders that end inside every band; improved: orders that come nearer but cannot reach a band;
in_band: nothing to do; out_of_band: outside, but no order is feasible; not_priced: a holding has no price;
no_targets: no portfolio has targets; empty: no portfolio has value; refused: none was made or certified."""

CASH = "cash"
"""Bucket in which a portfolio's cash is measured against its target; no instrument may be called so."""

WHOLE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Costs:
    """What an order costs: `proportional_bps` (hundredths of a percent) of its value, plus `fixed`."""

    proportional_bps: Decimal
    fixed: Decimal

    @property
    def rate(self) -> Decimal:
        """The proportional part as a fraction of the order's value."""
        return self.proportional_bps / Decimal(10_000)

    def of(self, value: Decimal) -> Decimal:
        """Cost of one order of `value`, both in reporting currency."""
        return value * self.rate + self.fixed


@dataclass(frozen=True, slots=True)
class Portfolio:
    """A portfolio with its wanted weights by instrument; what they leave of 1 is wanted as cash.

    `drift_band` is the drift, half the sum of absolute deviations, up to which nothing is done.
    """

    portfolio_id: str
    targets: Mapping[str, Decimal]
    drift_band: Decimal

    @property
    def cash_target(self) -> Decimal:
        """Share of the portfolio wanted as cash."""
        return max(Decimal(0), 1 - sum(self.targets.values(), Decimal(0)))


@dataclass(frozen=True, slots=True)
class Account:
    """An account and its cash; one that keeps no cash must spend on buys what its sells bring."""

    account_id: str
    portfolio_id: str
    cash: Decimal
    keeps_cash: bool = True


@dataclass(frozen=True, slots=True)
class Position:
    """An instrument that an account holds or may buy (then `units` may be 0); `price` None if unknown.

    Orders come in multiples of `step`: 1 where only whole units trade, else `unit_step`.
    """

    account_id: str
    instrument_id: str
    units: Decimal
    price: Decimal | None
    whole_units: bool = False
    may_buy: bool = True
    unit_step: Decimal = Decimal("0.0001")

    @property
    def step(self) -> Decimal:
        """Smallest difference between two orders, in units."""
        return WHOLE if self.whole_units else self.unit_step


@dataclass(frozen=True)
class RebalanceProblem:
    """Everything that decides the orders of one tax unit.

    Amounts are in one reporting currency. `distance_weight` is the lambda of the objective: what a unit of
    value at full drift is worth. `force` trades to the targets instead of back inside the band. A search ends
    when the objective is proven to within `relative_gap` of itself or, past a first effort, to within
    `value_gap` of the portfolio's value; at the latest at `node_limit` or `time_limit_seconds`, of which only
    the second makes the answer depend on the machine.

    Raises
    ------
    OrderError
        Ids are unknown or doubled, units negative, one instrument has two prices, targets are negative or sum
        above 1, or a parameter is negative.
    """

    portfolios: tuple[Portfolio, ...]
    accounts: tuple[Account, ...]
    positions: tuple[Position, ...]
    costs: Costs
    minimum_order_value: Decimal
    distance_weight: Decimal
    force: bool = False
    relative_gap: float = 1e-3
    value_gap: float = 0.0
    time_limit_seconds: float = 20.0
    node_limit: int = 20_000

    def __post_init__(self) -> None:
        for name, ids in (
            ("portfolio", [p.portfolio_id for p in self.portfolios]),
            ("account", [a.account_id for a in self.accounts]),
            ("position", [(p.account_id, p.instrument_id) for p in self.positions]),
        ):
            if len(set(ids)) < len(ids):
                raise OrderError(f"a {name} stands twice in the problem")
        _refuse_unknown(self)
        prices: dict[str, Decimal | None] = {}
        for position in self.positions:
            if prices.setdefault(position.instrument_id, position.price) != position.price:
                raise OrderError(f"instrument {position.instrument_id} has two prices")
            if position.instrument_id == CASH:
                raise OrderError("cash belongs to the account, not to a position")
            if position.units < 0:
                raise OrderError(
                    f"account {position.account_id} holds negative units of {position.instrument_id}"
                )
            if position.price is not None and position.price <= 0:
                raise OrderError(f"price of {position.instrument_id} is not positive")
            if position.unit_step <= 0:
                raise OrderError(f"unit step of {position.instrument_id} is not positive")
        for portfolio in self.portfolios:
            weights = portfolio.targets.values()
            if any(w < 0 for w in weights) or sum(weights, Decimal(0)) > 1 + Decimal("1e-9"):
                raise OrderError(f"targets of portfolio {portfolio.portfolio_id} are negative or sum above 1")
            if portfolio.drift_band < 0:
                raise OrderError(f"drift band of portfolio {portfolio.portfolio_id} is negative")
        parameters = (
            self.costs.proportional_bps,
            self.costs.fixed,
            self.minimum_order_value,
            self.distance_weight,
        )
        if any(p < 0 for p in parameters) or min(self.relative_gap, self.value_gap) < 0:
            raise OrderError("costs, minimum order, lambda and gaps must not be negative")
        if self.time_limit_seconds <= 0 or self.node_limit < 1:
            raise OrderError("the limits of a search must be positive")


def _refuse_unknown(problem: RebalanceProblem) -> None:
    portfolios = {p.portfolio_id for p in problem.portfolios}
    accounts = {a.account_id for a in problem.accounts}
    for account in problem.accounts:
        if account.portfolio_id not in portfolios:
            raise OrderError(f"account {account.account_id} names an unknown portfolio")
    for position in problem.positions:
        if position.account_id not in accounts:
            raise OrderError(f"a position names the unknown account {position.account_id}")


@dataclass(frozen=True, slots=True)
class Order:
    """One order: `value` = units x price and `cost` in reporting currency."""

    portfolio_id: str
    account_id: str
    instrument_id: str
    side: Side
    units: Decimal
    price: Decimal
    value: Decimal
    cost: Decimal
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a plan does to one portfolio: drift as a fraction of `value`, its worth before the orders."""

    portfolio_id: str
    value: Decimal
    drift_before: Decimal
    drift_after: Decimal
    cost: Decimal
    naive_cost: Decimal
    lower_bound: Decimal


@dataclass(frozen=True)
class RebalancePlan:
    """The orders of a tax unit and how good they are.

    `objective` = cost + tax + lambda x value x drift after, summed over portfolios; `tax` is 0 as long as the
    objective has no tax terms. `lower_bound` is proven for the same problem in unrounded units, and
    `gap` = (objective - lower bound) / objective. The figures are None where nothing could be valued. Drifts
    of the tax unit are weighted by portfolio value.
    """

    status: Status
    reason: str
    orders: tuple[Order, ...] = ()
    outcomes: tuple[Outcome, ...] = field(default=())
    objective: Decimal | None = None
    lower_bound: Decimal | None = None
    gap: Decimal | None = None
    drift_before: Decimal | None = None
    drift_after: Decimal | None = None
    cost: Decimal | None = None
    tax: Decimal = Decimal(0)
    naive_cost: Decimal | None = None
