"""Price history files: layouts recognised by their header (or declared, where there is none), read exactly.

A layout is never guessed: a header that is not known is refused, and so is a file whose dates or prices can
be read in two ways. Only bars as they were traded are a price basis for Folio; files of other bases can be
read, for checks and repairs, but are refused where they are to land.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Literal, TypeAlias

from folio.errors import PayloadError
from folio.sources import exact
from folio.sources.landing import Batch, Load, Parse, Rejected

Basis: TypeAlias = Literal["as traded", "restated for splits", "not said"]
Declared: TypeAlias = Literal["lean equity", "lean crypto"]

LEAN_SCALE = {"lean equity": Decimal(10_000), "lean crypto": Decimal(1)}
"""Files of QuantConnect's Lean have no header; its equity prices are integers of a ten-thousandth."""

LEAN_LINE = re.compile(r"\d{8} \d{2}:\d{2},")
NOT_KNOWN = frozenset({"", ".", "nan", "NaN", "null", "inf", "-inf"})
"""Vendors divide by zero, and write down what came of it."""
OHLC = ("open", "high", "low", "close")
EVENTS = ("dividend", "split", "capital gain")
NOT_TAKEN = frozenset({"", "repaired?"})
"""Columns that say nothing of the instrument: the row's number, a note of who wrote the file."""

NAMES = {
    "datetime": "date",
    "adj close": "adjusted close",
    "dividends": "dividend",
    "stock splits": "split",
    "capital gains": "capital gain",
}
"""Spellings of the vendors, as the names used here."""

REFERENCE = {
    ("scheme_code", "date", "nav"): "a NAV history: fund_files.parse_navs reads it",
    ("isin", "nav"): "NAVs without a day",
}
SENTINEL_YEAR = 2050
"""Lean's factor and map files end with a row of the far future."""


@dataclass(frozen=True)
class FileBar:
    """One row: its line, the moment it is of, prices and volume; what the file does not say is None.

    `split` is new shares for one old.
    """

    line: int
    ticker: str | None
    at: datetime
    open: Decimal | None
    high: Decimal | None
    low: Decimal | None
    close: Decimal | None
    adjusted_close: Decimal | None
    volume: Decimal | None
    dividend: Decimal | None
    split: Decimal | None
    capital_gain: Decimal | None


@dataclass(frozen=True)
class PriceFile:
    """A price history: what its prices are, its bars in the order of the file, and the lines not read."""

    basis: Basis
    bars: tuple[FileBar, ...]
    rejected: tuple[Rejected, ...]


@dataclass(frozen=True)
class Factor:
    """Row of a Lean factor file: up to and with the day, prices times both factors are those of today."""

    last_day: date
    price_factor: Decimal
    split_factor: Decimal


@dataclass(frozen=True)
class TickerSpan:
    """Row of a Lean map file: the ticker by which a listing went up to and with a day."""

    last_day: date
    ticker: str
    exchange: str | None


def read(body: bytes, declared: Declared | None = None) -> PriceFile:
    """Read a price history of any known layout.

    Raises
    ------
    PayloadError
        The layout is not known, not declared, holds closes only, or its dates can be read in two ways.
    """
    text = body.decode("utf-8-sig", "replace")
    if LEAN_LINE.match(text):
        if declared is None:
            raise PayloadError("no header: declare the layout, since the scale of the prices is not said")
        return _lean(text, LEAN_SCALE[declared])
    rows = list(csv.reader(io.StringIO(text)))
    header = tuple(cell.strip().lower() for cell in rows[0]) if rows else ()
    names = [NAMES.get(name, name) for name in header]
    if known := REFERENCE.get(header):
        raise PayloadError(f"no bars: {known}")
    if "date" not in names or not set(OHLC) <= set(names):
        if names[:1] == ["date"] and len(names) > 1:
            raise PayloadError("closes only, and whether adjusted is not said: not a price basis Folio takes")
        raise PayloadError(f"not the header of a price file: {','.join(header)[:120]!r}")
    unknown = set(names) - NOT_TAKEN - {"date", "ticker", *OHLC, "adjusted close", "volume", *EVENTS}
    if unknown:
        raise PayloadError(f"columns that no layout has: {', '.join(sorted(unknown))}")
    return _table(names, rows)


def parser(collection: str, ticker: str | None = None, declared: Declared | None = None) -> Parse:
    """Parser of a file's bars for raw.file_daily_bars.

    Parameters
    ----------
    collection : name of where the file came from; a part of the key.
    ticker : whose bars they are, where the file does not say.
    declared : the layout of a file without header.
    """

    def parse(body: bytes, load: Load) -> Batch:
        file = read(body, declared)
        if file.basis != "as traded":
            raise PayloadError(
                f"prices {file.basis}: not a price basis Folio takes, which is prices as traded"
            )
        rows: list[tuple[object, ...]] = []
        rejected = list(file.rejected)
        for bar in file.bars:
            name = bar.ticker or ticker
            if name is None:
                raise PayloadError("the file names no ticker: say whose bars they are")
            try:
                said = {part: getattr(bar, part) for part in OHLC}
                prices = exact.bar_prices(said, OHLC)
                rows.append((bar.at.date(), collection, name, *prices, bar.volume, bar.line))
            except ValueError as fault:
                rejected.append(Rejected(bar.line, str(fault), f"{name} {bar.at:%Y-%m-%d}"))
        return Batch("file_daily_bars", rows, rejected)

    return parse


def read_factors(body: bytes) -> list[Factor]:
    """Rows of a Lean factor file, without its row of the far future; PayloadError where one is unreadable."""
    return [
        Factor(day, exact.positive(cells[0], "price factor"), exact.positive(cells[1], "split factor"))
        for day, cells in _dated_lines(body, "factor", 3)
        if day.year < SENTINEL_YEAR
    ]


def read_tickers(body: bytes) -> list[TickerSpan]:
    """Rows of a Lean map file, the first of which only tells the first day; the last may lie far ahead."""
    return [
        TickerSpan(day, cells[0].upper(), cells[1] if len(cells) > 1 else None)
        for day, cells in _dated_lines(body, "map", 2)
    ]


def _dated_lines(body: bytes, kind: str, least: int) -> Iterator[tuple[date, list[str]]]:
    """Lines of a file that start with a day such as 20140930."""
    for number, cells in enumerate(csv.reader(io.StringIO(body.decode("utf-8-sig", "replace"))), start=1):
        if not cells:
            continue
        try:
            day = datetime.strptime(cells[0], "%Y%m%d").date()  # a day has no zone
        except ValueError:
            raise PayloadError(f"not a {kind} file: line {number} starts with {cells[0][:40]!r}") from None
        if len(cells) < least:
            raise PayloadError(f"not a {kind} file: line {number} has {len(cells)} fields")
        yield day, cells[1:]


def _lean(text: str, scale: Decimal) -> PriceFile:
    """Bars of a Lean file: unadjusted, a line each."""
    bars: list[FileBar] = []
    rejected: list[Rejected] = []
    for line, cells in enumerate(csv.reader(io.StringIO(text)), start=1):
        try:
            at = datetime.strptime(cells[0], "%Y%m%d %H:%M")  # the exchange's own clock
            opened, high, low, close = (exact.price(cell, "price") / scale for cell in cells[1:5])
            volume = exact.volume(cells[5], "volume")
        except (ValueError, IndexError) as fault:
            rejected.append(Rejected(line, f"not a bar of Lean: {fault}", ",".join(cells)))
            continue
        bars.append(FileBar(line, None, at, opened, high, low, close, None, volume, None, None, None))
    return PriceFile("as traded", tuple(bars), tuple(rejected))


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> PriceFile:
    """Bars of a table with a header."""
    read_time = _clock([row[names.index("date")] for row in rows[1:] if len(row) == len(names)])
    bars: list[FileBar] = []
    rejected: list[Rejected] = []
    for line, row in enumerate(rows[1:], start=2):
        try:
            if len(row) != len(names):
                raise ValueError(f"{len(row)} fields where the header has {len(names)}")
            cells = dict(zip(names, row, strict=True))
            numbers = {
                name: _number(cells.get(name), name) for name in (*OHLC, "adjusted close", "volume", *EVENTS)
            }
            bars.append(
                FileBar(
                    line,
                    cells.get("ticker") or None,
                    read_time(cells["date"]),
                    *(numbers[name] for name in (*OHLC, "adjusted close", "volume", *EVENTS)),
                )
            )
        except ValueError as fault:
            rejected.append(Rejected(line, str(fault), ",".join(row)))
    return PriceFile(_basis(names, bars), tuple(bars), tuple(rejected))


def _basis(names: Sequence[str], bars: Sequence[FileBar]) -> Basis:
    """What a table's prices are.

    A ticker table is as traded with the adjusted close beside it; a single table with adjusted closes is a
    download of Yahoo's, restated for splits. Else the splits that the file tells decide: prices that fall
    by a split's ratio on its day are as traded.
    """
    if "adjusted close" in names:
        return "as traded" if "ticker" in names else "restated for splits"
    falls = [
        (float(before.close / bar.close), float(bar.split))
        for before, bar in pairwise(bars)
        if bar.split is not None and bar.split not in (0, 1) and before.close and bar.close
    ]
    if not falls:
        return "not said"
    as_traded = [abs(fall / ratio - 1) < abs(fall - 1) for fall, ratio in falls]
    return "as traded" if all(as_traded) else "not said" if any(as_traded) else "restated for splits"


def _number(cell: str | None, name: str) -> Decimal | None:
    """Number of a cell; None where it holds none."""
    text = (cell or "").strip()
    return None if text in NOT_KNOWN else exact.number(text, name)


def _clock(cells: Sequence[str]) -> Callable[[str], datetime]:
    """How the dates of a file are read; days and months are told apart by a day above 12.

    An offset to UTC is left out: the day is that of the exchange.
    """
    slashed = [tuple(map(int, cell.split("/")[:2])) for cell in cells if re.fullmatch(r"\d+/\d+/\d{4}", cell)]
    if not slashed:
        return lambda cell: datetime.fromisoformat(cell.strip()).replace(tzinfo=None)
    month_first = all(first <= 12 for first, _ in slashed)
    day_first = all(second <= 12 for _, second in slashed)
    if month_first == day_first:
        raise PayloadError("dates that can be read in two ways: no day above 12 tells day and month apart")
    pattern = "%m/%d/%Y" if month_first else "%d/%m/%Y"
    return lambda cell: datetime.strptime(cell.strip(), pattern)  # a day has no zone
