"""Files of factor returns and risk-free rates, in the layouts declared here; no unit is ever guessed.

A file is read by the one layout whose header it has to the letter. The layout says whether its numbers are
percent or fractions; numbers that can hardly be of that unit are refused rather than divided or not.
"""

import csv
import gzip
import io
import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Literal, TypeAlias

from folio.errors import PayloadError
from folio.sources import exact
from folio.sources.landing import Batch, Load, Rejected

Unit: TypeAlias = Literal["percent", "fraction"]

PER_UNIT: Mapping[Unit, Decimal] = MappingProxyType({"percent": Decimal("0.01"), "fraction": Decimal(1)})
NOT_KNOWN = frozenset({"", ".", "-99.99", "-999"})
"""How the sources write a value that they do not have."""

GZIP = b"\x1f\x8b"
LEAST_TO_JUDGE = 24
"""Numbers of a file from which its unit can be told wrong."""

LEAST_PERCENT, MOST_FRACTION = 0.2, 0.2
"""A typical number below this is hardly per cent, above this hardly a fraction, of a return or a yield."""

YEAR_MONTH = re.compile(r"(\d{4})(\d{2})")


@dataclass(frozen=True)
class FactorLayout:
    """A file of factor returns: its header, its unit, and what its columns are called here."""

    name: str
    header: tuple[str, ...]
    unit: Unit
    frequency: Literal["day", "month"]
    period_end: Callable[[str], date]
    factors: Mapping[str, str]


@dataclass(frozen=True)
class RateLayout:
    """A file of risk-free rates a year: header, unit, currency, and the months of each column's tenor."""

    name: str
    header: tuple[str, ...]
    unit: Unit
    currency: str
    tenors: Mapping[str, int]


Layout: TypeAlias = FactorLayout | RateLayout


def _month_end(first: date) -> date:
    return (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _of_year_month(text: str) -> date:
    """Last day of a month written 192607; ValueError where it is none."""
    match = YEAR_MONTH.fullmatch(text.strip())
    if not match:
        raise ValueError(f"month cannot be read: {text!r}")
    return _month_end(date(int(match[1]), int(match[2]), 1))


def _of_first_day(text: str) -> date:
    """Last day of a month written as its first day; ValueError where it is none."""
    day = date.fromisoformat(text.strip())
    if day.day != 1:
        raise ValueError(f"{day} is not the first day of a month")
    return _month_end(day)


TREASURY_TENORS = MappingProxyType(
    {
        "1month": 1, "3month": 3, "6month": 6, "1year": 12, "2year": 24, "3year": 36, "5year": 60,
        "7year": 84, "10year": 120, "20year": 240, "30year": 360,
    }
)  # fmt: skip

_INDUSTRIES = (
    "NoDur", "Durbl", "Manuf", "Enrgy", "Chems", "BusEq", "Telcm", "Utils", "Shops", "Hlth", "Money", "Other",
)  # fmt: skip
_SORTS = tuple(f"S{size}{by}{rank}" for by in "VM" for size in (1, 3, 5) for rank in (1, 3, 5))

LAYOUTS: tuple[Layout, ...] = (
    FactorLayout(
        "french_3_factors",
        ("Date", "Mkt-RF", "SMB", "HML", "RF"),
        "percent",
        "month",
        _of_year_month,
        MappingProxyType({"Mkt-RF": "market", "SMB": "size", "HML": "value", "RF": "risk_free"}),
    ),
    FactorLayout(
        "french_factors_and_portfolios",
        ("dates", "MktRF", "SMB", "HML", "Mom", "RF", *_INDUSTRIES, *_SORTS),
        "fraction",
        "month",
        _of_first_day,
        MappingProxyType(
            {"MktRF": "market", "SMB": "size", "HML": "value", "Mom": "momentum", "RF": "risk_free"}
        ),
    ),
    RateLayout("us_treasury_curve", ("Time Period", *TREASURY_TENORS), "fraction", "USD", TREASURY_TENORS),
    RateLayout("us_fed_discount", ("DATE", "PCREDIT8"), "percent", "USD", MappingProxyType({"PCREDIT8": 0})),
)


def layout_of(body: bytes) -> Layout:
    """Layout whose header a file has; PayloadError where there is none."""
    header = tuple(next(csv.reader(io.StringIO(_text(body))), []))
    for layout in LAYOUTS:
        if header == layout.header:
            return layout
    known = "; ".join(f"{layout.name}: {','.join(layout.header)}"[:80] for layout in LAYOUTS)
    raise PayloadError(f"line 1 is the header of no declared layout ({known}): {','.join(header)[:120]!r}")


def parse_factors(body: bytes, load: Load) -> Batch:
    """Factor returns as fractions, for raw.factor_returns."""
    layout = layout_of(body)
    if not isinstance(layout, FactorLayout):
        raise PayloadError(f"a file of {layout.name} holds rates, not returns of factors")
    rows, rejected = [], []
    for line, key, cells in _lines(body, layout):
        try:
            _check_whole(cells)
            end = layout.period_end(key)
            for column, factor in layout.factors.items():
                if (text := cells[column].strip()) not in NOT_KNOWN:
                    value = exact.number(text, column) * PER_UNIT[layout.unit]
                    rows.append((end, layout.name, layout.frequency, factor, value, line))
        except ValueError as fault:
            rejected.append(Rejected(line, str(fault), ",".join([key, *cells.values()])))
    _judge_unit(layout, [abs(row[4]) for row in rows if row[3] == "market"])
    return Batch("factor_returns", rows, rejected)


def parse_rates(body: bytes, load: Load) -> Batch:
    """Rates as fractions a year, for raw.risk_free_rates."""
    layout = layout_of(body)
    if not isinstance(layout, RateLayout):
        raise PayloadError(f"a file of {layout.name} holds returns of factors, not rates")
    rows, rejected = [], []
    for line, key, cells in _lines(body, layout):
        try:
            _check_whole(cells)
            day = date.fromisoformat(key.strip()[:10])
            for column, months in layout.tenors.items():
                if (text := cells[column].strip()) not in NOT_KNOWN:
                    rate = exact.number(text, column) * PER_UNIT[layout.unit]
                    rows.append((day, layout.currency, layout.name, months, rate, line))
        except ValueError as fault:
            rejected.append(Rejected(line, str(fault), ",".join([key, *cells.values()])))
    _judge_unit(layout, [abs(row[4]) for row in rows])
    return Batch("risk_free_rates", rows, rejected)


def _judge_unit(layout: Layout, values: Sequence[Decimal]) -> None:
    """Refuse a file whose numbers can hardly be of the unit that its layout declares.

    A market's typical month and a typical yield are some per cent: in a file of the other unit the median
    is a hundred times off.
    """
    if len(values) < LEAST_TO_JUDGE:
        return
    typical = float(statistics.median(values) / PER_UNIT[layout.unit])
    if layout.unit == "percent" and typical < LEAST_PERCENT:
        raise PayloadError(f"{layout.name} is declared in percent, but a typical number is {typical:g}")
    if layout.unit == "fraction" and typical > MOST_FRACTION:
        raise PayloadError(f"{layout.name} is declared in fractions, but a typical number is {typical:g}")


def _lines(body: bytes, layout: Layout) -> list[tuple[int, str, dict[str, str]]]:
    """Line number, first cell and the others by column, of each line below the header.

    A line with too few or too many cells has none.
    """
    reader = csv.reader(io.StringIO(_text(body)))
    next(reader)
    found = []
    for cells in reader:
        if any(cell.strip() for cell in cells):
            fits = len(cells) == len(layout.header)
            named = dict(zip(layout.header[1:], cells[1:], strict=True)) if fits else {}
            found.append((reader.line_num, cells[0], named))
    if not found:
        raise PayloadError("no line stands below the header")
    return found


def _check_whole(cells: Mapping[str, str]) -> None:
    """Raise ValueError where a line has no cells by column."""
    if not cells:
        raise ValueError("not as many cells as the header has")


def _text(body: bytes) -> str:
    """Text of a file, unpacked where it is gzipped."""
    try:
        return (gzip.decompress(body) if body.startswith(GZIP) else body).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as fault:
        raise PayloadError(f"the file cannot be read as text: {fault}") from None
