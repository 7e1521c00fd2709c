"""Search for the orders of one portfolio: nearest to the band, then cheapest, with a proven bound."""

from dataclasses import dataclass
from math import inf

from folio.decisions.orders.branching import Attempt, Branching, Proof
from folio.decisions.orders.problem import RebalanceProblem
from folio.decisions.orders.programme import NUDGE, OBJECTIVE_SCALE, Book, Choice, Programme, Trade


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
    search = _Search(problem, book, may_sell)
    relaxed = search.programme(relaxed=True, margins=True)
    excess, overdraft = relaxed.nearest()
    if not relaxed.is_solved:
        return search.by_solver(within)
    if excess > within:
        return None
    return search.by_branching(excess, overdraft) or search.by_solver(within)


@dataclass(frozen=True)
class _Search:
    problem: RebalanceProblem
    book: Book
    may_sell: bool

    def programme(self, *, relaxed: bool, margins: bool) -> Programme:
        return Programme(self.problem, self.book, may_sell=self.may_sell, relaxed=relaxed, margins=margins)

    def by_branching(self, excess: float, overdraft: float) -> Found | None:
        """Trades as near as even relaxed orders come; None where none are found or proven good enough."""
        exact = self.programme(relaxed=False, margins=True)
        exact.limit(excess, overdraft)
        exact.seek_cheapest()
        found: dict[float, tuple[Trade, ...]] = {}

        def attempt(chosen: list[Choice]) -> float:
            made = {choice.key for choice in chosen}
            switches = ((choice.switch, float(choice.key in made)) for choice in exact.choices)
            exact.run((switch, (setting, setting)) for switch, setting in switches)
            if not exact.has_answer:
                return inf
            found[exact.objective] = exact.trades()
            return exact.objective

        proof = self.prove(excess + exact.band_margin, overdraft, inf, attempt)
        if not self.is_enough(proof):
            return None
        return Found(found[proof.best], excess, self.in_currency(proof.bound))

    def by_solver(self, within: float) -> Found | None:
        """Trades by a mixed-integer search over everything."""
        exact = self.programme(relaxed=False, margins=True)
        excess, overdraft = exact.nearest()
        if excess > within:
            return None
        exact.limit(excess, overdraft)
        exact.seek_cheapest(self.problem.value_gap / 2)
        exact.run_surely()
        trades = exact.trades()
        allowed = excess + exact.band_margin
        proof = self.prove(allowed, overdraft, exact.objective)
        if self.is_enough(proof):
            return Found(trades, excess, self.in_currency(proof.bound))
        bound = self.programme(relaxed=False, margins=False)
        bound.limit(allowed + NUDGE, overdraft)
        bound.seek_cheapest(self.problem.value_gap / 2)
        bound.run_surely()
        return Found(trades, excess, self.in_currency(bound.lower_bound))

    def prove(self, excess: float, overdraft: float, best: float, attempt: Attempt | None = None) -> Proof:
        """Bound on orders without margins that end as near."""
        relaxed = self.programme(relaxed=True, margins=False)
        relaxed.limit(excess + NUDGE, overdraft)
        return Branching(relaxed, self.problem.relative_gap, self.value_gap).prove(best, attempt)

    @property
    def value_gap(self) -> float:
        return self.problem.value_gap * OBJECTIVE_SCALE

    def is_enough(self, proof: Proof) -> bool:
        return proof.settles(self.problem.relative_gap, self.value_gap)

    def in_currency(self, scaled: float) -> float:
        return scaled / OBJECTIVE_SCALE * float(self.book.value)
