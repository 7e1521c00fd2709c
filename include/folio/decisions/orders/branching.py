"""Branch and bound over which orders are made: relaxed programmes bound, whole orders are tried on the way.

Only how many orders an account has on each side, and then which, is branched on: settling the counts first
keeps accounts and instruments that could stand for each other from being tried in every order.
"""

import heapq
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from math import floor, inf

from folio.decisions.orders.programme import Bounds, Choice, Programme

WHOLE = 1e-7
"""A switch this near to 0 or 1 is on or off."""

THOROUGH_RUNS = 40
"""Relaxed programmes solved for the relative gap, before `value_gap` is enough."""

MOST_RUNS = 240
"""Relaxed programmes solved at all."""

MOST_TRIED = 8
"""Choices of orders tried."""

Fixed = Mapping[int, Bounds]

Attempt = Callable[[list[Choice]], float]
"""Says what whole orders cost that are made on all these sides of positions and no others; inf if there are
none."""


@dataclass(frozen=True, slots=True)
class Node:
    """A relaxed programme with some columns fixed: its optimum and the columns there."""

    bound: float
    fixed: Fixed
    values: list[float]


@dataclass(frozen=True, slots=True)
class Proof:
    """No orders cost less than `bound`; the best tried cost `best` (scaled as the programme, inf if none)."""

    bound: float
    best: float

    def settles(self, relative_gap: float, value_gap: float) -> bool:
        """Whether the best is near enough to the bound."""
        return self.best - self.bound <= max(relative_gap * self.best, value_gap) < inf


class Branching:
    """One search on a relaxed programme whose drift is limited; gaps are scaled as its objective."""

    def __init__(self, relaxed: Programme, relative_gap: float, value_gap: float) -> None:
        self.relaxed = relaxed
        self.relative_gap = relative_gap
        self.value_gap = value_gap
        self.switches = [choice.switch for choice in relaxed.choices]
        self.free: dict[int, Bounds] = {
            column: relaxed.bounds[column] for column in (*relaxed.counts, *self.switches)
        }
        self.now: Fixed = {}
        self.runs = 0
        self.closed = inf

    def prove(self, best: float, attempt: Attempt | None = None) -> Proof:
        """Search for less than `best`; `attempt` is made at every choice of switches that might cost less."""
        self.relaxed.seek_cheapest()
        order = count()
        waiting = [(node.bound, next(order), node) for node in self._solve({}, -inf)]
        tried = 0
        while waiting and self.runs < MOST_RUNS and tried < MOST_TRIED:
            node: Node | None = heapq.heappop(waiting)[-1]
            while node is not None and node.bound < best - self._enough(best):
                column = self._undecided(node)
                if column is None:
                    if attempt is not None:
                        best = min(best, attempt(self._chosen(node)))
                        tried += 1
                    break
                children = [
                    child for fixed in self._split(node, column) for child in self._solve(fixed, node.bound)
                ]
                node = min(children, key=lambda child: child.bound, default=None)
                for child in children:
                    if child is not node:
                        heapq.heappush(waiting, (child.bound, next(order), child))
            if node is not None:
                self.closed = min(self.closed, node.bound)
        return Proof(min([self.closed, best, *(bound for bound, _, _ in waiting)]), best)

    def _enough(self, best: float) -> float:
        if best == inf:
            return 0.0
        exact = self.relative_gap * best
        return exact if self.runs < THOROUGH_RUNS else max(exact, self.value_gap)

    def _undecided(self, node: Node) -> int | None:
        """The count, else the switch, that is farthest from whole."""
        for columns in (self.relaxed.counts, self.switches):
            column = max(columns, key=lambda c: _part(node.values[c]), default=None)
            if column is not None and _part(node.values[column]) > WHOLE:
                return column
        return None

    def _chosen(self, node: Node) -> list[Choice]:
        return [choice for choice in self.relaxed.choices if node.values[choice.switch] > 0.5]

    def _split(self, node: Node, column: int) -> Iterator[Fixed]:
        lower, upper = node.fixed.get(column, self.free[column])
        below = float(floor(node.values[column]))
        yield {**node.fixed, column: (below + 1.0, upper)}
        yield {**node.fixed, column: (lower, below)}

    def _solve(self, fixed: Fixed, known: float) -> list[Node]:
        """The programme with these columns fixed, none where that is infeasible.

        Where the solver cannot tell, nothing is looked for there and the bound already known is kept.
        """
        freed = {column: self.free[column] for column in self.now if column not in fixed}
        self.relaxed.run((freed | dict(fixed)).items())
        self.now = fixed
        self.runs += 1
        if self.relaxed.is_solved:
            return [Node(self.relaxed.objective, fixed, self.relaxed.values)]
        if not self.relaxed.is_infeasible:
            self.closed = min(self.closed, known)
        return []


def _part(value: float) -> float:
    return abs(value - round(value))
