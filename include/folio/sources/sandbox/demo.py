"""A sandbox's answers computed from a folder of demo data."""

import csv
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cached_property
from itertools import groupby
from pathlib import Path

from folio.sources.sandbox.answers import Answer, BarRow, SplitRow, crlf

NAVS_KNOWN, BARS_KNOWN, RATES_KNOWN = time(18, 0), time(22, 0), time(15, 0)
"""UTC times of a day from which its NAVs, bars and rates can be had."""

SESSION_CLOSE = time(21, 0)
TEXT = "text/plain; charset=utf-8"
NAVALL_HEADER = (
    "Scheme Code;ISIN Div Payout/ ISIN Growth;ISIN Div Reinvestment;Scheme Name;Net Asset Value;Date"
)
HISTORY_HEADER = (
    "Scheme Code;Scheme Name;ISIN Div Payout/ISIN Growth;ISIN Div Reinvestment;"
    "Net Asset Value;Repurchase Price;Sale Price;Date"
)


@dataclass(frozen=True)
class Scheme:
    """A fund scheme of the demo."""

    code: str
    isin: str
    name: str
    category: str
    fund_house: str


@dataclass(frozen=True)
class DemoData:
    """Answers as of an instant from prices.csv, navs.csv, schemes.csv, splits.csv, dividends.csv and fx.csv.

    A day's NAVs are known from 18:00 UTC, its bars from 22:00, its rates from 15:00, a split from its day on.
    """

    folder: Path

    def navs(self, as_of: datetime | None) -> Answer:
        """The last NAV of every scheme."""

        def line(scheme: Scheme) -> str | None:
            days = self._navs.get(scheme.code, ([], []))
            known = len(days[0]) if as_of is None else bisect_right(days[0], _last_day(as_of, NAVS_KNOWN))
            if not known:
                return None
            day, nav = days[0][known - 1], days[1][known - 1]
            return f"{scheme.code};{scheme.isin};-;{scheme.name};{nav};{day:%d-%b-%Y}"

        lines = [NAVALL_HEADER, *self._by_section(lambda scheme: filter(None, [line(scheme)]), " ")]
        return Answer(200, TEXT, crlf(lines), self.recorded_at(as_of))

    def nav_history(self, first: date, last: date, as_of: datetime | None) -> Answer:
        """All NAVs of the days between two."""
        last = last if as_of is None else min(last, _last_day(as_of, NAVS_KNOWN))

        def lines_of(scheme: Scheme) -> Iterator[str]:
            for day, nav in zip(*self._navs.get(scheme.code, ([], [])), strict=True):
                if first <= day <= last:
                    yield f"{scheme.code};{scheme.name};{scheme.isin};;{nav};;;{day:%d-%b-%Y}"

        lines = [HISTORY_HEADER, *self._by_section(lines_of, "")]
        return Answer(200, TEXT, crlf(lines), self.recorded_at(as_of))

    def bars(self, day: date, as_of: datetime | None) -> list[str] | None:
        """Bars of one day, or None before its close."""
        if as_of is not None and day > _last_day(as_of, BARS_KNOWN):
            return None
        stamp = int(datetime.combine(day, SESSION_CLOSE, UTC).timestamp() * 1000)
        return [
            f'{{"T":"{row["ticker"]}","v":{_number(row["volume"])},"o":{_number(row["open"])},'
            f'"c":{_number(row["close"])},"h":{_number(row["high"])},"l":{_number(row["low"])},"t":{stamp}}}'
            for row in self._prices.get(day, [])
        ]

    def splits(self, as_of: datetime | None) -> list[SplitRow]:
        """Splits executed by then."""
        rows = [
            SplitRow(
                row["ticker"],
                date.fromisoformat(row["execution_date"]),
                _number(row["split_from"]),
                _number(row["split_to"]),
            )
            for row in self._rows("splits.csv")
        ]
        known = [row for row in rows if as_of is None or row.execution_date <= as_of.astimezone(UTC).date()]
        return sorted(known, key=lambda row: (row.execution_date, row.ticker))

    def ticker_bars(self, ticker: str, as_of: datetime | None) -> list[BarRow]:
        """Bars of one ticker whose session is over; a session without a full bar is left out."""
        last = date.max if as_of is None else _last_day(as_of, BARS_KNOWN)
        return [
            BarRow(day, (Decimal(opened), Decimal(high), Decimal(low), Decimal(close)), Decimal(volume or 0))
            for day, opened, high, low, close, volume in self._bars_by_ticker.get(ticker, [])
            if day <= last and opened and high and low
        ]

    def tickers(self, as_of: datetime | None) -> list[str]:
        """Every ticker of the demo, whenever it was first traded."""
        return sorted(self._bars_by_ticker)

    def dividends(self, as_of: datetime | None) -> list[dict[str, str]]:
        """Dividends, known long before they go ex."""
        rows = [{**row, "ex_dividend_date": row["ex_date"]} for row in self._rows("dividends.csv")]
        return sorted(rows, key=lambda row: (row["ex_dividend_date"], row["ticker"]))

    def scheme_navs(self, code: str, as_of: datetime | None) -> list[tuple[date, str]]:
        """NAVs of one scheme that are known."""
        last = date.max if as_of is None else _last_day(as_of, NAVS_KNOWN)
        return [(day, nav) for day, nav in zip(*self._navs.get(code, ([], [])), strict=True) if day <= last]

    def rates(self, as_of: datetime | None) -> tuple[str, list[str]] | None:
        """The ECB's history file as it stood."""
        header, lines = self._fx
        last = None if as_of is None else _last_day(as_of, RATES_KNOWN).isoformat()
        return header, [line for line in lines if last is None or line[:10] <= last]

    def recorded_at(self, as_of: datetime | None) -> datetime:
        """The instant asked about: the demo's past was always recorded just then."""
        return as_of or datetime.now(UTC)

    def _by_section(self, lines_of, separator: str) -> Iterator[str]:  # type: ignore[no-untyped-def]
        """Lines of all schemes under the headings of their category and fund house."""
        order = sorted(self._schemes, key=lambda scheme: (scheme.category, scheme.fund_house, scheme.code))
        for (category, house), schemes in groupby(order, key=lambda one: (one.category, one.fund_house)):
            lines = [line for scheme in schemes for line in lines_of(scheme)]
            if lines:
                yield from (separator, category, separator, house, separator, *lines)

    @cached_property
    def _schemes(self) -> list[Scheme]:
        """Schemes, with headings as AMFI words them."""
        return [
            Scheme(
                row["scheme_code"],
                row["isin"] or "-",
                row["scheme_name"],
                row["category"] if "Schemes" in row["category"] else f"Open Ended Schemes({row['category']})",
                row["fund_house"]
                if "mutual fund" in row["fund_house"].lower()
                else f"{row['fund_house']} Mutual Fund",
            )
            for row in self._rows("schemes.csv")
        ]

    @cached_property
    def _navs(self) -> dict[str, tuple[list[date], list[str]]]:
        """Days and NAVs of each scheme, in the order of days."""
        by_scheme: dict[str, list[tuple[date, str]]] = defaultdict(list)
        for row in self._rows("navs.csv"):
            by_scheme[row["scheme_code"]].append((date.fromisoformat(row["nav_date"]), row["nav"]))
        return {
            code: ([day for day, _ in sorted(pairs)], [nav for _, nav in sorted(pairs)])
            for code, pairs in by_scheme.items()
        }

    @cached_property
    def _prices(self) -> dict[date, list[dict[str, str]]]:
        """Rows of each day."""
        by_day: dict[date, list[dict[str, str]]] = defaultdict(list)
        for row in self._rows("prices.csv"):
            by_day[date.fromisoformat(row["session_date"])].append(row)
        return by_day

    @cached_property
    def _bars_by_ticker(self) -> dict[str, list[tuple[date, str, str, str, str, str]]]:
        """Bars of each ticker as their cells, in the order of days."""
        by_ticker: dict[str, list[tuple[date, str, str, str, str, str]]] = defaultdict(list)
        for day, rows in sorted(self._prices.items()):
            for row in rows:
                cells = (row["open"], row["high"], row["low"], row["close"], row["volume"])
                by_ticker[row["ticker"]].append((day, *cells))
        return by_ticker

    @cached_property
    def _fx(self) -> tuple[str, list[str]]:
        """Header and lines of the wide table, newest first."""
        header, *lines = (self.folder / "fx.csv").read_text().splitlines()
        return header, sorted(filter(None, lines), reverse=True)

    def _rows(self, name: str) -> list[dict[str, str]]:
        """Rows of one CSV file; none where it is not there."""
        path = self.folder / name
        if not path.exists():
            return []
        with path.open(newline="") as file:
            return list(csv.DictReader(file))


def _last_day(as_of: datetime, known_from: time) -> date:
    """The last day whose figures are known at an instant."""
    instant = as_of.astimezone(UTC)
    return date.fromordinal(instant.toordinal() - (0 if instant.time() >= known_from else 1))


def _number(text: str) -> str:
    """Number of a CSV cell as JSON writes it."""
    return f"{Decimal(text):f}" if text else "null"
