"""Mixed-integer search with HiGHS for the orders of one portfolio: nearest to the band, then cheapest."""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from math import floor, inf

import highspy

from folio.decisions.orders.problem import CASH, Account, Portfolio, Position, RebalanceProblem, Side
from folio.errors import OrderError

NUDGE = 1e-8
"""Share of a portfolio's value kept free at every limit, above the solver's tolerance, so that float error
breaks none."""

OVERDRAFT_WEIGHT = 10.0
"""What a share of value still overdrawn weighs against one outside the band."""

OBJECTIVE_SCALE = 1e4
"""The cheapest orders are searched for in hundredths of a percent of value, well above solver tolerances."""


@dataclass(frozen=True)
class Book:
    """One portfolio of a problem with its own accounts and positions, and its value in reporting currency."""

    portfolio: Portfolio
    accounts: tuple[Account, ...]
    positions: tuple[Position, ...]
    value: Decimal


@dataclass(frozen=True, slots=True)
class Trade:
    """What the search wants of one position, in units not yet rounded."""

    position: Position
    side: Side
    units: float


@dataclass(frozen=True, slots=True)
class Found:
    """Trades, drift left above the band (a share of value), proven lower bound in reporting currency."""

    trades: tuple[Trade, ...]
    excess: float
    lower_bound: float


def cheapest(problem: RebalanceProblem, book: Book, *, may_sell: bool, within: float = inf) -> Found | None:
    """Cheapest trades among those that end as near to the band as can be.

    The trades keep a margin for rounding to units; the bound is proven without it, for the drift they
    reach. None where no trades end within that share of value above the band.

    Raises
    ------
    OrderError
        The solver ended without an answer within its limits.
    """
    model = _Model(problem, book, may_sell=may_sell, margins=True)
    excess, overdraft = model.nearest()
    if excess > within:
        return None
    model.limit(excess, overdraft)
    model.cheapest()
    trades = model.trades()
    bound = _Model(problem, book, may_sell=may_sell, margins=False)
    bound.limit(excess + model.band_margin + NUDGE, overdraft)
    bound.cheapest()
    return Found(trades, excess, bound.lower_bound * float(book.value))


class _Model:
    """The MILP in shares of the portfolio's value; a whole-unit trade counts units instead."""

    def __init__(self, problem: RebalanceProblem, book: Book, *, may_sell: bool, margins: bool) -> None:
        self.problem = problem
        self.book = book
        self.value = float(book.value)
        self.rate = float(problem.costs.rate)
        self.fixed = float(problem.costs.fixed) / self.value
        self.highs = highspy.Highs()
        for option, setting in (
            ("output_flag", False),
            ("threads", 1),
            ("random_seed", 0),
            ("time_limit", problem.time_limit_seconds),
            ("mip_max_nodes", problem.node_limit),
            ("mip_rel_gap", problem.relative_gap),
            ("mip_abs_gap", 0.0),
            ("mip_feasibility_tolerance", 1e-9),
            ("primal_feasibility_tolerance", 1e-9),
        ):
            self.highs.setOptionValue(option, setting)
        self.columns = 0
        self.margin = 1.0 if margins else 0.0
        self.band_margin = sum(
            float(p.step * p.price) / self.value for p in book.positions if p.price and not p.whole_units
        )
        self.quantities: list[tuple[Position, Side, int, int, float]] = []
        self.costs: dict[int, float] = defaultdict(float)
        self.cash: dict[str, dict[int, float]] = defaultdict(dict)
        self.upper_cash: dict[str, dict[int, float]] = defaultdict(dict)
        self.weights: dict[str, dict[int, float]] = defaultdict(dict)
        self.held: dict[str, float] = defaultdict(float)
        for account in book.accounts:
            self._add_trades(account, may_sell=may_sell)
        self.overdrafts = [self._add_cash(account) for account in book.accounts]
        self.deviations = self._add_deviations()
        self.excess = self._column(0.0, inf)
        band = Decimal(0) if problem.force else book.portfolio.drift_band
        row = dict.fromkeys(self.deviations, 0.5) | {self.excess: -1.0}
        self._row(-inf, max(0.0, float(band) - self.margin * (self.band_margin + NUDGE)), row)

    def _column(self, lower: float, upper: float, *, integer: bool = False) -> int:
        self.highs.addCol(0.0, lower, upper, 0, [], [])
        if integer:
            self.highs.changeColIntegrality(self.columns, highspy.HighsVarType.kInteger)
        self.columns += 1
        return self.columns - 1

    def _row(self, lower: float, upper: float, coefficients: dict[int, float]) -> None:
        self.highs.addRow(lower, upper, len(coefficients), list(coefficients), list(coefficients.values()))

    def _add_trades(self, account: Account, *, may_sell: bool) -> None:
        positions = [p for p in self.book.positions if p.account_id == account.account_id]
        worth = {
            p.instrument_id: float(p.units * p.price) / self.value for p in positions if p.price is not None
        }
        spendable = max(0.0, float(account.cash) / self.value + (sum(worth.values()) if may_sell else 0.0))
        for position in positions:
            if position.price is None:
                continue
            name = position.instrument_id
            price = float(position.price) / self.value
            self.held[name] += worth[name]
            sides = []
            if position.may_buy:
                sides.append(self._add_side(position, "buy", price, spendable))
            if may_sell and position.units > 0:
                sides.append(self._add_side(position, "sell", price, worth[name]))
            switches = [switch for switch in sides if switch is not None]
            if len(switches) > 1:
                self._row(-inf, 1.0, dict.fromkeys(switches, 1.0))

    def _add_side(self, position: Position, side: Side, price: float, most: float) -> int | None:
        """Columns of one side of a position: how much, and whether at all. None where nothing is feasible."""
        per = price if position.whole_units else 1.0
        if position.whole_units:
            units = floor(most / price + NUDGE) if side == "buy" else floor(position.units)
            most = units * price
            upper: float = units
        else:
            upper = most
        least = max(float(self.problem.minimum_order_value) / self.value, float(position.step) * price)
        if side == "buy" and not position.whole_units:
            least += self.margin * float(position.step) * price
        if upper <= 0 or most < least:
            return None
        quantity = self._column(0.0, upper, integer=position.whole_units)
        switch = self._column(0.0, 1.0, integer=True)
        self._row(-inf, 0.0, {quantity: 1.0, switch: -upper})
        if least > 0:
            self._row(0.0, inf, {quantity: per, switch: -least})
        self.quantities.append((position, side, quantity, switch, per))
        sign = 1.0 if side == "buy" else -1.0
        self.weights[position.instrument_id][quantity] = sign * per
        self.costs[quantity] += self.rate * per
        self.costs[switch] += self.fixed
        cash = self.cash[position.account_id]
        cash[quantity] = -sign * per - self.rate * per
        cash[switch] = -self.fixed
        if side == "buy":
            self.upper_cash[position.account_id][switch] = -price if position.whole_units else 0.0
        return switch

    def _add_cash(self, account: Account) -> int:
        """Rows that keep an account solvent; returns the column of what stays overdrawn."""
        before = float(account.cash) / self.value
        flows = self.cash[account.account_id]
        overdraft = self._column(0.0, max(0.0, -before))
        buys = self.upper_cash[account.account_id]
        solvent = dict(flows)
        for switch in buys:
            solvent[switch] = solvent.get(switch, 0.0) - self.margin * NUDGE
        if before < 0:  # buying waits until the account is out of debt
            for switch in buys:
                self._row(-inf, -before, {overdraft: 1.0, switch: -before})
        self._row(-before, inf, solvent | {overdraft: 1.0})
        if not account.keeps_cash and flows:
            spent = {column: flow + buys.get(column, 0.0) for column, flow in flows.items()}
            left = len(flows) * NUDGE + (1.0 - self.margin) * self.band_margin * (1.0 + self.rate)
            self._row(-inf, max(0.0, before) + left - before, spent)
        for column, flow in flows.items():
            self.weights[CASH][column] = flow
        self.held[CASH] += before
        return overdraft

    def _add_deviations(self) -> list[int]:
        portfolio = self.book.portfolio
        wanted = {name: float(weight) for name, weight in portfolio.targets.items()}
        wanted[CASH] = float(portfolio.cash_target)
        deviations = []
        for name in sorted(self.held.keys() | wanted.keys()):
            deviation = self._column(0.0, inf)
            away = self.held.get(name, 0.0) - wanted.get(name, 0.0)
            changes = self.weights.get(name, {})
            self._row(away, inf, {column: -c for column, c in changes.items()} | {deviation: 1.0})
            self._row(-away, inf, changes | {deviation: 1.0})
            deviations.append(deviation)
        return deviations

    def nearest(self) -> tuple[float, float]:
        """Least drift above the band, and what then stays overdrawn, both as shares of value."""
        self._objective({self.excess: 1.0} | dict.fromkeys(self.overdrafts, OVERDRAFT_WEIGHT))
        self._run()
        values = self.highs.getSolution().col_value
        return max(0.0, values[self.excess]), sum(max(0.0, values[o]) for o in self.overdrafts)

    def limit(self, excess: float, overdraft: float) -> None:
        """Hold the drift above the band and the overdraft at most at these shares of value."""
        self.highs.changeColBounds(self.excess, 0.0, excess + NUDGE)
        if any(a.cash < 0 for a in self.book.accounts):
            self._row(-inf, overdraft + NUDGE, dict.fromkeys(self.overdrafts, 1.0))

    def cheapest(self) -> None:
        """Minimise cost + lambda x drift, as a share of value."""
        distance = 0.5 * float(self.problem.distance_weight)
        self._objective(dict(self.costs) | dict.fromkeys(self.deviations, distance), OBJECTIVE_SCALE)
        self._run()

    def _objective(self, coefficients: dict[int, float], scale: float = 1.0) -> None:
        for column in range(self.columns):
            self.highs.changeColCost(column, coefficients.get(column, 0.0) * scale)

    def _run(self) -> None:
        self.highs.run()
        if self.highs.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
            status = self.highs.modelStatusToString(self.highs.getModelStatus())
            raise OrderError(
                f"no orders found for portfolio {self.book.portfolio.portfolio_id}: solver says {status}"
            )

    @property
    def lower_bound(self) -> float:
        """Proven bound on the last cheapest objective, as a share of value."""
        info = self.highs.getInfo()
        is_mixed = info.mip_node_count >= 0
        return float(info.mip_dual_bound if is_mixed else info.objective_function_value) / OBJECTIVE_SCALE

    def trades(self) -> tuple[Trade, ...]:
        """Trades of the last run."""
        values = self.highs.getSolution().col_value
        found = []
        for position, side, column, switch, per in self.quantities:
            assert position.price is not None
            amount = values[column] if values[switch] > 0.5 else 0.0
            units = amount if position.whole_units else amount * per * self.value / float(position.price)
            if units > 0:
                found.append(Trade(position, side, units))
        return tuple(found)
