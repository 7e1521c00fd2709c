"""The mixed-integer programme of one portfolio's orders, for HiGHS: nearest to the band, then cheapest."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import floor, inf
from typing import Any

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

MORE_PATIENCE: tuple[tuple[tuple[str, Any], ...], ...] = (
    (("presolve", "off"),),
    (("mip_feasibility_tolerance", NUDGE), ("primal_feasibility_tolerance", NUDGE)),
)
"""What is changed, step by step, when the solver sees no answer where there is one; the certificate, which is
exact, still refuses what breaks a limit."""

Bounds = tuple[float, float]
Row = tuple[float, float, Mapping[int, float]]


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
class Choice:
    """One side of a position: the column of how much, that of whether at all, and its limit.

    A quantity counts `per` of value each; `most` is the largest, as a share of value.
    """

    position: Position
    side: Side
    quantity: int
    switch: int
    per: float
    most: float

    @property
    def key(self) -> tuple[str, str, Side]:
        """What the choice is about, whatever the programme."""
        return self.position.account_id, self.position.instrument_id, self.side


class Programme:
    """The programme in shares of the portfolio's value; a whole-unit trade counts units instead.

    With `margins`, every limit leaves room for rounding to units. A `relaxed` programme takes switches and
    whole units for continuous, so that its optimum is a bound for any orders; `counts` are then its columns
    of how many orders an account has on each side.
    """

    def __init__(
        self,
        problem: RebalanceProblem,
        book: Book,
        *,
        may_sell: bool,
        margins: bool = True,
        relaxed: bool = False,
    ) -> None:
        self.problem = problem
        self.book = book
        self.value = float(book.value)
        self.rate = float(problem.costs.rate)
        self.fixed = float(problem.costs.fixed) / self.value
        self.margin = 1.0 if margins else 0.0
        self.band_margin = sum(
            float(p.step * p.price) / self.value for p in book.positions if p.price and not p.whole_units
        )
        self.bounds: list[Bounds] = []
        self.integers: list[int] = []
        self.choices: list[Choice] = []
        self.rows: list[Row] = []
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
        row = dict.fromkeys(self.deviations.values(), 0.5) | {self.excess: -1.0}
        self._row(-inf, max(0.0, float(band) - self.margin * (self.band_margin + NUDGE)), row)
        self._tighten()
        self.relaxed = relaxed
        self.counts = self._add_counts() if relaxed else []
        self.highs = self._load()

    def _column(self, lower: float, upper: float, *, integer: bool = False) -> int:
        self.bounds.append((lower, upper))
        if integer:
            self.integers.append(len(self.bounds) - 1)
        return len(self.bounds) - 1

    def _row(self, lower: float, upper: float, coefficients: Mapping[int, float]) -> None:
        self.rows.append((lower, upper, coefficients))

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
        self.choices.append(Choice(position, side, quantity, switch, per, most))
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

    def _add_deviations(self) -> dict[str, int]:
        deviations = {}
        for name, away in self._away().items():
            deviation = self._column(0.0, inf)
            changes = self.weights.get(name, {})
            self._row(away, inf, {column: -c for column, c in changes.items()} | {deviation: 1.0})
            self._row(-away, inf, changes | {deviation: 1.0})
            deviations[name] = deviation
        return deviations

    def _away(self) -> dict[str, float]:
        """How far above its target each instrument and cash stand now."""
        portfolio = self.book.portfolio
        wanted = {name: float(weight) for name, weight in portfolio.targets.items()}
        wanted[CASH] = float(portfolio.cash_target)
        names = sorted(self.held.keys() | wanted.keys())
        return {name: self.held.get(name, 0.0) - wanted.get(name, 0.0) for name in names}

    def _tighten(self) -> None:
        """A deviation stays whole unless an order is made that lessens it, by at most that order's limit.

        Any orders keep these rows. They make an instrument's fixed costs count in the relaxed programme
        for its deviation, which is less than all that could be bought.
        """
        choices: dict[tuple[str, Side], list[Choice]] = defaultdict(list)
        for choice in self.choices:
            choices[choice.position.instrument_id, choice.side].append(choice)
        for name, away in self._away().items():
            lessening = choices.get((name, "sell" if away > 0 else "buy"), [])
            if name != CASH and abs(away) > NUDGE:
                row = {choice.switch: min(choice.most, abs(away)) for choice in lessening}
                self._row(abs(away), inf, row | {self.deviations[name]: 1.0})

    def _add_counts(self) -> list[int]:
        switches: dict[tuple[str, Side], list[int]] = defaultdict(list)
        for choice in self.choices:
            switches[choice.position.account_id, choice.side].append(choice.switch)
        counts = []
        for together in switches.values():
            count = self._column(0.0, float(len(together)))
            self._row(0.0, 0.0, dict.fromkeys(together, 1.0) | {count: -1.0})
            counts.append(count)
        return counts

    def _load(self) -> highspy.Highs:
        program = highspy.HighsLp()
        program.num_col_ = len(self.bounds)
        program.num_row_ = len(self.rows)
        program.col_cost_ = [0.0] * len(self.bounds)
        program.col_lower_ = [lower for lower, _ in self.bounds]
        program.col_upper_ = [upper for _, upper in self.bounds]
        program.row_lower_ = [lower for lower, _, _ in self.rows]
        program.row_upper_ = [upper for _, upper, _ in self.rows]
        starts = [0]
        for _, _, coefficients in self.rows:
            starts.append(starts[-1] + len(coefficients))
        matrix = program.a_matrix_
        matrix.format_ = highspy.MatrixFormat.kRowwise
        matrix.num_col_, matrix.num_row_ = program.num_col_, program.num_row_
        matrix.start_ = starts
        matrix.index_ = [column for _, _, coefficients in self.rows for column in coefficients]
        matrix.value_ = [value for _, _, coefficients in self.rows for value in coefficients.values()]
        if not self.relaxed:
            kinds = [highspy.HighsVarType.kContinuous] * len(self.bounds)
            for column in self.integers:
                kinds[column] = highspy.HighsVarType.kInteger
            program.integrality_ = kinds
        highs = highspy.Highs()
        for option, setting in (
            ("output_flag", False),
            ("threads", 1),
            ("random_seed", 0),
            ("time_limit", self.problem.time_limit_seconds),
            ("mip_max_nodes", self.problem.node_limit),
            ("mip_rel_gap", self.problem.relative_gap),
            ("mip_feasibility_tolerance", 1e-9),
            ("primal_feasibility_tolerance", 1e-9),
            *([("presolve", "off")] if self.relaxed else []),  # each run starts from the last one's basis
        ):
            highs.setOptionValue(option, setting)
        highs.passModel(program)
        return highs

    def nearest(self) -> tuple[float, float]:
        """Least drift above the band, and what then stays overdrawn, both as shares of value."""
        self._seek({self.excess: 1.0} | dict.fromkeys(self.overdrafts, OVERDRAFT_WEIGHT))
        self.highs.setOptionValue("mip_abs_gap", 0.0)
        self.run_surely()
        values = self.values
        return max(0.0, values[self.excess]), sum(max(0.0, values[o]) for o in self.overdrafts)

    def limit(self, excess: float, overdraft: float) -> None:
        """Hold the drift above the band and the overdraft at most at these shares of value."""
        self.highs.changeColBounds(self.excess, 0.0, excess + NUDGE)
        if any(a.cash < 0 for a in self.book.accounts):
            columns = self.overdrafts
            self.highs.addRow(-inf, overdraft + NUDGE, len(columns), columns, [1.0] * len(columns))

    def seek_cheapest(self, value_gap: float = 0.0) -> None:
        """Aim at the least cost + lambda x drift, to within the relative gap or `value_gap` of value."""
        distance = 0.5 * float(self.problem.distance_weight)
        of_drift = dict.fromkeys(self.deviations.values(), distance)
        self._seek(dict(self.costs) | of_drift, OBJECTIVE_SCALE)
        self.highs.setOptionValue("mip_abs_gap", value_gap * OBJECTIVE_SCALE)

    def _seek(self, coefficients: Mapping[int, float], scale: float = 1.0) -> None:
        costs = [coefficients.get(column, 0.0) * scale for column in range(len(self.bounds))]
        self.highs.changeColsCost(len(costs), list(range(len(costs))), costs)

    def run(self, bounds: Iterable[tuple[int, Bounds]] = ()) -> None:
        """Solve for what is sought, from now on with other bounds of some columns.

        A relaxed programme goes on from its last answer, and starts anew where that leads nowhere.
        """
        for column, (lower, upper) in bounds:
            self.highs.changeColBounds(column, lower, upper)
        self.highs.run()
        if self.relaxed and not (self.is_solved or self.is_infeasible):
            self.highs.clearSolver()
            self.highs.run()

    def run_surely(self) -> None:
        """Solve what has an answer for sure, again with more patience where a rounding lost it.

        Raises
        ------
        OrderError
            The solver ended without an answer within its limits.
        """
        self.run()
        for options in MORE_PATIENCE:
            if not self.is_infeasible:
                break
            for option, setting in options:
                self.highs.setOptionValue(option, setting)
            self.highs.clearSolver()
            self.run()
        self.require()

    @property
    def is_solved(self) -> bool:
        """Whether the last run ended with the best there is, within the gaps allowed."""
        return bool(self.highs.getModelStatus() == highspy.HighsModelStatus.kOptimal)

    @property
    def is_infeasible(self) -> bool:
        """Whether the last run found that there is nothing to find."""
        return bool(self.highs.getModelStatus() == highspy.HighsModelStatus.kInfeasible)

    @property
    def has_answer(self) -> bool:
        """Whether the last run found orders."""
        info = self.highs.getInfo()
        return bool(info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible)

    def require(self) -> None:
        """Raise OrderError unless the last run found orders."""
        if not self.has_answer:
            status = self.highs.modelStatusToString(self.highs.getModelStatus())
            raise OrderError(
                f"no orders found for portfolio {self.book.portfolio.portfolio_id}: solver says {status}"
            )

    @property
    def values(self) -> list[float]:
        """Columns of the last run."""
        return list(self.highs.getSolution().col_value)

    @property
    def objective(self) -> float:
        """What the last run found, scaled as `seek_cheapest` does."""
        return float(self.highs.getInfo().objective_function_value)

    @property
    def lower_bound(self) -> float:
        """Proven bound on the objective of the last run, scaled as `seek_cheapest` does."""
        info = self.highs.getInfo()
        is_mixed = info.mip_node_count >= 0
        return float(info.mip_dual_bound if is_mixed else info.objective_function_value)

    def trades(self) -> tuple[Trade, ...]:
        """Trades of the last run."""
        values = self.values
        found = []
        for choice in self.choices:
            position = choice.position
            assert position.price is not None
            amount = values[choice.quantity] if values[choice.switch] > 0.5 else 0.0
            in_units = 1.0 if position.whole_units else choice.per * self.value / float(position.price)
            if amount * in_units > 0:
                found.append(Trade(position, choice.side, amount * in_units))
        return tuple(found)
