"""Independent proof of a plan: everything it claims, recomputed from the problem and its orders alone."""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal, localcontext

from folio.decisions.orders.problem import CASH, Order, Portfolio, RebalancePlan, RebalanceProblem
from folio.errors import OrderError

TOLERANCE = Decimal("1e-8")
"""Differences in reporting currency, relative to 1 or the value in question, that count as rounding."""

LEFT_IN_FOLIO = Decimal("1e-6")
"""Share of a portfolio's value that may stay in an account that keeps no cash, beside steps of units."""

PRECISION = 60


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is wrong with a plan, in sentences; a plan without findings holds."""

    findings: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether the plan may be stored."""
        return not self.findings

    def require(self) -> None:
        """Raise OrderError with every finding unless the plan holds."""
        if self.findings:
            raise OrderError("the plan has no certificate: " + "; ".join(self.findings))


def certify(problem: RebalanceProblem, plan: RebalancePlan) -> Certificate:
    """Check feasibility, conservation and the stated figures of a plan by a path of its own."""
    with localcontext() as context:
        context.prec = PRECISION
        return Certificate(tuple(_Audit(problem, plan).findings()))


class _Audit:
    """State of an account book to which the plan's orders are applied one by one."""

    def __init__(self, problem: RebalanceProblem, plan: RebalancePlan) -> None:
        self.problem = problem
        self.plan = plan
        self.accounts = {a.account_id: a for a in problem.accounts}
        self.positions = {(p.account_id, p.instrument_id): p for p in problem.positions}
        self.units = {key: p.units for key, p in self.positions.items()}
        self.cash = {a.account_id: a.cash for a in problem.accounts}
        self.paid: dict[str, Decimal] = defaultdict(Decimal)
        self.wrong: list[str] = []

    def findings(self) -> list[str]:
        """Every way in which the plan fails."""
        if self.plan.status not in ("planned", "improved", "in_band", "out_of_band"):
            self._expect(not self.plan.orders, f"a plan that is {self.plan.status} has orders")
            self._expect(self.plan.objective is None, f"a plan that is {self.plan.status} has an objective")
            return self.wrong
        unpriced = sorted(
            {p.instrument_id for p in self.problem.positions if p.units > 0 and p.price is None}
        )
        self._expect(not unpriced, f"held without a price: {', '.join(unpriced)}")
        if unpriced:
            return self.wrong
        before = {p.portfolio_id: self._weights(p) for p in self.problem.portfolios}
        worth = {p.portfolio_id: self._worth(p.portfolio_id) for p in self.problem.portfolios}
        seen: set[tuple[str, str]] = set()
        for order in self.plan.orders:
            key = (order.account_id, order.instrument_id)
            self._expect(key not in seen, f"two orders for {order.instrument_id} in {order.account_id}")
            seen.add(key)
            self._apply(order)
        self._check_books()
        self._check_portfolios(before, worth)
        return self.wrong

    def _expect(self, holds: bool, otherwise: str) -> None:
        if not holds:
            self.wrong.append(otherwise)

    def _near(self, one: Decimal, other: Decimal) -> bool:
        return abs(one - other) <= TOLERANCE * max(Decimal(1), abs(one), abs(other))

    def _apply(self, order: Order) -> None:
        position = self.positions.get((order.account_id, order.instrument_id))
        name = f"{order.side} of {order.instrument_id} in {order.account_id}"
        if position is None or position.price is None:
            self.wrong.append(f"{name}: not a priced position of the problem")
            return
        held = position.units
        self._expect(
            order.portfolio_id == self.accounts[order.account_id].portfolio_id, f"{name}: wrong portfolio"
        )
        self._expect(order.units > 0, f"{name}: units are not positive")
        self._expect(order.price == position.price, f"{name}: another price than the problem's")
        is_whole_sale = order.side == "sell" and order.units == held and not position.whole_units
        self._expect(
            is_whole_sale or order.units % position.step == 0, f"{name}: units are no multiple of the step"
        )
        value = order.units * position.price
        cost = value * self.problem.costs.proportional_bps / Decimal(10_000) + self.problem.costs.fixed
        self._expect(self._near(order.value, value), f"{name}: value is not units x price")
        self._expect(self._near(order.cost, cost), f"{name}: cost is not as agreed")
        self._expect(
            value + TOLERANCE >= self.problem.minimum_order_value, f"{name}: below the minimum order value"
        )
        if order.side == "buy":
            self._expect(position.may_buy, f"{name}: may not be bought there")
        sign = 1 if order.side == "buy" else -1
        self.units[order.account_id, order.instrument_id] += sign * order.units
        self.cash[order.account_id] -= sign * value + cost
        self.paid[order.portfolio_id] += cost

    def _check_books(self) -> None:
        for (account_id, instrument), units in self.units.items():
            self._expect(units >= 0, f"{account_id} would hold negative units of {instrument}")
        for account in self.problem.accounts:
            orders = [o for o in self.plan.orders if o.account_id == account.account_id]
            after = self.cash[account.account_id]
            buys = any(o.side == "buy" for o in orders)
            floor = Decimal(0) if buys else min(Decimal(0), account.cash)
            self._expect(after >= floor, f"cash of {account.account_id} would be {after:f}")
            if not account.keeps_cash and orders:
                steps = (self.positions[o.account_id, o.instrument_id].step * o.price for o in orders)
                worth = self._worth(account.portfolio_id)
                left = sum(steps, Decimal(0)) * (1 + self.problem.costs.rate) + LEFT_IN_FOLIO * worth
                self._expect(
                    after - max(Decimal(0), account.cash) <= left,
                    f"{account.account_id} keeps no cash but would be left with {after:f}",
                )

    def _worth(self, portfolio_id: str) -> Decimal:
        return sum(self._values(portfolio_id).values(), Decimal(0))

    def _values(self, portfolio_id: str) -> dict[str, Decimal]:
        values: dict[str, Decimal] = defaultdict(Decimal)
        for (account, instrument), units in self.units.items():
            price = self.positions[account, instrument].price
            if price is not None and self.accounts[account].portfolio_id == portfolio_id:
                values[instrument] += units * price
        for account_id, cash in self.cash.items():
            if self.accounts[account_id].portfolio_id == portfolio_id:
                values[CASH] += cash
        return values

    def _weights(self, portfolio: Portfolio, worth: Decimal | None = None) -> Decimal | None:
        """Drift at the portfolio's worth before the orders, None where it is worth nothing."""
        values = self._values(portfolio.portfolio_id)
        worth = sum(values.values(), Decimal(0)) if worth is None else worth
        if worth <= 0:
            return None
        wanted = dict(portfolio.targets)
        wanted[CASH] = max(Decimal(0), 1 - sum(portfolio.targets.values(), Decimal(0)))
        names = values.keys() | wanted.keys()
        return (
            sum(
                (abs(values.get(n, Decimal(0)) / worth - wanted.get(n, Decimal(0))) for n in names),
                Decimal(0),
            )
            / 2
        )

    def _check_portfolios(self, before: dict[str, Decimal | None], worth: dict[str, Decimal]) -> None:
        objective = Decimal(0)
        outcomes = {o.portfolio_id: o for o in self.plan.outcomes}
        inside = True
        for portfolio in self.problem.portfolios:
            name, value = portfolio.portfolio_id, worth[portfolio.portfolio_id]
            orders = [o for o in self.plan.orders if o.portfolio_id == name]
            self._expect(
                self._near(self._worth(name) + self.paid[name], value), f"{name}: value is not conserved"
            )
            drift_before = before[name]
            if drift_before is None or not portfolio.targets:
                self._expect(not orders and name not in outcomes, f"{name}: orders without value or targets")
                continue
            after = self._weights(portfolio, value)
            assert after is not None
            overdrawn = any(a.cash < 0 for a in self.problem.accounts if a.portfolio_id == name)
            self._expect(overdrawn or after <= drift_before + TOLERANCE, f"{name}: drift would grow")
            if drift_before <= portfolio.drift_band and not self.problem.force:
                self._expect(not orders, f"{name}: inside its band and yet traded")
            if after > portfolio.drift_band:
                inside = False
            objective += self.paid[name] + self.problem.distance_weight * value * after
            outcome = outcomes.get(name)
            if outcome is None:
                self.wrong.append(f"{name}: no outcome stated")
                continue
            for what, stated, found in (
                ("value", outcome.value, value),
                ("drift before", outcome.drift_before, drift_before),
                ("drift after", outcome.drift_after, after),
                ("cost", outcome.cost, self.paid[name]),
            ):
                self._expect(self._near(stated, found), f"{name}: {what} stated {stated:f}, found {found:f}")
        self._check_totals(objective, inside)

    def _check_totals(self, objective: Decimal, inside: bool) -> None:
        plan = self.plan
        if None in (
            plan.objective,
            plan.lower_bound,
            plan.gap,
            plan.cost,
            plan.drift_before,
            plan.drift_after,
        ):
            self.wrong.append("the plan leaves a figure out")
            return
        assert plan.objective is not None and plan.lower_bound is not None
        assert plan.gap is not None and plan.cost is not None
        self._expect(
            self._near(plan.objective, objective + plan.tax),
            f"objective stated {plan.objective:f}, found {objective:f}",
        )
        self._expect(
            self._near(plan.cost, sum(self.paid.values(), Decimal(0))), "cost is not the orders' cost"
        )
        self._expect(plan.lower_bound <= plan.objective, "the lower bound lies above the objective")
        bound_gap = (plan.objective - plan.lower_bound) / plan.objective if plan.objective else Decimal(0)
        self._expect(self._near(plan.gap, bound_gap), "the gap is not that of objective and bound")
        if plan.status in ("planned", "in_band"):
            self._expect(
                inside or self.problem.force, f"{plan.status}, yet a portfolio lies outside its band"
            )
        self._expect(
            bool(plan.orders) == (plan.status in ("planned", "improved")), "status and orders disagree"
        )
