"""Orders of one tax unit: cash first, back inside the band, at the least cost, and certified."""

from collections import defaultdict
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal, localcontext

from folio.decisions.orders.certificate import certify
from folio.decisions.orders.problem import (
    CASH,
    Order,
    Outcome,
    Portfolio,
    Position,
    RebalancePlan,
    RebalanceProblem,
    Status,
)
from folio.decisions.orders.programme import Book, Trade
from folio.decisions.orders.search import cheapest

PRECISION = 60
REACHED = 2e-8
"""Share of value above the band that counts as inside it while cash alone is tried."""


def solve(problem: RebalanceProblem) -> RebalancePlan:
    """Plan that brings portfolios back inside their bands and minimises cost + tax + lambda x value x drift.

    Idle cash is invested first: sells are considered only where buys alone cannot reach the band. The tax
    term is 0.

    Raises
    ------
    OrderError
        The solver found nothing within its limits, or the plan did not pass its certificate.
    """
    with localcontext() as context:
        context.prec = PRECISION
        plan = _plan(problem)
    certify(problem, plan).require()
    return plan


def _plan(problem: RebalanceProblem) -> RebalancePlan:
    unpriced = sorted({p.instrument_id for p in problem.positions if p.units > 0 and p.price is None})
    if unpriced:
        return RebalancePlan("not_priced", f"no price for {', '.join(unpriced)}")
    targeted = [p for p in problem.portfolios if p.targets]
    if not targeted:
        return RebalancePlan("no_targets", "no portfolio has targets")
    books = [book for book in (_book(problem, portfolio) for portfolio in targeted) if book.value > 0]
    if not books:
        return RebalancePlan("empty", "no portfolio with targets has value")
    orders: list[Order] = []
    outcomes: list[Outcome] = []
    for book in books:
        made, outcome = _rebalance(problem, book)
        orders += made
        outcomes.append(outcome)
    return _summary(problem, books, orders, outcomes)


def _book(problem: RebalanceProblem, portfolio: Portfolio) -> Book:
    accounts = tuple(a for a in problem.accounts if a.portfolio_id == portfolio.portfolio_id)
    ids = {a.account_id for a in accounts}
    positions = tuple(p for p in problem.positions if p.account_id in ids)
    held = (p.units * p.price for p in positions if p.price is not None)
    value = sum(held, Decimal(0)) + sum((a.cash for a in accounts), Decimal(0))
    return Book(portfolio, accounts, positions, value)


def drift(book: Book, orders: list[Order]) -> Decimal:
    """Half the sum of absolute deviations from target after `orders`, as shares of the value before them."""
    values: dict[str, Decimal] = defaultdict(Decimal)
    for position in book.positions:
        if position.price is not None:
            values[position.instrument_id] += position.units * position.price
    values[CASH] += sum((a.cash for a in book.accounts), Decimal(0))
    for order in orders:
        signed = order.value if order.side == "buy" else -order.value
        values[order.instrument_id] += signed
        values[CASH] -= signed + order.cost
    wanted = dict(book.portfolio.targets) | {CASH: book.portfolio.cash_target}
    away = (
        abs(values.get(name, Decimal(0)) / book.value - wanted.get(name, Decimal(0)))
        for name in values.keys() | wanted.keys()
    )
    return sum(away, Decimal(0)) / 2


def _rebalance(problem: RebalanceProblem, book: Book) -> tuple[list[Order], Outcome]:
    portfolio = book.portfolio
    before = drift(book, [])
    is_settled = before <= portfolio.drift_band and not problem.force
    orders: list[Order] = []
    bound: Decimal | None = None
    if not is_settled and before > 0:
        orders, bound = _search(problem, book, before)
        after = drift(book, orders)
        is_overdrawn = any(a.cash < 0 for a in book.accounts)
        if after >= before and not is_overdrawn:
            orders, bound = [], None
    after = drift(book, orders)
    cost = sum((o.cost for o in orders), Decimal(0))
    objective = cost + problem.distance_weight * book.value * after
    return orders, Outcome(
        portfolio_id=portfolio.portfolio_id,
        value=book.value,
        drift_before=before,
        drift_after=after,
        cost=cost,
        naive_cost=naive_cost(problem, book, after / before if before else Decimal(1)),
        lower_bound=objective if bound is None else min(bound, objective),
    )


def _search(problem: RebalanceProblem, book: Book, before: Decimal) -> tuple[list[Order], Decimal]:
    band = Decimal(0) if problem.force else book.portfolio.drift_band
    idle = sum((a.cash for a in book.accounts), Decimal(0))
    suffices = (
        idle >= (before - band) * book.value
    )  # cash spent lessens the drift by at most its share of value
    if suffices and all(a.cash >= 0 for a in book.accounts):
        found = cheapest(problem, book, may_sell=False, within=REACHED)
        if found is not None:
            return _orders(problem, book, found.trades), _decimal(found.lower_bound)
    found = cheapest(problem, book, may_sell=True)
    assert found is not None  # nothing is asked of how near they end
    return _orders(problem, book, found.trades), _decimal(found.lower_bound)


def _decimal(number: float) -> Decimal:
    return Decimal(repr(number))


def _orders(problem: RebalanceProblem, book: Book, trades: tuple[Trade, ...]) -> list[Order]:
    """Trades in whole steps: buys rounded down and sells up, so that no account ends with less cash."""
    orders = []
    for trade in trades:
        position = trade.position
        units = _rounded(trade)
        if units <= 0:
            continue
        assert position.price is not None
        value = units * position.price
        orders.append(
            Order(
                portfolio_id=book.portfolio.portfolio_id,
                account_id=position.account_id,
                instrument_id=position.instrument_id,
                side=trade.side,
                units=units,
                price=position.price,
                value=value,
                cost=problem.costs.of(value),
                reason=_reason(book.portfolio, trade, trades),
            )
        )
    return sorted(orders, key=lambda o: (o.account_id, o.side == "buy", o.instrument_id))


def _rounded(trade: Trade) -> Decimal:
    position, step = trade.position, trade.position.step
    steps = _decimal(trade.units) / step
    if position.whole_units:
        return steps.quantize(Decimal(1), ROUND_HALF_EVEN)
    noise = Decimal("1e-6")  # of a step: float error must not cost a whole one
    if trade.side == "buy":
        return (steps + noise).quantize(Decimal(1), ROUND_FLOOR) * step
    return min(position.units, (steps - noise).quantize(Decimal(1), ROUND_CEILING) * step)


def _reason(portfolio: Portfolio, trade: Trade, trades: tuple[Trade, ...]) -> str:
    if trade.side == "sell":
        is_wanted = portfolio.targets.get(trade.position.instrument_id, Decimal(0)) > 0
        return "above target" if is_wanted else "held without a target"
    has_sells = any(t.side == "sell" for t in trades)
    return "below target" if has_sells else "below target, from idle cash"


def naive_cost(problem: RebalanceProblem, book: Book, share_left: Decimal) -> Decimal:
    """Cost of moving every instrument pro rata towards its target until `share_left` of the drift is left.

    Sells fall on every account that holds the instrument, in proportion; a buy is one order. Minimum sizes
    and whole units are ignored, so it is a yardstick and not a plan.
    """
    share = max(Decimal(0), 1 - share_left)
    if not share:
        return Decimal(0)
    held: dict[str, list[Position]] = defaultdict(list)
    for position in book.positions:
        if position.price is not None and position.units > 0:
            held[position.instrument_id].append(position)
    cost = Decimal(0)
    for name in held.keys() | book.portfolio.targets.keys():
        value = sum((p.units * p.price for p in held.get(name, []) if p.price is not None), Decimal(0))
        move = share * (book.portfolio.targets.get(name, Decimal(0)) * book.value - value)
        if move:
            orders = 1 if move > 0 else len(held[name])
            cost += abs(move) * problem.costs.rate + orders * problem.costs.fixed
    return cost


def _summary(
    problem: RebalanceProblem, books: list[Book], orders: list[Order], outcomes: list[Outcome]
) -> RebalancePlan:
    total = sum((o.value for o in outcomes), Decimal(0))
    cost = sum((o.cost for o in outcomes), Decimal(0))
    objective = cost + problem.distance_weight * sum((o.value * o.drift_after for o in outcomes), Decimal(0))
    bound = min(objective, sum((o.lower_bound for o in outcomes), Decimal(0)))
    bands = {b.portfolio.portfolio_id: b.portfolio.drift_band for b in books}
    outside = [o.portfolio_id for o in outcomes if o.drift_after > bands[o.portfolio_id]]
    status, reason = _verdict(bool(orders), outside, problem.force)
    return RebalancePlan(
        status=status,
        reason=reason,
        orders=tuple(orders),
        outcomes=tuple(outcomes),
        objective=objective,
        lower_bound=bound,
        gap=(objective - bound) / objective if objective else Decimal(0),
        drift_before=sum((o.value * o.drift_before for o in outcomes), Decimal(0)) / total,
        drift_after=sum((o.value * o.drift_after for o in outcomes), Decimal(0)) / total,
        cost=cost,
        naive_cost=sum((o.naive_cost for o in outcomes), Decimal(0)),
    )


def _verdict(has_orders: bool, outside: list[str], force: bool) -> tuple[Status, str]:
    if has_orders and outside and not force:
        return "improved", f"orders bring {', '.join(outside)} nearer, but not inside the band"
    if has_orders:
        return "planned", "to the targets, as asked" if force else "back inside the band"
    if outside:
        return "out_of_band", f"no feasible order brings {', '.join(outside)} nearer"
    return "in_band", "every portfolio is inside its band"
