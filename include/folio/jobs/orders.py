"""Rebalance plans of a night: built tables in, one certified plan per tax unit out."""

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, localcontext
from functools import cached_property
from typing import Any, LiteralString, TypeVar
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from folio.books.identity import surrogate_id
from folio.decisions.orders.problem import (
    Account,
    Costs,
    Portfolio,
    Position,
    RebalancePlan,
    RebalanceProblem,
)
from folio.decisions.orders.rebalance import solve
from folio.errors import NightError, OrderError
from folio.jobs.nights import Night
from folio.settings import settings
from folio.store import warehouse

COSTS = Costs(proportional_bps=Decimal(10), fixed=Decimal(1))
"""What an order is taken to cost: a tenth of a percent of its value and one unit of reporting currency."""

MINIMUM_ORDER_VALUE = Decimal(50)
"""Smallest order, in reporting currency."""

DISTANCE_WEIGHT = Decimal("0.0005")
"""Lambda: below the proportional cost, so that nobody trades beyond the edge of the band."""

VALUE_GAP = 1e-4
"""Share of a portfolio's value, one basis point, within which a plan is proven to be the best."""

METHOD = "orders-2"
"""Rises with any change of method that would give other plans; those kept from before it are made anew."""

Row = TypeVar("Row")

ALL_BATCHES = "0/1"
PRICE_STEP = Decimal("1e-12")
UNIT_STEPS = {"crypto": Decimal("1e-8"), "fund": Decimal("0.001")}
FRACTION = Decimal("0.0001")
TRADED_BY = {
    "brokerage": {"equity", "etf", "bond", "fund"},
    "retirement": {"equity", "etf", "bond", "fund"},
    "folio": {"fund"},
    "exchange": {"crypto"},
    "wallet": {"crypto"},
}
"""Kinds of instrument that an account may buy without holding any yet; funds only in its own currency."""

PLAN_COLUMNS = (
    *("plan_id", "tax_unit_id", "night", "valuation_date", "status", "reason"),
    *("objective", "lower_bound", "gap", "drift_before", "drift_after"),
    *("cost_reporting", "naive_cost_reporting", "reporting_currency", "lambda", "problem_sha256"),
)
ORDER_COLUMNS = (
    *("order_id", "plan_id", "portfolio_id", "account_id", "instrument_id", "side", "units"),
    *("price_local", "local_currency", "amount_account", "account_currency", "reason"),
)

IN_BATCH = "mod(('x' || right({column}::text, 6))::bit(24)::integer, %(batches)s) = %(batch)s"


def plan(night: str, batch: str = ALL_BATCHES) -> dict[str, int]:
    """Replace the plans and orders of a night for the tax units of a batch (`0/3` is the first of three).

    A tax unit whose problem is that of its last plan keeps its orders and figures and is not solved again.

    Returns
    -------
    dict[str, int]
        Plans by status, `kept` where there are any, and `orders`.
    """
    this = Night.parse(night)
    part, parts = _batch(batch)
    currency = settings().reporting_currency
    with warehouse.connect() as connection:
        book = _read(connection, this.valuation_date, currency, part, parts)
        tax_units = sorted(book.portfolios)
        stored = _stored(connection, this.id, tax_units)

        def answer(tax_unit_id: UUID) -> tuple[_Plan, bool]:
            return book.plan(tax_unit_id, stored.get(tax_unit_id))

        plans, orders, counts = [], [], Counter[str]()
        with ThreadPoolExecutor(os.cpu_count()) as pool:  # the solver works outside the interpreter's lock
            answers = list(pool.map(answer, tax_units))
        for tax_unit_id, (made, is_kept) in zip(tax_units, answers, strict=True):
            plan_id = surrogate_id("plan", f"{tax_unit_id}|{this.id}")
            plans.append(
                (
                    *(plan_id, tax_unit_id, this.id, this.valuation_date, made.status, made.reason),
                    *(made.objective, made.lower_bound, made.gap, made.drift_before, made.drift_after),
                    *(made.cost, made.naive_cost, currency, DISTANCE_WEIGHT, made.problem_sha256),
                )
            )
            orders += [book.order_row(plan_id, order) for order in made.orders]
            counts[made.status] += 1
            if is_kept:
                counts["kept"] += 1
        in_batch = (
            IN_BATCH.format(column="tax_unit_id").replace("%(batches)s", "%s").replace("%(batch)s", "%s")
        )
        warehouse.replace(
            connection,
            "computed.rebalance_plans",
            PLAN_COLUMNS,
            plans,
            where=f"night = %s and {in_batch}",
            parameters=(this.id, parts, part),
        )
        # The orders of the plans replaced went with them.
        warehouse.replace(connection, "computed.rebalance_orders", ORDER_COLUMNS, orders, where="false")
    return {**counts, "orders": len(orders)}


def _batch(batch: str) -> tuple[int, int]:
    part, _, parts = batch.partition("/")
    if not (part.isdigit() and parts.isdigit() and int(part) < int(parts)):
        raise NightError(f"{batch!r} is no batch: write k/n with k below n, such as 0/1.")
    return int(part), int(parts)


@dataclass(frozen=True)
class _Portfolio:
    portfolio_id: UUID
    tax_unit_id: UUID
    drift_band: Decimal


@dataclass(frozen=True)
class _Account:
    account_id: UUID
    portfolio_id: UUID
    account_kind: str
    account_currency: str
    cash_model: str
    is_in_transit: bool


@dataclass(frozen=True)
class _Instrument:
    instrument_id: UUID
    instrument_kind: str
    local_currency: str
    whole_units: bool
    price_local: Decimal | None


@dataclass(frozen=True)
class _Holding:
    account_id: UUID
    instrument_id: UUID
    units: Decimal | None
    is_incomplete: bool


@dataclass(frozen=True)
class _Target:
    portfolio_id: UUID
    bucket: str
    instrument_id: UUID | None
    instrument_kind: str | None
    target_weight: Decimal


@dataclass(frozen=True)
class _Order:
    account_id: UUID
    instrument_id: UUID
    side: str
    units: Decimal
    reason: str


@dataclass(frozen=True)
class _Plan:
    """What is stored of a plan, and the hash of the problem it answers; None where none was posed."""

    problem_sha256: str | None
    status: str
    reason: str | None
    objective: Decimal | None = None
    lower_bound: Decimal | None = None
    gap: Decimal | None = None
    drift_before: Decimal | None = None
    drift_after: Decimal | None = None
    cost: Decimal | None = None
    naive_cost: Decimal | None = None
    orders: tuple[_Order, ...] = ()

    @classmethod
    def answering(cls, problem_sha256: str, plan: RebalancePlan) -> "_Plan":
        """A plan as solved."""
        return cls(
            problem_sha256,
            *(plan.status, plan.reason, plan.objective, plan.lower_bound, plan.gap),
            *(plan.drift_before, plan.drift_after, plan.cost, plan.naive_cost),
            tuple(
                _Order(UUID(o.account_id), UUID(o.instrument_id), o.side, o.units, o.reason)
                for o in plan.orders
            ),
        )


@dataclass(frozen=True)
class _Books:
    """What one valuation date says of some tax units: portfolios by tax unit, accounts by portfolio."""

    currency: str
    portfolios: Mapping[UUID, list[_Portfolio]]
    accounts: Mapping[UUID, list[_Account]]
    instruments: dict[UUID, _Instrument]
    holdings: Mapping[UUID, list[_Holding]]
    targets: Mapping[UUID, list[_Target]]
    rates: dict[tuple[str, str], Decimal]

    def plan(self, tax_unit_id: UUID, last: _Plan | None) -> tuple[_Plan, bool]:
        """Plan of one tax unit, and whether it is the last one, kept because it answers the same problem.

        One that cannot be made or certified is refused with the reason.
        """
        try:
            problem = self.problem(tax_unit_id)
            asked = hashlib.sha256(f"{METHOD} {problem!r}".encode()).hexdigest()
            if last is not None and last.problem_sha256 == asked:
                return last, True
            return _Plan.answering(asked, solve(problem)), False
        except _NotPriced as gap:
            return _Plan(None, "not_priced", str(gap)), False
        except OrderError as error:
            return _Plan(None, "refused", str(error)), False

    def problem(self, tax_unit_id: UUID) -> RebalanceProblem:
        """The tax unit's portfolios that have targets, with their accounts, in reporting currency."""
        portfolios: list[Portfolio] = []
        accounts: list[Account] = []
        positions: list[Position] = []
        for portfolio in self.portfolios[tax_unit_id]:
            targets = self._targets(portfolio.portfolio_id)
            if not targets:
                continue
            portfolios.append(Portfolio(str(portfolio.portfolio_id), targets, portfolio.drift_band))
            for account in self.accounts.get(portfolio.portfolio_id, []):
                accounts.append(self._account(account))
                positions += self._positions(account, targets)
        return RebalanceProblem(
            portfolios=tuple(portfolios),
            accounts=tuple(accounts),
            positions=tuple(positions),
            costs=COSTS,
            minimum_order_value=MINIMUM_ORDER_VALUE,
            distance_weight=DISTANCE_WEIGHT,
            value_gap=VALUE_GAP,
        )

    @cached_property
    def account_by_id(self) -> dict[UUID, _Account]:
        """Every account."""
        return {account.account_id: account for accounts in self.accounts.values() for account in accounts}

    def _targets(self, portfolio_id: UUID) -> dict[str, Decimal]:
        targets: dict[str, Decimal] = {}
        for target in self.targets.get(portfolio_id, []):
            if target.instrument_id is None:
                raise OrderError(f"target {target.bucket} is no known instrument")
            if target.instrument_kind != "cash":
                targets[str(target.instrument_id)] = target.target_weight
        return targets

    def _is_cash(self, instrument_id: UUID) -> bool:
        instrument = self.instruments.get(instrument_id)
        return instrument is not None and instrument.instrument_kind == "cash"

    def _account(self, account: _Account) -> Account:
        if account.is_in_transit:
            raise _NotPriced(f"what account {account.account_id} has sent is on its way and cannot be traded")
        cash = Decimal(0)
        for holding in self.holdings.get(account.account_id, []):
            if not self._is_cash(holding.instrument_id):
                continue
            rate = self.rates.get((self.instruments[holding.instrument_id].local_currency, self.currency))
            if rate is None or holding.units is None or holding.is_incomplete:
                raise _NotPriced(f"cash of account {account.account_id} has no value in {self.currency}")
            cash += holding.units * rate
        keeps_cash = account.cash_model == "kept"
        return Account(
            str(account.account_id), str(account.portfolio_id), cash.quantize(PRICE_STEP), keeps_cash
        )

    def _positions(self, account: _Account, targets: dict[str, Decimal]) -> Iterator[Position]:
        held = {
            h.instrument_id: h
            for h in self.holdings.get(account.account_id, [])
            if not self._is_cash(h.instrument_id)
        }
        for instrument_id in sorted(held.keys() | {UUID(name) for name in targets}):
            instrument = self.instruments.get(instrument_id)
            holding = held.get(instrument_id)
            if instrument is None:
                raise _NotPriced(f"instrument {instrument_id} is not known")
            if holding is None and not _trades(account, instrument):
                continue
            if holding is not None and (holding.units is None or holding.is_incomplete):
                raise _NotPriced(f"account {account.account_id} holds {instrument_id} without a full value")
            yield Position(
                account_id=str(account.account_id),
                instrument_id=str(instrument_id),
                units=holding.units if holding is not None and holding.units is not None else Decimal(0),
                price=self._price(instrument),
                whole_units=instrument.whole_units,
                may_buy=str(instrument_id) in targets,
                unit_step=UNIT_STEPS.get(instrument.instrument_kind, FRACTION),
            )

    def _price(self, instrument: _Instrument) -> Decimal | None:
        """Price in reporting currency; None without a price, without a rate, or where it vanishes."""
        rate = self.rates.get((instrument.local_currency, self.currency))
        if rate is None or instrument.price_local is None:
            return None
        with localcontext() as context:
            context.prec = 60
            price = (instrument.price_local * rate).quantize(PRICE_STEP)
        return price if price > 0 else None

    def order_row(self, plan_id: UUID, order: _Order) -> tuple[Any, ...]:
        """Row of computed.rebalance_orders, with the amount in the account's own currency."""
        account = self.account_by_id[order.account_id]
        instrument = self.instruments[order.instrument_id]
        rate = self.rates[instrument.local_currency, account.account_currency]
        assert instrument.price_local is not None
        with localcontext() as context:
            context.prec = 60
            amount = order.units * instrument.price_local * rate
        order_id = surrogate_id("order", f"{plan_id}|{order.account_id}|{order.instrument_id}")
        return (
            *(order_id, plan_id, account.portfolio_id, account.account_id, instrument.instrument_id),
            *(order.side, order.units, instrument.price_local, instrument.local_currency),
            *(amount, account.account_currency, order.reason),
        )


class _NotPriced(Exception):
    """Something held has no value tonight."""


def _trades(account: _Account, instrument: _Instrument) -> bool:
    if instrument.instrument_kind not in TRADED_BY.get(account.account_kind, set()):
        return False
    return instrument.instrument_kind != "fund" or instrument.local_currency == account.account_currency


def _read(connection: psycopg.Connection[Any], day: date, currency: str, part: int, parts: int) -> _Books:
    asked = {"day": day, "batch": part, "batches": parts}
    of_batch = IN_BATCH.format(column="portfolios.tax_unit_id")
    portfolios = _rows(
        connection,
        _Portfolio,
        f"""
        select portfolio_id, tax_unit_id, drift_band from build.dim_portfolios as portfolios
        where {of_batch} order by portfolio_id
        """,
        asked,
    )
    accounts = _rows(
        connection,
        _Account,
        f"""
        select accounts.account_id, accounts.portfolio_id, accounts.account_kind, accounts.account_currency,
               accounts.cash_model,
               exists (
                   select from build.fct_cash_balances as balances
                   where balances.account_id = accounts.account_id and balances.in_transit_account <> 0
                     and %(day)s >= valid_from and (valid_to is null or %(day)s < valid_to)
               ) as is_in_transit
        from build.dim_accounts as accounts
        join build.dim_portfolios as portfolios using (portfolio_id)
        where {of_batch} order by accounts.account_id
        """,
        asked,
    )
    holdings = _rows(
        connection,
        _Holding,
        f"""
        select holdings.account_id, holdings.instrument_id, holdings.units,
               holdings.quality = 'incomplete' or holdings.value_portfolio is null as is_incomplete
        from build.fct_holdings as holdings
        join build.dim_portfolios as portfolios using (portfolio_id)
        where holdings.valuation_date = %(day)s and {of_batch}
        """,
        asked,
    )
    targets = _rows(
        connection,
        _Target,
        f"""
        select allocations.portfolio_id, allocations.bucket, instruments.instrument_id,
               instruments.instrument_kind, allocations.target_weight
        from build.fct_allocations as allocations
        join build.dim_portfolios as portfolios using (portfolio_id)
        left join build.dim_instruments as instruments on instruments.instrument_code = allocations.bucket
        where allocations.valuation_date = %(day)s and allocations.dimension = 'instrument'
          and allocations.target_weight > 0 and {of_batch}
        order by allocations.portfolio_id, allocations.bucket
        """,
        asked,
    )
    instruments = _rows(
        connection,
        _Instrument,
        """
        select instruments.instrument_id, instruments.instrument_kind, instruments.local_currency,
               instruments.whole_units, prices.price_local
        from build.dim_instruments as instruments
        left join build.fct_prices_daily as prices
            on prices.instrument_id = instruments.instrument_id and prices.valuation_date = %(day)s
        """,
        asked,
    )
    rates = connection.execute(
        """
        select from_currency, to_currency, rate from build.fct_fx_rates_daily
        where valuation_date = %(day)s and rate is not null
        """,
        asked,
    ).fetchall()
    currencies = {a.account_currency for a in accounts} | {i.local_currency for i in instruments} | {currency}
    return _Books(
        currency=currency,
        portfolios=_grouped(portfolios, lambda p: p.tax_unit_id),
        accounts=_grouped(accounts, lambda a: a.portfolio_id),
        instruments={i.instrument_id: i for i in instruments},
        holdings=_grouped(holdings, lambda h: h.account_id),
        targets=_grouped(targets, lambda t: t.portfolio_id),
        rates={(c, c): Decimal(1) for c in currencies} | {(start, end): rate for start, end, rate in rates},
    )


def _stored(connection: psycopg.Connection[Any], night: str, tax_units: list[UUID]) -> dict[UUID, _Plan]:
    """The last plan of each tax unit up to a night, where it answers a problem."""
    rows = connection.execute(
        """
        select plans.tax_unit_id, plans.problem_sha256, plans.status, plans.reason, plans.objective,
               plans.lower_bound, plans.gap, plans.drift_before, plans.drift_after, plans.cost_reporting,
               plans.naive_cost_reporting, plans.plan_id
        from unnest(%s::uuid[]) as asked (tax_unit_id)
        cross join lateral (
            select * from computed.rebalance_plans as made
            where made.tax_unit_id = asked.tax_unit_id and made.night <= %s
            order by made.night desc limit 1
        ) as plans
        where plans.problem_sha256 is not null
        """,
        (tax_units, night),
    ).fetchall()
    orders = connection.execute(
        """
        select plan_id, account_id, instrument_id, side, units, reason from computed.rebalance_orders
        where plan_id = any(%s)
        """,
        ([row[-1] for row in rows],),
    ).fetchall()
    by_plan = _grouped(orders, lambda order: order[0])
    return {
        tax_unit_id: replace(
            _Plan(*figures), orders=tuple(_Order(*order) for _, *order in by_plan.get(plan_id, []))
        )
        for tax_unit_id, *figures, plan_id in rows
    }


def _grouped(rows: Iterable[Row], key: Callable[[Row], UUID]) -> dict[UUID, list[Row]]:
    groups: dict[UUID, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return dict(groups)


def _rows(
    connection: psycopg.Connection[Any], kind: type[Row], query: LiteralString, asked: dict[str, Any]
) -> list[Row]:
    with connection.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(query, asked).fetchall()
