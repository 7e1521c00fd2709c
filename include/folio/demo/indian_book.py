"""Indian book: a seeded generator of fund folios over the schemes of recorded NAV files.

It prefers schemes whose NAV of one day differs between two consecutive files, so that a replay of the files
restates what readers saw. Every trade is priced at the NAV that the file of its night published.
"""

import gzip
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from random import Random

from folio.books.formats.account_owners import AccountOwnerRow
from folio.books.formats.accounts import AccountRow
from folio.books.formats.instrument_aliases import InstrumentAliasRow
from folio.books.formats.instruments import InstrumentRow
from folio.books.formats.investors import InvestorRow
from folio.books.formats.portfolios import PortfolioRow
from folio.books.formats.targets import TargetRow
from folio.books.formats.transactions import TransactionRow
from folio.demo.ledger import FUND_STEP, Holder, Ledger, Row, Trade, cents, fund_units, write_rows
from folio.errors import FolioError, PayloadError
from folio.sources import landing
from folio.sources.connectors import amfi
from folio.sources.sandbox.recordings import recordings

SEED = 229
SCHEMES = 80
RESTATED = 50
INVESTORS = 12
SECOND_PORTFOLIOS = (2, 7)
"""Investors who have two portfolios."""
ACCOUNTS = 20

RECENT_DAYS = 5
"""A NAV counts as current in a file when it is at most this much older than the file's usual date."""
MOST_FILES = 0.75
STAMP_DUTY = Decimal("0.005") / Decimal("100.005")
"""Part of what is paid for units since 1 July 2020."""

_CLASSES = (
    ("equity", "equity"),
    ("elss", "equity"),
    ("hybrid", "hybrid"),
    ("debt", "debt"),
    ("income", "debt"),
    ("gilt", "debt"),
    ("liquid", "debt"),
    ("money market", "debt"),
)


@dataclass(frozen=True)
class Scheme:
    """A fund scheme as a NAV file names it."""

    code: int
    name: str
    isin: str | None
    category: str
    house: str

    @property
    def key(self) -> str:
        """The book's own key of it."""
        return f"amfi-{self.code}"

    @property
    def asset_class(self) -> str:
        """Guess from the section that the file lists it under."""
        section = self.category.lower()
        return next((asset for word, asset in _CLASSES if word in section), "other")

    @property
    def sector(self) -> str:
        """The section's last part as a code, such as banking_and_psu_fund."""
        last = self.category.rpartition("(")[2].rstrip(") ").rpartition(" - ")[2].lower()
        return re.sub(r"[^a-z0-9]+", "_", last).strip("_") or "other"


@dataclass(frozen=True)
class Snapshot:
    """One recorded file: NAV date and NAV by scheme code, and the date that most schemes have."""

    instant: datetime
    navs: Mapping[int, tuple[date, Decimal]]
    schemes: Mapping[int, Scheme]
    usual_day: date

    @property
    def file_instant(self) -> str:
        """How names of book files that its night may see begin."""
        return f"{self.instant:%Y-%m-%dT%H%MZ}"

    def is_current(self, code: int) -> bool:
        """Whether a scheme has a NAV of about the file's usual date, and not later than its night values."""
        if code not in self.navs:
            return False
        day = self.navs[code][0]
        last = min(self.usual_day, self.instant.date() - timedelta(days=1))
        return last - timedelta(days=RECENT_DAYS) <= day <= last


@dataclass(frozen=True)
class Folio:
    """A folio account and the schemes it holds."""

    holder: Holder
    portfolio: str
    investor: str
    schemes: Sequence[Scheme]
    monthly_amount: Decimal
    random: Random


def write(folder: Path, drop: Path, seed: int = SEED, files: Sequence[Path] | None = None) -> list[Path]:
    """Write the book files for a replay of recorded NAV files into a drop folder.

    Parameters
    ----------
    folder : holds `NAVAll_<instant>.txt[.gz]`; a name without a time counts as 00:00 UTC.
    files : the recordings to be replayed; None for every one in the folder.

    Returns
    -------
    list of Path
        Reference files named by the first readable recording's instant, and a transactions file for each
        recording whose night brings trades. The same recordings and seed give the same bytes.

    Raises
    ------
    FolioError
        No recording can be read, or too few schemes are current in most of them.
    """
    wanted = None if files is None else set(files)
    snapshots = [
        snapshot
        for instant, path in recordings(folder)
        if (wanted is None or path in wanted) and (snapshot := read_snapshot(path, instant)) is not None
    ]
    if not snapshots:
        raise FolioError(f"No recorded NAVAll file in {folder} can be read.")
    schemes = choose(snapshots, Random(f"{seed}|schemes"))
    folios = _folios(schemes, seed)
    booked = trade(folios, snapshots)
    first_trade = _first_trades(booked)
    first = snapshots[0].file_instant
    investors = _investors(seed)
    reference = (
        (InvestorRow, investors),
        (PortfolioRow, _portfolios(folios, seed)),
        (AccountRow, [_account(folio, first_trade[folio.holder.key]) for folio in folios]),
        (AccountOwnerRow, [_owner(folio, first_trade[folio.holder.key]) for folio in folios]),
        (InstrumentRow, [_instrument(scheme) for scheme in schemes]),
        (InstrumentAliasRow, _aliases(schemes)),
        (TargetRow, _targets(folios, first_trade)),
    )
    return [
        *(write_rows(drop / f"{first}_{kind.dataset}.csv", kind, rows) for kind, rows in reference),
        *(
            write_rows(drop / f"{instant}_transactions.csv", TransactionRow, rows)
            for instant, rows in booked.items()
            if rows
        ),
    ]


def read_snapshot(path: Path, instant: datetime) -> Snapshot | None:
    """The NAV file recorded at an instant; None where the content is no NAV file."""
    body = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    load = _load(path.name, instant)
    try:
        navs = amfi.parse_navs(body, load).rows
        schemes = amfi.parse_schemes(body, load).rows
    except PayloadError:
        return None
    if not isinstance(navs, landing.TextColumns) or isinstance(
        schemes, landing.TextColumns | landing.TextBlocks
    ):
        raise FolioError(f"{path.name}: the NAV parser's rows changed their form")
    values: dict[int, tuple[date, Decimal]] = {}
    for day, code, nav, _ in zip(*navs.columns, strict=True):
        values.setdefault(int(code), (date.fromisoformat(day), Decimal(nav)))
    named: dict[int, Scheme] = {}
    for code, growth, reinvestment, name, plan, option, category, house, _ in schemes:
        full_name = " - ".join(part for part in (name, plan, option) if part)
        named.setdefault(
            code, Scheme(code, full_name, growth or reinvestment, category or "other", house or "unknown")
        )
    usual_day = Counter(day for day, _ in values.values()).most_common(1)[0][0]
    return Snapshot(instant, values, named, usual_day)


def restated(snapshots: Sequence[Snapshot]) -> list[dict[int, int]]:
    """Per pair of consecutive files: schemes whose NAV of one day differs, with the earlier's place."""
    return [
        {
            code: place
            for code, (day, nav) in earlier.navs.items()
            if code in later.navs and later.navs[code][0] == day and later.navs[code][1] != nav
        }
        for place, (earlier, later) in enumerate(pairwise(snapshots))
    ]


def choose(snapshots: Sequence[Snapshot], random: Random) -> list[Scheme]:
    """SCHEMES schemes, by fund house: up to RESTATED restated ones, the rest current in most files.

    Most of the restated ones come from the largest restatement, and each can be bought before it.
    """
    first_seen: dict[int, int] = {}
    files: Counter[int] = Counter()
    for place, snapshot in enumerate(snapshots):
        for code in snapshot.navs:
            if snapshot.is_current(code):
                first_seen.setdefault(code, place)
                files[code] += 1
    chosen: list[int] = []
    for changed in sorted(restated(snapshots), key=len, reverse=True):
        held_by_then = [
            c for c, place in sorted(changed.items()) if first_seen.get(c, len(snapshots)) <= place
        ]
        often_current = sorted(held_by_then, key=lambda code: -files[code])
        new = [code for code in often_current if code not in chosen]
        # leave room for a few of the other restatements
        room = RESTATED - len(chosen) if chosen else RESTATED - 6
        pool = new[: 2 * room]
        chosen += sorted(random.sample(pool, min(room, len(pool))))
    steady = [c for c, n in sorted(files.items()) if n >= MOST_FILES * len(snapshots) and c not in chosen]
    wanted = SCHEMES - len(chosen)
    if len(steady) < wanted:
        raise FolioError(f"Only {len(steady)} schemes are current in most of the files; {wanted} are wanted.")
    chosen += random.sample(steady, wanted)
    named = {code: scheme for snapshot in reversed(snapshots) for code, scheme in snapshot.schemes.items()}
    return sorted((named[code] for code in chosen), key=lambda scheme: (scheme.house, scheme.code))


# ---- who and what ------------------------------------------------------------------------------------------


def _folios(schemes: Sequence[Scheme], seed: int) -> list[Folio]:
    """Folios of neighbouring schemes, which mostly are of one fund house."""
    portfolios = [
        (f"I{number:02d}", f"P{number:02d}{letter}")
        for number in range(1, INVESTORS + 1)
        for letter in ("AB" if number in SECOND_PORTFOLIOS else "A")
    ]
    folios = []
    for number in range(ACCOUNTS):
        investor, portfolio = portfolios[number % len(portfolios)]
        random = Random(f"{seed}|folio {number}")
        folios.append(
            Folio(
                Holder(f"{portfolio}-F{number + 1:02d}", "INR", kept=False, numbered=False),
                portfolio,
                investor,
                schemes[number * len(schemes) // ACCOUNTS : (number + 1) * len(schemes) // ACCOUNTS],
                Decimal(1000 * random.randrange(1, 11)),
                random,
            )
        )
    return folios


def _investors(seed: int) -> list[Row]:
    random = Random(f"{seed}|investors")
    return [
        {
            "investor_key": f"I{number:02d}",
            "household_key": f"H{(number + 1) // 2:02d}",
            "tax_unit_key": f"T{number:02d}",
            "name": f"Investor {number:02d}",
            "email": f"investor{number:02d}@example.org",
            "residency": "IN",
            "risk_profile": random.choice(("conservative", "balanced", "growth", "aggressive")),
        }
        for number in range(1, INVESTORS + 1)
    ]


def _portfolios(folios: Sequence[Folio], seed: int) -> list[Row]:
    random = Random(f"{seed}|portfolios")
    return [
        {
            "portfolio_key": portfolio,
            "investor_key": investor,
            "name": f"Investor {investor[1:]} {'main' if portfolio.endswith('A') else 'second'}",
            "currency": "INR",
            "var_limit": Decimal("0.03"),
            "drift_band": random.choice((Decimal("0.05"), Decimal("0.10"), Decimal("0.20"))),
        }
        for portfolio, investor in sorted({(folio.portfolio, folio.investor) for folio in folios})
    ]


def _account(folio: Folio, opened_on: date) -> Row:
    return {
        "account_key": folio.holder.key,
        "portfolio_key": folio.portfolio,
        "name": f"Folio {folio.holder.key[-2:]}",
        "kind": "folio",
        "currency": "INR",
        "tax_regime": "india",
        "lot_method": "fifo",
        "cash_model": "implied",
        "flow_timing": "end",
        "opened_on": opened_on,
    }


def _owner(folio: Folio, opened_on: date) -> Row:
    return {
        "account_key": folio.holder.key,
        "investor_key": folio.investor,
        "valid_from": opened_on,
        "share": Decimal(1),
    }


def _instrument(scheme: Scheme) -> Row:
    return {
        "instrument_key": scheme.key,
        "kind": "fund",
        "name": scheme.name,
        "currency": "INR",
        "asset_class": scheme.asset_class,
        "sector": scheme.sector,
        "region": "india",
        "whole_units": False,
    }


def _aliases(schemes: Iterable[Scheme]) -> list[Row]:
    """The AMFI code of each scheme, and its ISIN where no other scheme of the book has it."""
    schemes = list(schemes)
    shared = Counter(scheme.isin for scheme in schemes)
    return [
        {
            "scheme": vocabulary,
            "alias": alias,
            "valid_from": date(2000, 1, 1),
            "instrument_key": scheme.key,
        }
        for scheme in schemes
        for vocabulary, alias in (("amfi", str(scheme.code)), ("isin", scheme.isin))
        if alias is not None and (vocabulary == "amfi" or shared[alias] == 1)
    ]


def _targets(folios: Sequence[Folio], first_trade: Mapping[str, date]) -> list[Row]:
    """Equal weights over a portfolio's schemes, to the hundredth; the first takes what is left."""
    rows: list[Row] = []
    for portfolio in sorted({folio.portfolio for folio in folios}):
        its = [folio for folio in folios if folio.portfolio == portfolio]
        keys = sorted({scheme.key for folio in its for scheme in folio.schemes})
        weight = Decimal(100 // len(keys)) / 100
        start = min(first_trade[folio.holder.key] for folio in its)
        rows += [
            {
                "portfolio_key": portfolio,
                "instrument_key": key,
                "valid_from": start,
                "weight": weight if place else 1 - weight * (len(keys) - 1),
            }
            for place, key in enumerate(keys)
        ]
    return rows


# ---- trades ------------------------------------------------------------------------------------------------


def trade(folios: Sequence[Folio], snapshots: Sequence[Snapshot]) -> dict[str, list[dict[str, object]]]:
    """Transactions by the instant of the file that brings them, priced as that instant's recording says.

    Each scheme is bought at the first recording in which it is current; later ones bring a purchase a month,
    and now and then a redemption or a switch within the fund house.
    """
    ledger = Ledger()
    booked: dict[str, list[dict[str, object]]] = {}
    bought: set[tuple[str, int]] = set()
    months: dict[str, tuple[int, int]] = {}
    for snapshot in snapshots:
        before = len(ledger.rows)
        for folio in folios:
            current = [scheme for scheme in folio.schemes if snapshot.is_current(scheme.code)]
            held = [scheme for scheme in current if (folio.holder.key, scheme.code) in bought]
            month = (snapshot.usual_day.year, snapshot.usual_day.month)
            if held and months.setdefault(folio.holder.key, month) < month:
                months[folio.holder.key] = month
                _act(ledger, folio, held, snapshot)
            for scheme in current:
                if scheme not in held:
                    paid = Decimal(5000 * folio.random.randrange(2, 21))
                    _buy(ledger, folio, scheme, snapshot, paid)
                    bought.add((folio.holder.key, scheme.code))
                    months.setdefault(folio.holder.key, month)
        booked.setdefault(snapshot.file_instant, []).extend(ledger.rows[before:])
    return booked


def _act(ledger: Ledger, folio: Folio, held: Sequence[Scheme], snapshot: Snapshot) -> None:
    """A month's purchase; sometimes a redemption, sometimes a switch."""
    random = folio.random
    _buy(ledger, folio, random.choice(held), snapshot, folio.monthly_amount)
    scheme = random.choice(held)
    part = Decimal(random.randrange(10, 31)) / 100
    units = (ledger.units[folio.holder.key, scheme.key] * part).quantize(FUND_STEP)
    dice = random.random()
    siblings = [s for s in held if s.house == scheme.house and s != scheme]
    if units <= 0:
        return
    if dice < 0.2:
        day, out = _priced(scheme, snapshot, units)
        ledger.dispose(folio.holder, "sell", day, out, nav_date=day)
    elif dice < 0.4 and siblings:
        to = random.choice(siblings)
        out_day, out = _priced(scheme, snapshot, units)
        in_day = snapshot.navs[to.code][0]
        if in_day != out_day:
            return
        pair = f"{folio.holder.key}-switch-{out_day}"
        ledger.dispose(folio.holder, "switch_out", out_day, out, pair_key=pair, nav_date=out_day)
        into = _paid(to, snapshot, out.amount)
        ledger.acquire(folio.holder, "switch_in", in_day, into, pair_key=pair, nav_date=in_day)


def _buy(ledger: Ledger, folio: Folio, scheme: Scheme, snapshot: Snapshot, paid: Decimal) -> None:
    day = snapshot.navs[scheme.code][0]
    ledger.acquire(folio.holder, "buy", day, _paid(scheme, snapshot, paid), nav_date=day)


def _paid(scheme: Scheme, snapshot: Snapshot, paid: Decimal) -> Trade:
    """Units for what is paid, stamp duty included."""
    duty = cents(paid * STAMP_DUTY)
    nav = snapshot.navs[scheme.code][1]
    units = fund_units(paid - duty, nav)
    return Trade(scheme.key, f"amfi:{scheme.code}", units, nav, paid - duty, "INR", tax=duty)


def _priced(scheme: Scheme, snapshot: Snapshot, units: Decimal) -> tuple[date, Trade]:
    """A scheme's units at the published NAV, and the day of that NAV."""
    day, nav = snapshot.navs[scheme.code]
    return day, Trade(scheme.key, f"amfi:{scheme.code}", units, nav, cents(units * nav), "INR")


def _first_trades(booked: Mapping[str, Sequence[Row]]) -> dict[str, date]:
    first: dict[str, date] = {}
    for rows in booked.values():
        for row in rows:
            account, day = str(row["account_key"]), row["trade_date"]
            assert isinstance(day, date)
            first[account] = min(day, first.get(account, day))
    return first


def _load(name: str, instant: datetime) -> landing.Load:
    """The load as which the parser knows a recording: it asks only when the file was observed."""
    return landing.Load(
        load_id=landing.load_id("amfi", "navs", name, 1),
        source="amfi",
        dataset="navs",
        slot=name,
        attempt=1,
        night=None,
        request=name,
        status="running",
        payload_sha256=None,
        payload_bytes=None,
        observed_at=instant,
        known_basis="observed",
        rows_seen=0,
        rows_new=0,
        rows_changed=0,
        rows_same=0,
        rows_rejected=0,
        reason=None,
    )
