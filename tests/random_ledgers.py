"""Random ledgers on a random market: what becomes known before each of two nights, and plain sums of it.

The sums add up bookings in the plainest way there is; they share no line with the figures held against them.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from folio.books.identity import surrogate_id

FIRST_DAY, LAST_DAY = date(2013, 1, 1), date(2013, 2, 27)
DAYS = tuple(
    day
    for day in (FIRST_DAY + timedelta(days=number) for number in range((LAST_DAY - FIRST_DAY).days + 1))
    if day.weekday() < 5
)
NIGHTS = ("2013-02-20T0300Z", "2013-02-28T0300Z")
FIRST_VALUED = date(2013, 2, 19)
"""Valuation date of the first night; the second's is the last day."""

CURRENCIES = {
    "share": "USD", "split share": "USD", "spun share": "USD", "coin": "USD",
    "fund": "INR", "late fund": "INR",
}  # fmt: skip
"""Instruments and the currency in which each is priced."""
SCHEMES = {"fund": 1001, "late fund": 1002}
SPLIT_SHARE, SPLIT_DAY, SPLIT_RATIO = "split share", date(2013, 2, 5), 2
"""The one split that the market announces: what books say of it some days off is the same."""
SPUN_SHARE, WHOLE_SHARE, SPIN_DAY, COST_SHARE = "spun share", "share", date(2013, 2, 7), Decimal("0.25")
"""The one spin-off that is published: whose units are credited some days after it, and of what."""
UNPRICED = (date(2013, 1, 17), date(2013, 2, 8))
"""Days without a price of the late fund: more than one may be carried."""

METHODS = {
    "none": ("fifo", "fifo_by_entry", "lifo", "hifo", "average"),
    "us": ("fifo", "lifo", "hifo", "tax_minimising"),
    "india": ("fifo", "fifo_by_entry"),
}
LOOKING_AHEAD = {"uk": ("section_104",), "canada": ("acb", "average")}
UNITS_IN = {
    *("buy", "reinvest", "switch_in", "transfer_in", "bonus", "merger_in", "spin_off"),
    *("swap_in", "staking_reward", "airdrop"),
}
UNITS_OUT = {"sell", "switch_out", "transfer_out", "merger_out", "swap_out", "network_fee"}
CASH_IN = {"deposit", "sell", "switch_out", "dividend", "interest", "return_of_capital"}
CASH_OUT = {"withdrawal", "buy", "switch_in", "fee", "tax", "stamp_duty", "exit_load"}
INCOME = {"dividend", "interest", "reinvest", "staking_reward", "airdrop"}
FEES, TAXES = {"fee", "exit_load"}, {"tax", "stamp_duty"}
SENT, RECEIVED = {"transfer_out", "merger_out"}, {"transfer_in", "merger_in"}
COSTS_WITH_FEES, COSTS = {"buy", "reinvest", "switch_in"}, {"swap_in", "staking_reward", "airdrop"}

Row = dict[str, object]


def cents(amount: Decimal | float) -> Decimal:
    """An amount to the cent, at least one."""
    return max(Decimal("0.01"), Decimal(amount).quantize(Decimal("0.01")))


# ---- the market --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Market:
    """Prices by instrument and rates by currency, by day, as known before each of the nights."""

    prices: tuple[Mapping[tuple[str, date], Decimal], ...]
    per_euro: tuple[Mapping[tuple[str, date], Decimal], ...]

    @classmethod
    def drawn(cls, random: Random, since: date) -> "Market":
        """Random walks; some days from `since` on are corrected or first known at the second night."""
        prices, rates = {}, {}
        for instrument in CURRENCIES:
            level = random.uniform(20, 200)
            for day in DAYS:
                level *= math.exp(random.gauss(0, 0.02))
                split = SPLIT_RATIO if instrument == SPLIT_SHARE and day >= SPLIT_DAY else 1
                if instrument != "late fund" or not UNPRICED[0] <= day <= UNPRICED[1]:
                    prices[instrument, day] = cents(level / split)
        for currency, level in (("USD", 1.3), ("INR", 70.0)):
            for day in DAYS:
                level *= math.exp(random.gauss(0, 0.005))
                rates[currency, day] = Decimal(level).quantize(Decimal("0.0001"))
        return cls(
            *(
                (
                    {
                        key: (value * Decimal("1.25") if key[1] >= since and random.random() < 0.1 else value)
                        for key, value in said.items()
                        if key[1] <= FIRST_VALUED and not (key[1] >= since and random.random() < 0.05)
                    },
                    said,
                )
                for said in (prices, rates)
            )
        )

    def rate(self, currency: str, other: str, day: date) -> Decimal:
        """Units of another currency for one, as known in the end."""
        return self._per_euro(other, day) / self._per_euro(currency, day)

    def _per_euro(self, currency: str, day: date) -> Decimal:
        return Decimal(1) if currency == "EUR" else self.per_euro[-1][currency, day]

    def last_price(self, instrument: str) -> Decimal:
        """Price of the last day."""
        return self.prices[-1][instrument, LAST_DAY]


# ---- ledgers -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Account:
    """Where units are held."""

    key: str
    portfolio: str
    currency: str
    cash_model: str
    flow_timing: str
    regime: str
    method: str


@dataclass(frozen=True)
class Booking:
    """One event as a book says it; a later version of the same key replaces it."""

    key: str
    account: str
    kind: str
    day: date
    currency: str
    instrument: str | None = None
    units: Decimal | None = None
    amount: Decimal | None = None
    fee: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)
    fx_rate: Decimal | None = None
    pair: str | None = None
    reverses: str | None = None
    lot: str | None = None
    status: str = "settled"
    settled_after: int = 0

    def row(self) -> Row:
        """Version of it in raw.book_transactions."""
        return {
            "transaction_key": self.key, "transaction_id": surrogate_id("transaction", self.key),
            "account_key": self.account, "kind": self.kind, "trade_date": self.day,
            "settlement_date": self.day + timedelta(days=self.settled_after),
            "instrument_key": self.instrument, "units": self.units, "amount": self.amount,
            "currency": self.currency, "fee": self.fee, "tax": self.tax, "fx_rate": self.fx_rate,
            "pair_key": self.pair, "reverses": self.reverses, "status": self.status, "lot": self.lot,
            "external_id": self.key,
        }  # fmt: skip


@dataclass
class Ledger:
    """A household of one portfolio or two, and what is booked in its two accounts.

    `versions` holds by night what becomes known before it.
    """

    name: str
    market: Market
    random: Random
    since: date
    accounts: dict[str, Account] = field(default_factory=dict)
    portfolios: dict[str, str] = field(default_factory=dict)
    bookings: dict[str, Booking] = field(default_factory=dict)
    versions: tuple[list[Booking], list[Booking]] = field(default_factory=lambda: ([], []))
    _held: Counter[tuple[str, str]] = field(default_factory=Counter)

    @classmethod
    def drawn(cls, random: Random, name: str, market: Market, since: date, looks_ahead: bool) -> "Ledger":
        """A ledger of some dozens of bookings; those from `since` on may be known late or wrongly."""
        ledger = cls(name, market, random, since)
        ledger._open(looks_ahead)
        for day in sorted(random.choices(DAYS, k=random.randint(8, 30))):
            account = random.choice(list(ledger.accounts.values()))
            kinds, weights = zip(*KINDS.items(), strict=True)
            (kind,) = random.choices(kinds, weights)
            ledger._happen(kind, account, day)
        ledger._become_known()
        return ledger

    def _open(self, looks_ahead: bool) -> None:
        random = self.random
        regimes = METHODS | (LOOKING_AHEAD if looks_ahead else {})
        regime = random.choice(list(regimes))
        apart = random.random() < 0.3
        for place in range(2):
            portfolio = f"{self.name}-{place if apart else 0}"
            self.portfolios.setdefault(portfolio, random.choice(["USD", "INR", "EUR"]))
            self.accounts[f"{self.name}/{place}"] = Account(
                key=f"{self.name}/{place}",
                portfolio=portfolio,
                currency=random.choice(["USD", "USD", "INR"]),
                cash_model=random.choice(["kept", "kept", "implied"]),
                flow_timing=random.choice(["start", "end"]),
                regime=regime,
                method=random.choice(regimes[regime]),
            )

    def _book(self, account: Account, kind: str, day: date, currency: str, **said: object) -> None:
        random = self.random
        key = f"{account.key}|{len(self.bookings)}"
        rate = self.market.rate(currency, account.currency, day) * Decimal(random.uniform(0.99, 1.01))
        booked = Booking(
            key, account.key, kind, day, currency,
            fx_rate=rate.quantize(Decimal("1e-9"))
            if currency != account.currency and random.random() < 0.5
            else None,
            settled_after=random.choice([0, 0, 2, 9]),
            status=random.choice(["settled"] * 20 + ["pending", "failed"]),
        )  # fmt: skip
        self.bookings[key] = replace(booked, **said)  # type: ignore[arg-type]

    def _happen(self, kind: str, account: Account, day: date) -> None:
        random, money = self.random, account.currency
        instrument = random.choice(list(CURRENCIES))
        if kind in MONEY:
            own = random.choice([money, money, CURRENCIES[instrument]])
            about = instrument if kind in ("dividend", "return_of_capital") else None
            taken = random.choice(["dividend", "fee", "tax"]) if kind == "reversal" else None
            self._book(
                account, kind, day, own, instrument=about, amount=cents(random.uniform(1, MONEY[kind])),
                tax=cents(random.uniform(0, 5)) if kind == "dividend" else Decimal(0), reverses=taken,
            )  # fmt: skip
        elif kind == "spin_off":
            day = min(SPIN_DAY + timedelta(days=random.choice([0, 1, 4, 11])), LAST_DAY)
            self._in(kind, account, SPUN_SHARE, day, Decimal(random.randint(1, 10**6)) / 10**4)
        elif kind == "split":
            if instrument == SPUN_SHARE:  # what is credited after a split would count from before it
                instrument = WHOLE_SHARE
            if instrument == SPLIT_SHARE:
                day, ratio = SPLIT_DAY + timedelta(days=random.randint(-1, 3)), Decimal(SPLIT_RATIO)
            else:
                ratio = random.choice([Decimal("0.5"), Decimal(2), Decimal("1.5"), Decimal("0.1")])
                self._held[account.key, instrument] *= ratio
            self._book(account, kind, day, CURRENCIES[instrument], instrument=instrument, units=ratio)
        elif kind in PAIRED:
            self._pair(kind, account, instrument, day)
        elif kind in UNITS_OUT:
            self._out(kind, account, instrument, day)
        elif kind != "bonus" or instrument != SPLIT_SHARE:  # bonus units count from an announced split on
            self._in(kind, account, instrument, day, Decimal(random.randint(1, 10**6)) / 10**4)

    def _in(
        self, kind: str, account: Account, instrument: str, day: date, units: Decimal, **said: object
    ) -> None:
        amount = None if kind in WITHOUT_AMOUNT else self._worth(instrument, units, day)
        self._units(kind, account, instrument, day, units, **({"amount": amount} | said))
        self._held[account.key, instrument] += units  # type: ignore[assignment]

    def _out(self, kind: str, account: Account, instrument: str, day: date, **said: object) -> Decimal:
        """Units of what is held, or now and then of more."""
        held = Decimal(self._held[account.key, instrument])
        part = self.random.choice([Decimal("0.25"), Decimal("0.7"), 1, 1, Decimal("1.3")])
        units = (held * part).quantize(Decimal("0.0001")) or Decimal(1)
        amount = None if kind in WITHOUT_AMOUNT else self._worth(instrument, units, day)
        bought = [
            booking.key
            for booking in self.bookings.values()
            if (booking.account, booking.instrument, booking.kind) == (account.key, instrument, "buy")
        ]
        lot = self.random.choice(bought) if kind in SELLS and bought and self.random.random() < 0.2 else None
        self._units(kind, account, instrument, day, units, **({"amount": amount, "lot": lot} | said))
        self._held[account.key, instrument] -= min(units, held)  # type: ignore[assignment]
        return units

    def _units(
        self, kind: str, account: Account, instrument: str, day: date, units: Decimal, **said: object
    ) -> None:
        random = self.random
        fee, tax = (
            cents(random.uniform(0, 3)) if kind in TRADES and random.random() < 0.5 else Decimal(0)
            for _ in range(2)
        )
        facts = {"instrument": instrument, "units": units, "fee": fee, "tax": tax} | said
        self._book(account, kind, day, CURRENCIES[instrument], **facts)

    def _worth(self, instrument: str, units: Decimal, day: date) -> Decimal:
        price = self.market.prices[-1].get((instrument, day), Decimal(50))
        return cents(units * price * Decimal(self.random.uniform(0.95, 1.05)))

    def _pair(self, kind: str, account: Account, instrument: str, day: date) -> None:
        random = self.random
        pair = f"{account.key}|pair {len(self.bookings)}"
        other = next(one for one in self.accounts.values() if one is not account)
        later = min(day + timedelta(days=random.choice([0, 0, 0, 1, 6])), LAST_DAY)
        later -= timedelta(days=max(0, later.isoweekday() - 5))
        if kind == "transfer":
            draw, units = random.random(), Decimal(random.randint(1, 10**6)) / 10**4
            if draw > 0.1:  # else they come from outside, at a cost that is told
                units = self._out("transfer_out", account, instrument, day, pair=pair)
            if draw < 0.9:  # else they leave the household
                worth = self._worth(instrument, units, day) if draw <= 0.1 else None
                self._in("transfer_in", other, instrument, max(day, later), units, pair=pair, amount=worth)
            return
        target = random.choice([one for one in CURRENCIES if one != instrument])
        units = self._out(f"{kind}_out", account, instrument, day, pair=pair)
        ratio = Decimal(random.randint(1, 30)) / 10
        received = (units * ratio).quantize(Decimal("1e-6"))
        self._in(f"{kind}_in", account, target, max(day, later), received, pair=pair)

    def _become_known(self) -> None:
        """Share the bookings out over the nights; some are known late, others first in another version."""
        first, second = self.versions
        for booking in self.bookings.values():
            draw = self.random.random()
            if booking.day > FIRST_VALUED:
                (first if draw < 0.05 else second).append(booking)
            elif booking.day < self.since or draw < 0.75:
                first.append(booking)
            elif draw < 0.9:
                second.append(booking)
            else:
                first.append(self._wrongly(booking))
                second.append(booking)

    def _wrongly(self, booking: Booking) -> Booking:
        random = self.random
        days = [day for day in DAYS if self.since <= day <= FIRST_VALUED]
        changes: list[Row] = [{"day": random.choice(days)}, {"status": "failed"}]
        if booking.amount is not None:
            changes.append({"amount": booking.amount * 10, "fx_rate": None})
        if booking.units is not None and booking.kind != "split":
            changes.append({"units": booking.units * 3})
        return replace(booking, **random.choice(changes))  # type: ignore[arg-type]


MONEY = {
    "deposit": 50_000, "withdrawal": 900, "dividend": 300, "return_of_capital": 2000, "interest": 50,
    "fee": 20, "tax": 20, "stamp_duty": 5, "exit_load": 5, "reversal": 10,
}  # fmt: skip
"""Kinds that move money alone, and how much at most."""
WITHOUT_AMOUNT = {"bonus", "transfer_in", "transfer_out", "merger_in", "merger_out", "spin_off"}
PAIRED = {"transfer", "switch", "merger", "swap"}
SELLS = {"sell", "switch_out", "swap_out", "network_fee"}
TRADES = {"buy", "sell", "reinvest", "switch_in", "switch_out", "transfer_in", "transfer_out"}
KINDS = {
    "buy": 12, "sell": 7, "deposit": 5, "transfer": 4, "switch": 3, "split": 2, "merger": 2, "swap": 2,
    **dict.fromkeys(("reinvest", "bonus", "airdrop", "staking_reward", "network_fee", "spin_off"), 1),
    **dict.fromkeys((kind for kind in MONEY if kind != "deposit"), 1),
}  # fmt: skip
"""What happens in a ledger, and how often."""


# ---- facts of a book and a market --------------------------------------------------------------------------


def facts_of(ledgers: list[Ledger], market: Market, night: int) -> Iterator[tuple[str, list[Row]]]:
    """Rows by raw table that become known before a night, 0 or 1."""
    if night == 0:
        yield from _reference(ledgers)
    known = market.prices[0] if night else {}
    new = {key: price for key, price in market.prices[night].items() if known.get(key) != price}
    ticked = {name for name in CURRENCIES if name.endswith("share")}
    yield (
        "polygon_daily_bars",
        [{"session_date": day, "ticker": n, "close": p} for (n, day), p in new.items() if n in ticked],
    )
    yield (
        "amfi_navs",
        [
            {"nav_date": day, "scheme_code": SCHEMES[n], "nav": p}
            for (n, day), p in new.items()
            if n in SCHEMES
        ],
    )
    yield (
        "coingecko_daily_prices",
        [
            {"price_date": day, "coin_id": n, "quote_currency": "USD", "price": p}
            for (n, day), p in new.items()
            if n == "coin"
        ],
    )
    rates, known = market.per_euro[night], market.per_euro[0] if night else {}
    yield (
        "ecb_fx_rates",
        [
            {"rate_date": day, "currency_code": currency, "units_per_eur": rate}
            for (currency, day), rate in rates.items()
            if known.get((currency, day)) != rate
        ],
    )
    yield "book_transactions", [booking.row() for one in ledgers for booking in one.versions[night]]


def _reference(ledgers: list[Ledger]) -> Iterator[tuple[str, list[Row]]]:
    yield (
        "book_investors",
        [
            {
                "investor_key": one.name, "household_key": one.name, "tax_unit_key": one.name,
                "name": one.name, "residency": "US", "risk_profile": "balanced",
            }
            for one in ledgers
        ],
    )  # fmt: skip
    yield (
        "book_portfolios",
        [
            {
                "portfolio_key": key, "investor_key": one.name, "name": key, "currency": currency,
                "drift_band": Decimal("0.1"),
            }
            for one in ledgers
            for key, currency in one.portfolios.items()
        ],
    )  # fmt: skip
    yield (
        "book_accounts",
        [
            {
                "account_key": account.key, "portfolio_key": account.portfolio, "name": account.key,
                "kind": "brokerage", "currency": account.currency, "tax_regime": account.regime,
                "lot_method": account.method, "cash_model": account.cash_model,
                "flow_timing": account.flow_timing, "opened_on": FIRST_DAY,
            }
            for one in ledgers
            for account in one.accounts.values()
        ],
    )  # fmt: skip
    kinds = {"coin": "crypto", **dict.fromkeys(SCHEMES, "fund")}
    yield (
        "book_instruments",
        [
            {
                "instrument_key": key, "kind": kinds.get(key, "equity"), "name": key, "currency": currency,
                "asset_class": "equity", "sector": "any", "region": "any", "whole_units": False,
            }
            for key, currency in CURRENCIES.items()
        ],
    )  # fmt: skip
    schemes = {"coin": "coingecko", **dict.fromkeys(SCHEMES, "amfi")}
    yield (
        "book_instrument_aliases",
        [
            {
                "scheme": schemes.get(key, "ticker"), "alias": str(SCHEMES.get(key, key)),
                "valid_from": date(2000, 1, 1), "instrument_key": key,
            }
            for key in CURRENCIES
        ],
    )  # fmt: skip
    yield (
        "book_instrument_successors",
        [
            {
                "instrument_key": WHOLE_SHARE, "kind": "spin_off", "effective_date": SPIN_DAY,
                "successor_key": SPUN_SHARE, "ratio": 1, "cost_share": COST_SHARE,
            }
        ],
    )  # fmt: skip
    yield (
        "polygon_splits",
        [{"ticker": SPLIT_SHARE, "execution_date": SPLIT_DAY, "split_from": 1, "split_to": SPLIT_RATIO}],
    )


def names_of(ledgers: list[Ledger]) -> list[tuple[str, str]]:
    """Kinds and keys that the map of identities must hold."""
    cash = [("instrument", f"cash:{currency}") for currency in ("USD", "INR", "EUR")]
    return [
        *cash,
        *(("instrument", key) for key in CURRENCIES),
        *(("account", key) for one in ledgers for key in one.accounts),
        *(("portfolio", key) for one in ledgers for key in one.portfolios),
        *((kind, one.name) for one in ledgers for kind in ("investor", "household", "tax_unit")),
    ]


# ---- plain sums --------------------------------------------------------------------------------------------


class Sums:
    """What the bookings of a ledger that count add up to at the end of the last day."""

    def __init__(self, ledger: Ledger, refused: set[str]) -> None:
        """`refused` are keys of bookings that do not count."""
        self.units: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self.cash: defaultdict[str, Decimal] = defaultdict(Decimal)
        self.paid: defaultdict[str, Decimal] = defaultdict(Decimal)
        """Cost of units bought or received, by account."""
        self.income, self.fees, self.taxes = (defaultdict(Decimal) for _ in range(3))
        """By portfolio, in its currency."""
        self.is_cost_kept = len({account.currency for account in ledger.accounts.values()}) == 1
        """Whether no cost was converted, has left the household or is on its way."""
        self._ledger = ledger
        counted = [
            booking
            for key, booking in ledger.bookings.items()
            if key not in refused and booking.status == "settled"
        ]
        for booking in counted:
            self._add(booking, counted)
        received = {booking.pair for booking in counted if booking.kind in RECEIVED}
        if any(booking.kind in SENT and booking.pair not in received for booking in counted):
            self.is_cost_kept = False

    def _add(self, booking: Booking, counted: list[Booking]) -> None:
        account = self._ledger.accounts[booking.account]
        market = self._ledger.market
        rate = booking.fx_rate or market.rate(booking.currency, account.currency, booking.day)
        sign = -1 if booking.kind == "reversal" else 1
        kind = booking.reverses or booking.kind
        amount, fee, tax = (
            sign * rate * part for part in (booking.amount or Decimal(0), booking.fee, booking.tax)
        )
        if booking.instrument is not None and kind in UNITS_IN | UNITS_OUT:
            units = (booking.units or 0) * _later_splits(booking, counted)
            self.units[account.key, booking.instrument] += units if kind in UNITS_IN else -units
        moved = amount if kind in CASH_IN else -amount if kind in CASH_OUT else Decimal(0)
        if account.cash_model == "kept" and kind != "reinvest":
            self.cash[account.key] += moved - fee - tax
        is_sent = any(one.pair == booking.pair and one.kind in SENT for one in counted)
        if kind in COSTS_WITH_FEES | COSTS or (kind in RECEIVED and not is_sent):
            self.paid[account.key] += amount + (fee + tax if kind in COSTS_WITH_FEES else 0)
        home = market.rate(account.currency, self._ledger.portfolios[account.portfolio], booking.day)
        self.income[account.portfolio] += home * amount if kind in INCOME else 0
        self.fees[account.portfolio] += home * (fee + (amount if kind in FEES else 0))
        self.taxes[account.portfolio] += home * (tax + (amount if kind in TAXES else 0))

    def value(self, portfolio: str) -> Decimal:
        """Units at their last price and cash, in the portfolio's currency."""
        market, total = self._ledger.market, Decimal(0)
        currency = self._ledger.portfolios[portfolio]
        mine = {key for key, account in self._ledger.accounts.items() if account.portfolio == portfolio}
        for (account, instrument), units in self.units.items():
            if account in mine:
                rate = market.rate(CURRENCIES[instrument], currency, LAST_DAY)
                total += units * market.last_price(instrument) * rate
        for account, cash in self.cash.items():
            if account in mine:
                total += cash * market.rate(self._ledger.accounts[account].currency, currency, LAST_DAY)
        return total


def _later_splits(booking: Booking, counted: list[Booking]) -> Decimal:
    """What a unit of a booking has become through splits of later days."""
    product = Decimal(1)
    if booking.instrument == SPLIT_SHARE and booking.day < SPLIT_DAY:
        product *= SPLIT_RATIO
    for split in counted:
        if (
            split.kind == "split"
            and (split.account, split.instrument) == (booking.account, booking.instrument)
            and split.day > booking.day
            and split.instrument != SPLIT_SHARE
        ):
            product *= split.units or 1
    return product
