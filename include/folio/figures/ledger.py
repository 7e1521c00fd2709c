"""Ledger of one account in memory: what its bookings make of units, cash, flows and values, day by day.

The night's values are made by SQL (docs/figures.md). This walk says the same of bookings that are in no
database: of what-if ledgers, and of cases with known answers. Exact in Decimal.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal, localcontext
from functools import cached_property
from typing import Literal

import numpy as np

from folio.errors import LedgerError
from folio.figures.lots.events import EXACT
from folio.figures.returns.periods import DailyBook
from folio.figures.returns.twr import FlowTiming

CashModel = Literal["kept", "implied"]
Taxes = Literal["borne", "outside"]
Shorts = Literal["refused", "carried"]

ZERO = Decimal(0)
ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Effect:
    """What a kind of transaction does: sign of its units and of its cash, and what its amount is."""

    units_sign: int = 0
    cash_sign: int = 0
    is_income: bool = False
    is_fee: bool = False
    is_tax: bool = False


EFFECTS: dict[str, Effect] = {
    "deposit": Effect(cash_sign=1),
    "withdrawal": Effect(cash_sign=-1),
    "buy": Effect(1, -1),
    "sell": Effect(-1, 1),
    "dividend": Effect(cash_sign=1, is_income=True),
    "interest": Effect(cash_sign=1, is_income=True),
    "return_of_capital": Effect(cash_sign=1),
    "reinvest": Effect(1, is_income=True),
    "switch_in": Effect(1, -1),
    "switch_out": Effect(-1, 1),
    "transfer_in": Effect(1),
    "transfer_out": Effect(-1),
    "merger_in": Effect(1),
    "merger_out": Effect(-1),
    "spin_off": Effect(1),
    "segregation": Effect(1),
    "swap_in": Effect(1),
    "swap_out": Effect(-1),
    "bonus": Effect(1),
    "staking_reward": Effect(1, is_income=True),
    "airdrop": Effect(1, is_income=True),
    "split": Effect(),
    "fee": Effect(cash_sign=-1, is_fee=True),
    "exit_load": Effect(cash_sign=-1, is_fee=True),
    "network_fee": Effect(-1),
    "tax": Effect(cash_sign=-1, is_tax=True),
    "stamp_duty": Effect(cash_sign=-1, is_tax=True),
}
"""Effects by kind, as in the seed `transaction_kinds`; a test holds both equal."""

CARVED = frozenset({"spin_off", "segregation"})
"""Kinds whose units take a share of the cost of another instrument."""


@dataclass(frozen=True, slots=True)
class Booking:
    """One booked event.

    `amount`, `fee` and `tax` are in `currency` (None: the account's); the amount is without fee and tax. A
    refund is negative. `fx_rate` is what one unit of `currency` was in the account's currency, as booked;
    without one, or at zero, the last known market rate counts. `ratio` is new units per old unit of a split.
    Units of a spin-off or segregation take `cost_share` of the cost of those of `carved_from`.
    """

    booked_on: date
    kind: str
    amount: Decimal = ZERO
    instrument: str | None = None
    units: Decimal = ZERO
    fee: Decimal = ZERO
    tax: Decimal = ZERO
    currency: str | None = None
    fx_rate: Decimal | None = None
    ratio: Decimal = ONE
    carved_from: str | None = None
    cost_share: Decimal = ZERO


@dataclass(frozen=True)
class DatedNumbers:
    """Numbers by day, looked up as the last on or before a day, never a later one."""

    by_day: Mapping[date, Decimal]

    @cached_property
    def _days(self) -> list[date]:
        return sorted(self.by_day)

    def at(self, day: date) -> Decimal | None:
        """Last number on or before the day; None before the first."""
        if day in self.by_day:  # most are asked for on a day of their own
            return self.by_day[day]
        place = bisect_right(self._days, day)
        return self.by_day[self._days[place - 1]] if place else None


@dataclass(frozen=True)
class Market:
    """Prices by instrument, their currency, and rates by (from, to) currency.

    Ages are not limited here: what is too old to carry is left out by whoever fills it.
    """

    prices: Mapping[str, DatedNumbers] = field(default_factory=dict)
    currencies: Mapping[str, str] = field(default_factory=dict)
    rates: Mapping[tuple[str, str], DatedNumbers] = field(default_factory=dict)

    def price(self, instrument: str, day: date) -> Decimal | None:
        """Price of one unit, in the instrument's currency."""
        return self.prices[instrument].at(day) if instrument in self.prices else None

    def rate(self, one: str, other: str, day: date) -> Decimal | None:
        """Units of `other` for one unit of `one`, from the pair or its inverse."""
        if one == other:
            return ONE
        if (one, other) in self.rates:
            return self.rates[one, other].at(day)
        inverse = self.rates[other, one].at(day) if (other, one) in self.rates else None
        return ONE / inverse if inverse else None


@dataclass(frozen=True, slots=True)
class Held:
    """Units of an instrument and their average cost without fees, in its own and the account's currency.

    Of a short position all three are negative: its cost is what its sale brought.
    """

    units: Decimal = ZERO
    cost_local: Decimal = ZERO
    cost_account: Decimal = ZERO


@dataclass(slots=True)
class Day:
    """State at the close of a day, money in the account's currency; `value` is None where a part is unknown.

    Deposits, withdrawals, income, fees and taxes are of the day. `local` is the known value of each currency.
    """

    day: date
    held: dict[str, Held]
    cash: Decimal
    value: Decimal | None = None
    local: dict[str, Decimal] = field(default_factory=dict)
    deposits: Decimal = ZERO
    end_deposits: Decimal = ZERO
    withdrawals: Decimal = ZERO
    income: Decimal = ZERO
    fees: Decimal = ZERO
    taxes: Decimal = ZERO

    @property
    def invested(self) -> Decimal:
        """Average cost of what is held."""
        return sum((held.cost_account for held in self.held.values()), start=ZERO)

    @property
    def net_flow(self) -> Decimal:
        """Money in less money out."""
        return self.deposits + self.end_deposits - self.withdrawals


@dataclass(frozen=True)
class Account:
    """How an account counts: its currency, cash model, flow timing, and whether taxes are borne by it.

    With taxes `outside` they are paid past the account: they lower neither its value nor what was paid in.
    Selling more than is held is refused, or opens a short position where shorts are `carried`.
    """

    currency: str
    cash_model: CashModel = "kept"
    flow_timing: FlowTiming = "start"
    taxes: Taxes = "borne"
    shorts: Shorts = "refused"


def walk(
    bookings: Iterable[Booking], market: Market, account: Account, last: date, known: Sequence[Day] = ()
) -> list[Day]:
    """State of the account at the close of each day from the first booking to `last`.

    Within a day splits and spin-offs come first, then what adds units, then what lowers their cost, then what
    takes them.

    Parameters
    ----------
    known
        Days of an earlier walk that nothing has changed since, in order: they stay as they are, and the walk
        goes on after them. So a booking more costs the days from its own on.

    Raises
    ------
    LedgerError
        A kind is unknown, more units are taken than held, or a booking's currency has no rate.
    """
    by_day: dict[date, list[Booking]] = {}
    after = known[-1].day if known else date.min
    for booking in bookings:
        if booking.kind not in EFFECTS:
            raise LedgerError(f"no kind of transaction {booking.kind!r}")
        if after < booking.booked_on <= last:
            by_day.setdefault(booking.booked_on, []).append(booking)
    days = [day for day in known if day.day <= last]
    if not by_day and not days:
        return []
    first = days[-1].day.toordinal() + 1 if days else min(by_day).toordinal()
    held = days[-1].held if days else {}
    cash = days[-1].cash if days else ZERO
    with localcontext(EXACT):
        for ordinal in range(first, last.toordinal() + 1):
            day = date.fromordinal(ordinal)
            booked = by_day.get(day, ())
            today = Day(day, dict(held) if booked else held, cash)
            for booking in sorted(booked, key=_phase):
                _take(today, booking, market, account)
            held, cash = today.held, today.cash
            _value(today, market, account)
            days.append(today)
    return days


def daily_book(bookings: Iterable[Booking], market: Market, account: Account, last: date) -> DailyBook:
    """Days of the account for `folio.figures.returns.periods`, exact in Decimal; errors as for `walk`."""
    return book_of(walk(bookings, market, account, last), market, account)


def book_of(days: Sequence[Day], market: Market, account: Account) -> DailyBook:
    """Days that were walked, for `folio.figures.returns.periods`, exact in Decimal.

    The currency effect of a day is what was held in another currency at the last known close, at the change
    of its rate since; gains are what is left of the change in value.
    """
    columns: dict[str, list[Decimal | None]] = {f.name: [] for f in fields(DailyBook) if f.name != "dates"}
    with localcontext(EXACT):
        before: Day | None = None
        explained = ZERO
        for today in days:
            explained += today.net_flow + today.income - today.fees - today.taxes
            gains = effect = None
            if today.value is not None:
                effect = _currency_effect(before, today, market, account)
                gains = today.value - (before.value or ZERO if before else ZERO) - explained - effect
                before, explained = today, ZERO
            columns["gains"].append(gains)
            columns["currency_effect"].append(effect)
            for name in columns.keys() - {"gains", "currency_effect"}:
                columns[name].append(getattr(today, name))
    arrays = {name: np.array(column, dtype=object) for name, column in columns.items()}
    return DailyBook(dates=np.array([today.day for today in days], dtype="datetime64[D]"), **arrays)


def _phase(booking: Booking) -> int:
    if booking.kind == "split" or booking.kind in CARVED:
        return 0
    if booking.kind == "return_of_capital":
        return 2
    return 1 if EFFECTS[booking.kind].units_sign >= 0 else 3


def _take(today: Day, booking: Booking, market: Market, account: Account) -> None:
    """Apply one booking to the day."""
    effect = EFFECTS[booking.kind]
    rate = booking.fx_rate or market.rate(booking.currency or account.currency, account.currency, today.day)
    if rate is None:
        raise LedgerError(f"{booking.kind} of {today.day} in {booking.currency} has no rate on or before it")
    amount, fee, tax = booking.amount * rate, booking.fee * rate, booking.tax * rate
    if account.taxes == "outside":
        tax, amount = ZERO, ZERO if effect.is_tax else amount
    net_cash = effect.cash_sign * amount - fee - tax
    today.income += amount if effect.is_income else ZERO
    today.fees += fee + (amount if effect.is_fee else ZERO)
    today.taxes += tax + (amount if effect.is_tax else ZERO)
    if booking.instrument is not None:
        _move_units(today, booking, effect, rate, market, account)

    if booking.kind in ("transfer_in", "transfer_out"):
        _flow(today, effect.units_sign * _value_in_kind(booking, amount, market, account), "end")
    if account.cash_model == "implied":
        if booking.kind not in ("deposit", "withdrawal"):
            _flow(today, -net_cash, account.flow_timing)
        return
    today.cash += net_cash
    if booking.kind in ("deposit", "withdrawal"):
        _flow(today, effect.cash_sign * amount, account.flow_timing)


def _flow(today: Day, amount: Decimal, timing: FlowTiming) -> None:
    if amount < 0:
        today.withdrawals -= amount
    elif timing == "end":
        today.end_deposits += amount
    else:
        today.deposits += amount


def _value_in_kind(booking: Booking, amount: Decimal, market: Market, account: Account) -> Decimal:
    """Units that move are worth their closing price; without one, what the booking says."""
    instrument = booking.instrument or ""
    price = market.price(instrument, booking.booked_on)
    currency = market.currencies.get(instrument, account.currency)
    rate = market.rate(currency, account.currency, booking.booked_on)
    return amount if price is None or rate is None else booking.units * price * rate


def _move_units(
    today: Day, booking: Booking, effect: Effect, rate: Decimal, market: Market, account: Account
) -> None:
    """Units and average cost after the booking; what is closed takes its share of the cost along."""
    instrument = booking.instrument or ""
    before = today.held.get(instrument, Held())
    if booking.kind == "split":
        after = Held(before.units * booking.ratio, before.cost_local, before.cost_account)
    elif booking.kind in CARVED:
        after = _carve(today, booking, before, market)
    elif effect.units_sign:
        moved = effect.units_sign * booking.units
        is_against = before.units * moved < 0
        closed = min(abs(moved), abs(before.units)) if is_against else ZERO
        if moved < 0 and closed < -moved and account.shorts == "refused":
            raise LedgerError(
                f"{booking.kind} of {booking.booked_on} takes {booking.units:f} units of {instrument}, "
                f"{max(before.units, ZERO):f} are held"
            )
        left = 1 - closed / abs(before.units) if closed else ONE
        opened = (abs(moved) - closed) / abs(moved) if moved else ZERO
        cost = ZERO if booking.kind == "bonus" else effect.units_sign * booking.amount * opened
        after = Held(
            units=before.units + moved,
            cost_local=before.cost_local * left + cost * _to_local(booking, cost, market),
            cost_account=before.cost_account * left + cost * rate,
        )
    elif booking.kind == "return_of_capital":
        if before.units <= 0:
            raise LedgerError(f"{booking.kind} of {booking.booked_on} finds no units of {instrument}")
        returned = booking.amount - booking.fee - booking.tax
        after = Held(
            before.units,
            max(ZERO, before.cost_local - returned * _to_local(booking, returned, market)),
            max(ZERO, before.cost_account - returned * rate),
        )
    else:
        return
    today.held[instrument] = after


def _carve(today: Day, booking: Booking, before: Held, market: Market) -> Held:
    """What is held with the units of a spin-off, after the cost that they take has left the other."""
    carved_from = booking.carved_from or ""
    whole = today.held.get(carved_from, Held())
    if whole.units <= 0:
        raise LedgerError(f"{booking.kind} of {booking.booked_on} finds no units of {booking.carved_from}")
    local, cost = whole.cost_local * booking.cost_share, whole.cost_account * booking.cost_share
    today.held[carved_from] = Held(whole.units, whole.cost_local - local, whole.cost_account - cost)
    one, other = market.currencies.get(carved_from), market.currencies.get(booking.instrument or "")
    rate = market.rate(one, other, booking.booked_on) if one and other else ONE
    if rate is None:
        raise LedgerError(f"{booking.kind} of {booking.booked_on} has no rate from {one} to {other}")
    return Held(before.units + booking.units, before.cost_local + local * rate, before.cost_account + cost)


def _to_local(booking: Booking, cost: Decimal, market: Market) -> Decimal:
    """Rate from the booking's currency to the instrument's own."""
    local = market.currencies.get(booking.instrument or "", booking.currency)
    if not cost or booking.currency in (None, local):
        return ONE
    rate = market.rate(booking.currency or "", local or "", booking.booked_on)
    if rate is None:
        raise LedgerError(f"{booking.kind} of {booking.booked_on} has no rate to {local}")
    return rate


def _value(today: Day, market: Market, account: Account) -> None:
    """Value at the close, and what is known of it by currency."""
    if today.cash:
        today.local[account.currency] = today.cash
    is_known = True
    total = today.cash
    for instrument, held in today.held.items():
        if not held.units:
            continue
        currency = market.currencies.get(instrument, account.currency)
        price, rate = market.price(instrument, today.day), market.rate(currency, account.currency, today.day)
        if price is None or rate is None:
            is_known = False
            continue
        today.local[currency] = today.local.get(currency, ZERO) + held.units * price
        total += held.units * price * rate
    today.value = total if is_known else None


def _currency_effect(before: Day | None, today: Day, market: Market, account: Account) -> Decimal:
    effect = ZERO
    for currency, local in (before.local if before else {}).items():
        rates = [market.rate(currency, account.currency, day.day) for day in (before, today) if day]
        if None not in rates:
            then, now = (rate for rate in rates if rate is not None)
            effect += local * (now - then)
    return effect
