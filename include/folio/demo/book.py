"""Demo book: a seeded generator of clients and their transactions at the demo market's prices.

25 investors in 14 households with 30 portfolios and 40 accounts in dollars, euros and rupees. What each
file holds, and which lines are wrong on purpose, is in docs/demo-data.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

from folio.books.formats.account_owners import AccountOwnerRow
from folio.books.formats.accounts import AccountRow
from folio.books.formats.instrument_aliases import InstrumentAliasRow
from folio.books.formats.instruments import InstrumentRow
from folio.books.formats.investors import InvestorRow
from folio.books.formats.portfolios import PortfolioRow
from folio.books.formats.targets import TargetRow
from folio.demo import market as demo_market
from folio.demo.ledger import (
    RATE_STEP,
    Holder,
    Ledger,
    Row,
    Trade,
    cents,
    fund_units,
    write_rows,
    write_transactions,
)
from folio.demo.market import FUNDS, TICKERS, Market

SEED = 20130227
FIRST_TRADE = date(2009, 1, 2)
FIRST_FILE = "2013-02-27T0000Z"
"""Instant of the files that hold everything through the day before."""
INCREMENTS: Mapping[str, date] = {
    "2013-02-28T0000Z": date(2013, 2, 27),
    "2013-03-01T0000Z": date(2013, 2, 28),
    "2013-03-02T0000Z": date(2013, 3, 1),
}
"""Instant of each later file and the day whose trades it holds."""
FAULTY_INCREMENT = "2013-03-01T0000Z"
OVERSOLD_ID = "P04A-BRK-OVERSOLD"
"""External id of the row that sells more than is held; it lands, and the ledger refuses it."""

FACEBOOK_LISTED = date(2012, 5, 18)
FACEBOOK_TARGETED = date(2012, 6, 1)
RESERVE = Decimal(60)
"""Cash that plans leave in a kept account, in its own currency."""
SHARE_FEE = Decimal("4.95")

SHARES: Mapping[str, tuple[str, str]] = {
    "AAPL": ("Apple Inc.", "technology_hardware"),
    "FB": ("Facebook, Inc.", "internet"),
    "GOOG": ("Google Inc.", "internet"),
    "IBM": ("International Business Machines Corporation", "it_services"),
    "MSFT": ("Microsoft Corporation", "software"),
}
LASTING_SHARES = tuple(ticker for ticker in TICKERS if ticker != "FB")


@dataclass(frozen=True)
class Household:
    """People who report together; `joint` makes them one tax unit."""

    country: str
    size: int
    joint: bool


HOUSEHOLDS = (
    *(Household("US", 2, joint=True),) * 4,
    *(Household("DE", 2, joint=True),) * 2,
    Household("NL", 2, joint=False),
    Household("FR", 1, joint=False),
    *(Household("IN", 2, joint=False),) * 4,
    *(Household("IN", 1, joint=False),) * 2,
)
CURRENCY: Mapping[str, str] = {"US": "USD", "DE": "EUR", "NL": "EUR", "FR": "EUR", "IN": "INR"}
TAX_REGIME: Mapping[str, str] = {"US": "us", "DE": "de", "NL": "nl", "FR": "fr", "IN": "india"}
WITHHELD: Mapping[str, Decimal] = {"US": Decimal(0), "IN": Decimal("0.25")}
WITHHELD_ELSEWHERE = Decimal("0.15")

SECOND_PORTFOLIOS = (1, 3, 9, 11, 16)
"""Investors who have two portfolios, A and B."""

ACCOUNTS: Mapping[str, tuple[str, ...]] = {
    "P01A": ("BRK", "RET"),
    "P02A": ("BRK", "RET"),
    "P03B": ("RET",),
    "P05A": ("BRK", "RET"),
    "P07A": ("BRK", "RET"),
    "P08A": ("RET",),
    "P09A": ("BRK", "RET"),
    "P11A": ("BRK", "USD"),
    "P11B": ("RET",),
    "P13A": ("BRK", "RET"),
    "P17A": ("FOL", "USD"),
    "P19A": ("RET",),
    "P20A": ("FOL", "USD"),
    "P23A": ("FOL", "USD"),
    "P24A": ("RET",),
}
"""Accounts of portfolios that have others than one brokerage (abroad) or one folio (India).

BRK and USD are brokerage, RET retirement, FOL a fund folio; USD is in dollars, the rest in home currency.
"""

TRANSFERS = (
    ("P11A-BRK", "P11A-USD", date(2010, 9, 15)),
    ("P01A-BRK", "P01B-BRK", date(2011, 5, 16)),
    ("P09A-BRK", "P09B-BRK", date(2012, 10, 15)),
)
"""In kind, between accounts of one investor: a third of the giver's largest position."""

_TRANSFERRING = {account for giver, taker, _ in TRANSFERS for account in (giver, taker)}

TIGHT_VAR_LIMITS: Mapping[str, Decimal] = {"P05A": Decimal("0.012"), "P15A": Decimal("0.012")}
"""Limits that a portfolio of technology shares breaks on most days; the others' hold."""
VAR_LIMIT = Decimal("0.06")


@dataclass(frozen=True)
class Asset:
    """Something the demo holds: `source` is its ticker or scheme code in the market."""

    key: str
    source: str | int
    currency: str
    aliases: tuple[tuple[str, str], ...]
    cells: Row


@dataclass(frozen=True)
class Plan:
    """How an account is funded and invested."""

    holder: Holder
    portfolio: str
    country: str
    code: str
    opened_on: date
    weights: Mapping[str, Decimal]
    first_amount: Decimal
    monthly_amount: Decimal
    month_day: int
    balancing: bool
    random: Random = field(compare=False)

    @property
    def funds(self) -> bool:
        """Whether it holds funds, in fractions, rather than shares."""
        return self.holder.currency == "INR"


@dataclass(frozen=True)
class Book:
    """Rows of every kind; transactions by the instant of their file."""

    investors: Sequence[Row]
    portfolios: Sequence[Row]
    accounts: Sequence[Row]
    account_owners: Sequence[Row]
    instruments: Sequence[Row]
    instrument_aliases: Sequence[Row]
    targets: Sequence[Row]
    transactions: Mapping[str, Sequence[Row]]


def _assets() -> dict[str, Asset]:
    shares = [
        Asset(
            f"share-{ticker.lower()}",
            ticker,
            "USD",
            (("ticker", ticker),),
            {
                "kind": "equity",
                "name": name,
                "currency": "USD",
                "asset_class": "equity",
                "sector": sector,
                "region": "north_america",
                "whole_units": True,
            },
        )
        for ticker, (name, sector) in SHARES.items()
    ]
    funds = [
        Asset(
            f"fund-{fund.code}",
            fund.code,
            "INR",
            (("amfi", str(fund.code)), ("isin", fund.isin)),
            {
                "kind": "fund",
                "name": fund.name,
                "currency": "INR",
                "asset_class": fund.asset_class,
                "sector": fund.sector,
                "region": "india" if fund.asset_class == "debt" else "north_america",
                "whole_units": False,
            },
        )
        for fund in FUNDS
    ]
    return {asset.key: asset for asset in (*shares, *funds)}


ASSETS = _assets()


def write(folder: Path, drop: Path, seed: int = SEED) -> list[Path]:
    """Write the demo book's files into a drop folder, trading at the prices in the demo market's folder.

    The same market and seed give the same bytes.
    """
    book = make(demo_market.read(folder), seed)
    reference = (
        (InvestorRow, book.investors),
        (PortfolioRow, book.portfolios),
        (AccountRow, book.accounts),
        (AccountOwnerRow, book.account_owners),
        (InstrumentRow, book.instruments),
        (InstrumentAliasRow, book.instrument_aliases),
        (TargetRow, book.targets),
    )
    return [
        *(write_rows(drop / f"{FIRST_FILE}_{kind.dataset}.csv", kind, rows) for kind, rows in reference),
        *(
            write_transactions(drop / f"{instant}_transactions.csv", rows)
            for instant, rows in book.transactions.items()
        ),
    ]


def make(market: Market, seed: int = SEED) -> Book:
    """The demo book of a seed, at a market's prices."""
    people = _people(seed)
    portfolios = _portfolios(people, seed)
    plans = [plan for portfolio in portfolios for plan in _plans(portfolio, market, seed)]
    return Book(
        investors=people,
        portfolios=[{k: v for k, v in p.items() if k != "country"} for p in portfolios],
        accounts=[_account(plan) for plan in plans],
        account_owners=_owners(plans, portfolios, people),
        instruments=[{"instrument_key": asset.key, **asset.cells} for asset in ASSETS.values()],
        instrument_aliases=[
            {
                "scheme": scheme,
                "alias": alias,
                "valid_from": FACEBOOK_LISTED if alias == "FB" else date(2000, 1, 1),
                "instrument_key": asset.key,
            }
            for asset in ASSETS.values()
            for scheme, alias in asset.aliases
        ],
        targets=_targets(plans),
        transactions=_by_file(trade(plans, market)),
    )


# ---- who ---------------------------------------------------------------------------------------------------


def _people(seed: int) -> list[Row]:
    people: list[Row] = []
    for number, household in enumerate(HOUSEHOLDS, start=1):
        for member in range(household.size):
            investor = len(people) + 1
            random = Random(f"{seed}|investor {investor}")
            people.append(
                {
                    "investor_key": f"I{investor:02d}",
                    "household_key": f"H{number:02d}",
                    "tax_unit_key": f"T{number:02d}" if household.joint else f"T{number:02d}-{member + 1}",
                    "name": f"Investor {investor:02d}",
                    "email": f"investor{investor:02d}@example.org",
                    "residency": household.country,
                    "risk_profile": random.choice(("conservative", "balanced", "growth", "aggressive")),
                }
            )
    return people


def _portfolios(people: Sequence[Row], seed: int) -> list[Row]:
    portfolios: list[Row] = []
    for number, person in enumerate(people, start=1):
        for letter in "AB" if number in SECOND_PORTFOLIOS else "A":
            key = f"P{number:02d}{letter}"
            random = Random(f"{seed}|portfolio {key}")
            portfolios.append(
                {
                    "portfolio_key": key,
                    "investor_key": person["investor_key"],
                    "name": f"{person['name']} {'main' if letter == 'A' else 'second'}",
                    "currency": CURRENCY[str(person["residency"])],
                    "var_limit": TIGHT_VAR_LIMITS.get(key, VAR_LIMIT),
                    "drift_band": random.choice([Decimal(b) for b in ("0.05", "0.10", "0.15", "0.25")]),
                    "country": person["residency"],
                }
            )
    return portfolios


def _plans(portfolio: Row, market: Market, seed: int) -> list[Plan]:
    key, country = str(portfolio["portfolio_key"]), str(portfolio["country"])
    plans = []
    for code in ACCOUNTS.get(key, ("FOL",) if country == "IN" else ("BRK",)):
        random = Random(f"{seed}|account {key}-{code}")
        currency = "USD" if code == "USD" else str(portfolio["currency"])
        late = random.random() > 0.55 and f"{key}-{code}" not in _TRANSFERRING
        opened = FIRST_TRADE + timedelta(random.randrange(30, 1200) if late else 0)
        first, monthly = (40_000, 5_000) if currency == "INR" else (20_000, 500)
        plans.append(
            Plan(
                holder=Holder(f"{key}-{code}", currency, kept=code != "FOL", numbered=currency != "INR"),
                portfolio=key,
                country=country,
                code=code,
                opened_on=market.session(opened),
                weights=_weights(random, currency),
                first_amount=Decimal(first * random.randrange(1, 9)),
                monthly_amount=Decimal(monthly * random.randrange(1, 7)),
                month_day=random.choice((1, 5, 10, 15, 20, 25, 27, 28)),
                balancing=random.random() < 0.5,
                random=random,
            )
        )
    return plans


def _weights(random: Random, currency: str) -> dict[str, Decimal]:
    """Shares of two to four assets in steps of five per cent, none under ten."""
    keys = (
        [f"fund-{fund.code}" for fund in FUNDS]
        if currency == "INR"
        else [f"share-{ticker.lower()}" for ticker in LASTING_SHARES]
    )
    chosen = sorted(random.sample(keys, random.randrange(2, 5)))
    cuts = sorted(random.sample(range(1, 20 - 2 * len(chosen) + len(chosen)), len(chosen) - 1))
    edges = [0, *cuts, 20 - len(chosen)]
    return {k: Decimal(b - a + 1) * 5 / 100 for k, a, b in zip(chosen, edges, edges[1:], strict=False)}


def _account(plan: Plan) -> Row:
    kind = {"FOL": "folio", "RET": "retirement"}.get(plan.code, "brokerage")
    return {
        "account_key": plan.holder.key,
        "portfolio_key": plan.portfolio,
        "name": f"{kind.capitalize()} {plan.holder.currency}",
        "kind": kind,
        "currency": plan.holder.currency,
        "tax_regime": TAX_REGIME[plan.country] + ("_retirement" if kind == "retirement" else ""),
        "lot_method": "fifo",
        "cash_model": "kept" if plan.holder.kept else "implied",
        "flow_timing": "end" if kind == "folio" else "start",
        "opened_on": plan.opened_on,
    }


def _owners(plans: Sequence[Plan], portfolios: Sequence[Row], people: Sequence[Row]) -> list[Row]:
    """Owners of each account: its investor, or half and half with the other of a joint household."""
    investor_of = {p["portfolio_key"]: str(p["investor_key"]) for p in portfolios}
    joint = {p["investor_key"]: p["tax_unit_key"] for p in people if "-" not in str(p["tax_unit_key"])}
    rows: list[Row] = []
    for plan in plans:
        owner = investor_of[plan.portfolio]
        others = [i for i, unit in joint.items() if unit == joint.get(owner) and i != owner]
        shared = bool(others) and plan.code == "BRK" and plan.portfolio.endswith("A")
        for investor in (owner, *others) if shared else (owner,):
            rows.append(
                {
                    "account_key": plan.holder.key,
                    "investor_key": investor,
                    "valid_from": plan.opened_on,
                    "share": Decimal("0.5") if shared else Decimal(1),
                }
            )
    return rows


def _holds_facebook(plan: Plan) -> bool:
    return plan.code == "BRK" and not plan.funds and int(plan.portfolio[1:3]) % 2 == 0


def _targets(plans: Sequence[Plan]) -> list[Row]:
    """Targets of each portfolio: its accounts' weights, the second account's counting three tenths."""
    by_portfolio: dict[str, list[Plan]] = {}
    for plan in plans:
        by_portfolio.setdefault(plan.portfolio, []).append(plan)
    rows: list[Row] = []
    for portfolio, its in by_portfolio.items():
        parts = (Decimal(1),) if len(its) == 1 else (Decimal("0.7"), Decimal("0.3"))
        weights: dict[str, Decimal] = {}
        for plan, part in zip(its, parts, strict=True):
            for key, weight in plan.weights.items():
                weights[key] = weights.get(key, Decimal(0)) + part * weight
        start = min(plan.opened_on for plan in its)
        rows += _target_rows(portfolio, start, weights)
        if any(_holds_facebook(plan) for plan in its):
            moved = {key: weight * Decimal("0.9") for key, weight in weights.items()}
            rows += _target_rows(
                portfolio, max(FACEBOOK_TARGETED, start), {**moved, "share-fb": Decimal("0.1")}
            )
    return rows


def _target_rows(portfolio: str, day: date, weights: Mapping[str, Decimal]) -> list[Row]:
    return [
        {"portfolio_key": portfolio, "instrument_key": key, "valid_from": day, "weight": weight.normalize()}
        for key, weight in sorted(weights.items())
    ]


# ---- what they do ------------------------------------------------------------------------------------------


@dataclass
class Desk:
    """Books what the plans do, session by session, into one ledger."""

    market: Market
    ledger: Ledger = field(default_factory=Ledger)

    def trade(self, plan: Plan, key: str, day: date, units: Decimal, amount: Decimal | None = None) -> Trade:
        """Units of an asset at the day's close or NAV, named as this account's books name things."""
        asset = ASSETS[key]
        price = self.market.price(asset.source, day)
        same = asset.currency == plan.holder.currency
        rate = self.market.exchange(asset.currency, plan.holder.currency, day)
        return Trade(
            instrument=key,
            name=self.name(plan, asset),
            units=units,
            price=price,
            amount=cents(units * price) if amount is None else amount,
            currency=asset.currency,
            rate=None if same else rate.quantize(RATE_STEP),
            fee=Decimal(0) if plan.funds else SHARE_FEE,
        )

    def name(self, plan: Plan, asset: Asset) -> str:
        """Dollar and rupee books use aliases, euro books instrument keys."""
        return asset.key if plan.holder.currency == "EUR" else ":".join(asset.aliases[0])

    def spend(self, plan: Plan, key: str, day: date, budget: Decimal) -> None:
        """Buy as much of an asset as a budget in the account's currency allows, if anything."""
        if plan.funds:
            amount = cents(budget)
            units = fund_units(amount, self.market.price(ASSETS[key].source, day))
            trade = self.trade(plan, key, day, units, amount)
            if units > 0:
                self.ledger.acquire(plan.holder, "buy", day, trade, nav_date=day)
            return
        one = self.trade(plan, key, day, Decimal(1))
        units = (budget / (one.rate or 1) - one.fee) // one.price
        if units >= 1:
            self.ledger.acquire(plan.holder, "buy", day, self.trade(plan, key, day, units))

    def weights(self, plan: Plan, day: date) -> Mapping[str, Decimal]:
        """What the plan wants on a day."""
        if not _holds_facebook(plan) or day < FACEBOOK_TARGETED:
            return plan.weights
        return {**{k: w * Decimal("0.9") for k, w in plan.weights.items()}, "share-fb": Decimal("0.1")}

    def most_wanted(self, plan: Plan, day: date) -> str:
        """Asset furthest below its weight, by value."""
        weights = self.weights(plan, day)
        values = {k: self.value(plan, k, day) for k in weights}
        total = sum(values.values()) or Decimal(1)
        return max(sorted(weights), key=lambda k: weights[k] - values[k] / total)

    def value(self, plan: Plan, key: str, day: date) -> Decimal:
        """Value of a position in the asset's currency."""
        return self.ledger.units[plan.holder.key, key] * self.market.price(ASSETS[key].source, day)

    def largest(self, plan: Plan, day: date) -> str | None:
        """Asset of the largest position, None where nothing is held."""
        held = sorted(self.ledger.held(plan.holder))
        return max(held, key=lambda k: self.value(plan, k, day)) if held else None

    def open(self, plan: Plan, day: date) -> None:
        """First money and first purchases."""
        if plan.holder.kept:
            self.ledger.money(plan.holder, "deposit", day, plan.first_amount)
        for key, weight in plan.weights.items():
            self.spend(plan, key, day, (plan.first_amount - RESERVE) * weight)

    def month(self, plan: Plan, day: date) -> None:
        """The monthly plan: money in, and purchases by weight or of what is furthest below its weight."""
        if plan.holder.kept:
            self.ledger.money(plan.holder, "deposit", day, plan.monthly_amount)
        if plan.funds and not plan.balancing:
            for key, weight in plan.weights.items():
                self.spend(plan, key, day, plan.monthly_amount * weight)
        elif plan.funds:
            self.spend(plan, self.most_wanted(plan, day), day, plan.monthly_amount)
        else:
            wanted = (
                self.most_wanted(plan, day)
                if plan.balancing
                else sorted(self.weights(plan, day))[day.month % len(self.weights(plan, day))]
            )
            self.spend(plan, wanted, day, self.ledger.cash[plan.holder.key] - RESERVE)

    def quarter(self, plan: Plan, day: date) -> None:
        """Now and then: sell a part, switch a part, take money out."""
        random = plan.random
        key = self.largest(plan, day)
        if key is None:
            return
        held = self.ledger.units[plan.holder.key, key]
        part = Decimal(random.randrange(10, 26)) / 100
        if plan.funds:
            units = (held * part).quantize(Decimal("0.001"))
            if random.random() < 0.20:
                self.switch(plan, key, day, units)
            elif random.random() < 0.12:
                self.ledger.dispose(plan.holder, "sell", day, self.trade(plan, key, day, units), nav_date=day)
        elif random.random() < 0.15 and (units := held * part // 1) >= 1:
            self.ledger.dispose(plan.holder, "sell", day, self.trade(plan, key, day, units))
        spare = (self.ledger.cash[plan.holder.key] - RESERVE) // 100 * 100
        if plan.code != "RET" and spare >= 500 and random.random() < 0.5:
            self.ledger.money(plan.holder, "withdrawal", day, spare)

    def switch(self, plan: Plan, key: str, day: date, units: Decimal) -> None:
        """Move units to another fund of the plan at the day's NAVs: two rows that share a pair_key."""
        others = [k for k in plan.weights if k != key]
        if not others or units <= 0:
            return
        to = plan.random.choice(sorted(others))
        out = self.trade(plan, key, day, units)
        pair = f"{plan.holder.key}-switch-{day}"
        came = fund_units(out.amount, self.market.price(ASSETS[to].source, day))
        into = self.trade(plan, to, day, came, out.amount)
        self.ledger.dispose(plan.holder, "switch_out", day, out, pair_key=pair, nav_date=day)
        self.ledger.acquire(plan.holder, "switch_in", day, into, pair_key=pair, nav_date=day)

    def half_year(self, plan: Plan, day: date) -> None:
        """Interest on cash, and at the year's end the adviser's fee of a quarter per cent of the shares."""
        if not plan.holder.kept:
            return
        interest = cents(self.ledger.cash[plan.holder.key] * Decimal("0.002"))
        if interest > 0:
            self.ledger.money(plan.holder, "interest", day, interest)
        if day.month == 12:
            rate = Decimal(1) if plan.funds else self.market.exchange("USD", plan.holder.currency, day)
            value = sum((self.value(plan, k, day) for k in self.ledger.held(plan.holder)), start=Decimal(0))
            fee = min(cents(value * rate / 400), cents(self.ledger.cash[plan.holder.key] - 1))
            if fee > 0:
                self.ledger.money(plan.holder, "fee", day, fee)

    def dividends(self, plan: Plan, day: date) -> None:
        """Dividends whose ex-date this is, on what was held before it."""
        for key, units in sorted(self.ledger.held(plan.holder).items()):
            per_share = self.market.dividends.get((str(ASSETS[key].source), day))
            if per_share is None:
                continue
            paid = self.trade(plan, key, day, units, cents(units * per_share))
            untaxed = plan.code == "RET" and plan.country == "US"
            rate = Decimal(0) if untaxed else WITHHELD.get(plan.country, WITHHELD_ELSEWHERE)
            self.ledger.dividend(plan.holder, day, replace(paid, tax=cents(paid.amount * rate)))

    def transfer(self, giver: Plan, taker: Plan, day: date) -> None:
        """A third of the giver's largest position, in kind."""
        key = self.largest(giver, day)
        units = Decimal(0) if key is None else self.ledger.units[giver.holder.key, key] // 3
        if key is not None and units >= 1:
            moved = self.trade(giver, key, day, units)
            pair = f"transfer-{giver.holder.key}-{day}"
            name = self.name(taker, ASSETS[key])
            self.ledger.transfer(giver.holder, taker.holder, day, moved, name, pair)


def trade(plans: Sequence[Plan], market: Market) -> list[dict[str, object]]:
    """Every transaction of every account from FIRST_TRADE to the last increment's day, in order of days."""
    desk = Desk(market)
    by_key = {plan.holder.key: plan for plan in plans}
    transfers = {market.session(day): (giver, taker) for giver, taker, day in TRANSFERS}
    last = max(INCREMENTS.values())
    sessions = [day for day in market.sessions if FIRST_TRADE <= day <= last]
    for before, day in zip([None, *sessions], sessions, strict=False):
        for ticker in TICKERS:
            if (ticker, day) in market.splits:
                desk.ledger.split(f"share-{ticker.lower()}", market.splits[ticker, day])
        for plan in plans:
            if day < plan.opened_on:
                continue
            desk.dividends(plan, day)
            if day == plan.opened_on:
                desk.open(plan, day)
            elif before is not None:
                if _passes(before, day, plan.month_day):
                    desk.month(plan, day)
                if day.month % 3 == 0 and _passes(before, day, 12):
                    desk.quarter(plan, day)
                if day.month in (6, 12) and _passes(before, day, 29):
                    desk.half_year(plan, day)
        if day in transfers:
            giver, taker = transfers[day]
            desk.transfer(by_key[giver], by_key[taker], day)
    return desk.ledger.rows


def _passes(before: date, day: date, month_day: int) -> bool:
    """Whether a session is the first on or after a day of its month."""
    return day.day >= month_day and (before.month != day.month or before.day < month_day)


# ---- into files --------------------------------------------------------------------------------------------


def _by_file(rows: Iterable[Row]) -> dict[str, list[Row]]:
    instant_of = {day: instant for instant, day in INCREMENTS.items()}
    files: dict[str, list[Row]] = {FIRST_FILE: [], **{instant: [] for instant in INCREMENTS}}
    for row in rows:
        day = row["trade_date"]
        assert isinstance(day, date)
        files[instant_of.get(day, FIRST_FILE)].append(row)
    sent = [*files["2013-02-28T0000Z"], *files[FIRST_FILE]]
    earlier = next(row for row in sent if row.get("external_id") is None)
    files[FAULTY_INCREMENT] += _faults(INCREMENTS[FAULTY_INCREMENT], earlier)
    return files


def _faults(day: date, earlier: Row) -> list[Row]:
    """Lines wrong or unusual on purpose: see docs/demo-data.md."""
    deposit: Row = {
        "account_key": "P02A-BRK",
        "kind": "deposit",
        "trade_date": day,
        "amount": Decimal(250),
        "currency": "USD",
        "fee": Decimal(0),
        "tax": Decimal(0),
        "status": "settled",
    }
    share: Row = {
        **deposit,
        "account_key": "P04A-BRK",
        "price": Decimal(100),
        "units": Decimal(1_000_000),
        "amount": Decimal(100_000_000),
    }
    return [
        {**deposit, "external_id": "P02A-BRK-BADDATE", "trade_date": "2013-02-30"},
        {**share, "external_id": "P04A-BRK-UNKNOWN", "kind": "buy", "instrument": "ticker:ZZZZ"},
        {**share, "external_id": OVERSOLD_ID, "kind": "sell", "instrument": "ticker:AAPL"},
        deposit,
        deposit,  # a true twin: two deposits of the same amount on the same day
        earlier,  # sent again: it was in the file before
    ]
