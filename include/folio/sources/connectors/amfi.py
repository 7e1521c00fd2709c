"""AMFI, the Indian fund industry's association: the daily NAV file and the NAV history report."""

import codecs
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import compress, count
from typing import NamedTuple

from folio.errors import PayloadError
from folio.sources.landing import Batch, Load, Rejected, TextColumns
from folio.sources.payloads import Payload
from folio.sources.session import ProviderSession

NAVALL_PATH = "/spages/NAVAll.txt"
HISTORY_PATH = "/DownloadNAVHistoryReport_Po.aspx"

CODE, NAV, DAY, NAME = "scheme code", "net asset value", "date", "scheme name"
ISIN_GROWTH, ISIN_REINVESTMENT = "isin div payout/isin growth", "isin div reinvestment"
PLAN, OPTION = "plan", "option"

CATEGORY = re.compile(
    r"(?:open|close)d? ended schemes?\s*\(.*\)|interval fund schemes?\s*\(.*\)", re.IGNORECASE
)
FUND_HOUSE = re.compile(r".*\bmutual fund\b.*", re.IGNORECASE)

PLAIN_NAV = re.compile(r"[1-9][0-9]{0,14}\.?[0-9]{0,10}|0\.(?=0*[1-9])[0-9]{1,10}")
"""A positive NAV as nearly every line has it, with at most the ten decimals that raw keeps."""

PLAIN_NAV_OR_NOTHING = re.compile(rf"^((?:{PLAIN_NAV.pattern})$)?.*$", re.MULTILINE)
"""Finds, in NAVs one a line, for each the NAV or an empty text where it is not plain."""

GROUPED_NAV = re.compile(r"[0-9]{1,3}(?:,[0-9]{2,3})+(?:\.[0-9]*)?")
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")
NOT_KNOWN = frozenset({"", "-", "NA", "N.A.", "N.A", "N/A", "#N/A", "B.C.", "BC", "NIL"})
DATE = re.compile(r"([0-9]{1,2})-([A-Za-z]{3})-([0-9]{4})")
MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTHS = {name: number for number, name in enumerate(MONTH_NAMES, start=1)}
ISIN = re.compile(r"IN[A-Z0-9]{9}[0-9]")
TWICE_ENCODED = re.compile("[\u00c2-\u00f4][\u0080-\u00bf]{1,3}")

DAYS_AHEAD = 7
"""Before days off liquid funds publish the NAV of the last of them; a date further ahead is a mistake."""


@dataclass(frozen=True)
class Amfi:
    """Fetches AMFI's files; fetching and parsing are apart, the parsers are functions of this module."""

    http: ProviderSession

    def fetch_navs(self) -> Payload:
        """The NAV file as it stands: the last NAV of every scheme."""
        return self.http.get(NAVALL_PATH)

    def fetch_history(self, first: date, last: date) -> Payload:
        """NAVs dated between two days, both included."""
        return self.http.get(HISTORY_PATH, {"frmdt": f"{first:%d-%b-%Y}", "todt": f"{last:%d-%b-%Y}"})


class NavFile(NamedTuple):
    """A NAV file cut into cells: columns of equal length for the lines that have as many as the header."""

    numbers: list[int]
    columns: Mapping[str, Sequence[str]]
    sections: list[tuple[int, str | None, str | None]]
    rejected: list[Rejected]
    lines: list[str]

    def line(self, number: int) -> str:
        """Text of a line, counted from 1."""
        return _told(self.lines[number - 1])


def parse_navs(body: bytes, load: Load) -> Batch:
    """NAVs of a NAV file or history report, for raw.amfi_navs.

    Columns go by the names in the header, so the layouts of 6 and 8 columns and of the history report are
    all read. A line that is no heading, section or blank becomes a row or is rejected with its reason.

    Raises
    ------
    PayloadError
        The first line is not the header, or no line below it holds a NAV.
    """
    file = cut(body)
    codes, navs, days = file.columns[CODE], file.columns[NAV], file.columns[DAY]
    latest = last_day_allowed(load.observed_at)
    isodates = {text: _isodate(text, latest) or "" for text in set(days)}
    dated = [isodates[text] for text in days]
    plain = PLAIN_NAV_OR_NOTHING.findall("\n".join(navs))  # one call for the column, not one a cell
    numbers = list(map(str, file.numbers))
    columns: tuple[Sequence[str], ...] = (dated, codes, plain, numbers)
    usual = _are_numbers(codes) and len(plain) == len(navs)
    good = (
        [bool(nav and day) for nav, day in zip(plain, dated, strict=True)] if usual else [False] * len(navs)
    )
    if all(good):
        return Batch("amfi_navs", TextColumns(columns), file.rejected)

    rows, rejected = [], list(file.rejected)
    for place in (place for place, is_good in enumerate(good) if not is_good):
        number, code, day = file.numbers[place], codes[place], days[place]
        value, fault = nav_or_fault(navs[place])
        fault = _code_fault(code) or fault or _day_fault(day, latest)
        if value is None or fault:
            rejected.append(Rejected(number, fault or "no NAV", file.line(number)))
        else:
            rows.append((isodates[day], code.strip(), value, numbers[place]))
    rejected.sort(key=lambda one: one.line)
    odd = zip(*rows, strict=True) if rows else [()] * len(columns)
    merged = ([*compress(column, good), *extra] for column, extra in zip(columns, odd, strict=True))
    return Batch("amfi_navs", TextColumns(tuple(merged)), rejected)


def parse_schemes(body: bytes, load: Load) -> Batch:
    """What a NAV file says of its schemes besides their NAV, for raw.amfi_schemes; needs no usable NAV."""
    file = cut(body)
    return Batch("amfi_schemes", _schemes(file), [*file.rejected, *_unnamed(file)])


def _schemes(file: NavFile) -> Iterator[tuple[object, ...]]:
    """Rows of the lines that name a scheme, each with the sections it stands in."""
    blank = [""] * len(file.numbers)
    sections = iter(file.sections)
    upcoming = next(sections, None)
    category: str | None = None
    house: str | None = None
    for number, code, growth, reinvestment, name, plan, option in zip(
        file.numbers,
        file.columns[CODE],
        file.columns.get(ISIN_GROWTH, blank),
        file.columns.get(ISIN_REINVESTMENT, blank),
        file.columns[NAME],
        file.columns.get(PLAN, blank),
        file.columns.get(OPTION, blank),
        strict=True,
    ):
        while upcoming and upcoming[0] < number:
            _, new_category, new_house = upcoming
            category, house = (new_category, None) if new_category else (category, new_house)
            upcoming = next(sections, None)
        if _code_fault(code) or not name.strip():
            continue
        yield (
            int(code),
            clean_isin(growth),
            clean_isin(reinvestment),
            _told(name).strip(),
            _told(plan).strip() or None,
            _told(option).strip() or None,
            category,
            house,
            number,
        )


def _unnamed(file: NavFile) -> list[Rejected]:
    """Lines that name no scheme."""
    return [
        Rejected(number, _code_fault(code) or "no scheme name", file.line(number))
        for number, code, name in zip(file.numbers, file.columns[CODE], file.columns[NAME], strict=True)
        if _code_fault(code) or not name.strip()
    ]


@lru_cache(maxsize=2)  # the schemes and, after a hold, the NAVs are read from the same payload again
def cut(body: bytes) -> NavFile:
    """Cut a NAV file into cells by its header; PayloadError where it has none or no lines below it."""
    # Latin-1 gives each byte one character, which keeps the text small; _told decodes what people read.
    text = body.removeprefix(codecs.BOM_UTF8).decode("latin-1")
    one_kind = text.count("\n") == text.count("\r\n")
    lines = text.split("\r\n") if one_kind else text.replace("\r\n", "\n").split("\n")
    first = next((number for number, line in enumerate(lines, start=1) if line.strip()), 1)
    header = lines[first - 1]
    names = [_header_name(cell) for cell in header.split(";")]
    missing = [name for name in (CODE, NAME, NAV, DAY) if name not in names]
    if missing or len(set(names)) != len(names):
        raise PayloadError(
            f"line {first} is not the header of a NAV file: "
            + (f"no column {', '.join(missing)}" if missing else "a column comes twice")
            + f" in {_told(header[:120])!r}"
        )
    has_cells = [";" in line for line in lines]
    sections, rejected = _sections(lines, has_cells)
    numbers = list(compress(count(1), has_cells))
    rows = list(compress(lines, has_cells))
    width = len(names)
    separators = [line.count(";") for line in rows]
    if separators.count(width - 1) < len(rows) or rows.count(header) > 1:
        fits = [found == width - 1 for found in separators]
        rejected += [
            Rejected(number, f"{found + 1} fields where the header has {width}", _told(lines[number - 1]))
            for number, found in zip(numbers, separators, strict=True)
            if found != width - 1
        ]
        rejected.sort(key=lambda one: one.line)
        # a report may repeat its header
        fits = [
            fit and (row != header or place == 0)
            for place, (fit, row) in enumerate(zip(fits, rows, strict=True))
        ]
        numbers, rows = list(compress(numbers, fits)), list(compress(rows, fits))
    if len(rows) < 2:
        raise PayloadError(f"no line holds a NAV: {len(lines)} lines, {len(rejected)} of them unreadable")
    cells = ";".join(rows[1:]).split(";")  # one call for the file: cells by column are every width-th
    columns = {name: cells[place::width] for place, name in enumerate(names)}
    return NavFile(numbers[1:], columns, sections, rejected, lines)


def _sections(
    lines: Sequence[str], has_cells: Sequence[bool]
) -> tuple[list[tuple[int, str | None, str | None]], list[Rejected]]:
    """Headings as (line, category or None, fund house or None), and lines that are nothing known."""
    sections: list[tuple[int, str | None, str | None]] = []
    rejected: list[Rejected] = []
    for number, line in compress(enumerate(lines, start=1), (not has for has in has_cells)):
        if not line or line.isspace():
            continue
        category, house = _heading(line)
        if category is None and house is None:
            rejected.append(Rejected(number, "neither a NAV nor a section heading", _told(line)))
        else:
            sections.append((number, category, house))
    return sections, rejected


@lru_cache(maxsize=4096)  # some hundred headings, each many times
def _heading(line: str) -> tuple[str | None, str | None]:
    """Category or fund house that a line names."""
    section = _clean(line)
    if CATEGORY.fullmatch(section):
        return section, None
    return None, section if FUND_HOUSE.fullmatch(section) else None


def clean_isin(text: str) -> str | None:
    """ISIN in capitals without blanks; None where the cell says there is none, or holds no Indian ISIN."""
    if text == "-":
        return None
    isin = text.strip().upper()
    return isin if ISIN.fullmatch(isin) else None


def nav_or_fault(text: str) -> tuple[str | None, str | None]:
    """NAV as text for a numeric column, or why it is none."""
    nav = _told(text).strip()
    if GROUPED_NAV.fullmatch(nav):
        nav = nav.replace(",", "")
    if PLAIN_NAV.fullmatch(nav):
        return nav, None
    if nav.replace(" ", "").upper() in NOT_KNOWN:
        return None, f"no NAV: {nav!r}"
    if nav.startswith("#"):
        return None, f"NAV is a spreadsheet's error: {nav!r}"
    if NUMBER.fullmatch(nav):
        if not nav.strip("+-0."):
            return None, f"NAV is zero: {nav!r}"
        if nav.startswith("-"):
            return None, f"NAV is negative: {nav!r}"
        whole, point, decimals = nav.removeprefix("+").partition(".")
        usual = f"{whole.lstrip('0') or '0'}{point}{decimals}"
        if PLAIN_NAV.fullmatch(usual):
            return usual, None
        return None, f"NAV has too many digits: {nav!r}"
    return None, f"NAV is no number: {nav!r}"


def _code_fault(code: str) -> str | None:
    """Why a cell is no scheme code."""
    stripped = code.strip()
    if stripped.isascii() and stripped.isdigit() and len(stripped) <= 9:
        return None
    return f"scheme code is no number: {_told(stripped)!r}"


def _day_fault(text: str, latest: date) -> str | None:
    """Why a cell is no usable NAV date."""
    if _isodate(text, latest) is not None:
        return None
    day = _day(text)
    if day is None:
        return f"date cannot be read: {_told(text).strip()!r}"
    return f"date {day} lies ahead: the file was fetched when {latest} was the last date possible"


def _isodate(text: str, latest: date) -> str | None:
    """NAV date in ISO form; None where it cannot be read or lies too far ahead."""
    day = _day(text)
    return day.isoformat() if day is not None and day <= latest else None


def _day(text: str) -> date | None:
    """Date of text such as 25-Jul-2025."""
    match = DATE.fullmatch(text.strip())
    month = MONTHS.get(match[2].lower()) if match else None
    if match is None or month is None:
        return None
    try:
        return date(int(match[3]), month, int(match[1]))
    except ValueError:
        return None


def last_day_allowed(observed_at: datetime | None) -> date:
    """Latest NAV date that a file fetched at an instant can hold."""
    return ((observed_at or datetime.now(UTC)).astimezone(UTC) + timedelta(days=DAYS_AHEAD)).date()


def _are_numbers(codes: Sequence[str]) -> bool:
    """Whether every cell is a run of digits."""
    digits = "".join(codes)
    return digits.isascii() and digits.isdigit() and "" not in codes


def _header_name(cell: str) -> str:
    """Column name in one spelling: `ISIN Div Payout/ ISIN Growth` comes with and without the blank."""
    return re.sub(r"\s*/\s*", "/", " ".join(cell.split())).lower()


def _clean(text: str) -> str:
    """Text without outer and doubled blanks, and with UTF-8 that was encoded twice put right."""
    text = _told(text)
    if TWICE_ENCODED.search(text):
        text = TWICE_ENCODED.sub(_decode_once_more, text)
    return " ".join(text.split())


def _told(text: str) -> str:
    """Text of bytes that were read as Latin-1 but are UTF-8, or else Windows-1252."""
    if text.isascii():
        return text
    raw = text.encode("latin-1")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def _decode_once_more(match: re.Match[str]) -> str:
    """Character whose UTF-8 bytes were taken for Latin-1."""
    try:
        return match[0].encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return match[0]
