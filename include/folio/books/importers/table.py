"""Delimited files with a header somewhere near the top: where the header is, and the records below it."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from folio.books.importers import cells
from folio.books.rows import RowError

FIRST_LINES = 40
"""How far down a header may stand under a title and the owner's data."""


def decoded(payload: bytes) -> str:
    """The file as text with its lines ended by newlines: UTF-8, else the letters of Western Windows."""
    try:
        text = payload.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = payload.decode("cp1252", errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


@dataclass(frozen=True)
class Record:
    """One record: cells by the header's names in lower case; a name that stands twice gets a number."""

    line: int
    content: str
    cells: Mapping[str, str]
    decimal: str = "."

    def text(self, *names: str) -> str:
        """First cell that is not empty among columns; empty where all are."""
        return next((found for name in names if (found := self.cells.get(name.casefold(), ""))), "")

    def need(self, *names: str) -> str:
        """As `text`, but RowError where all are empty."""
        found = self.text(*names)
        if not found:
            raise RowError(f"column {names[0]}: empty")
        return found

    def money(self, *names: str) -> tuple[Decimal, str | None]:
        """Number, 0 where empty, and the currency that stands with it; RowError where it is none."""
        text = self.text(*names)
        if text in ("", "-", "n/a", "N/A", "Not available"):
            return Decimal(0), None
        try:
            return cells.money(text, self.decimal)
        except ValueError as wrong:
            raise RowError(f"column {names[0]}: {wrong}") from None

    def number(self, *names: str) -> Decimal:
        """Number, 0 where empty; RowError where it is none."""
        return self.money(*names)[0]

    def size(self, *names: str) -> Decimal:
        """Number without its sign."""
        return abs(self.number(*names))

    def day(self, name: str, *patterns: str) -> date:
        """Day in one of some patterns of `strptime`; RowError where it is none."""
        text = self.need(name)
        try:
            return cells.day(text, patterns)
        except ValueError as wrong:
            raise RowError(f"column {name}: {wrong}") from None

    def day_or_none(self, name: str, *patterns: str) -> date | None:
        """As `day`, None where the cell is empty."""
        return self.day(name, *patterns) if self.text(name) else None

    def instant(self, name: str, *patterns: str, zone: str = "UTC") -> datetime:
        """Instant in UTC of a local time in a zone; RowError where it is none."""
        text = self.need(name)
        try:
            return cells.instant(text, patterns or ("iso",), zone)
        except ValueError as wrong:
            raise RowError(f"column {name}: {wrong}") from None

    def isin(self, *names: str) -> str:
        """`isin:` and the ISIN; RowError where it has not the form of one."""
        text = self.need(*names).strip().upper()
        if not cells.is_isin(text):
            raise RowError(f"column {names[0]}: {text!r} is no ISIN")
        return f"isin:{text}"


@dataclass(frozen=True)
class Table:
    """A header, the records below it and the lines above it."""

    header: tuple[str, ...]
    records: tuple[Record, ...]
    preamble: tuple[str, ...]


def header_names(row: Sequence[str]) -> tuple[str, ...]:
    """Names of columns in lower case; one without a name is its neighbour's second, and so on."""
    names: list[str] = []
    for cell in row:
        name = " ".join(cells.mended(cell).split()).casefold() or (names[-1] if names else "")
        number = 2
        unique = name
        while unique in names:
            unique, number = f"{name} {number}", number + 1
        names.append(unique)
    return tuple(names)


def split(text: str, delimiter: str) -> Iterator[tuple[int, int, list[str]]]:
    """First line, last line and cells of every record that is not blank."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    last = 0
    try:
        for row in reader:
            first, last = last + 1, reader.line_num
            if any(cell.strip() for cell in row):
                yield first, last, [cell.strip() for cell in row]
    except csv.Error as wrong:
        raise RowError(f"line {reader.line_num}: {wrong}") from None


def found(text: str, delimiter: str, columns: frozenset[str], decimal: str = ".") -> Table | None:
    """The table below the first row near the top that names all these columns; None where none does."""
    top = "\n".join(text.split("\n")[:FIRST_LINES])
    try:
        header = next(
            (
                (first, names)
                for first, _, row in split(top, delimiter)
                if columns <= set(names := header_names(row))
            ),
            None,
        )
    except RowError:
        return None
    if header is None:
        return None
    start, names = header
    lines = text.split("\n")
    records = []
    for first, last, row in split("\n".join(lines[start:]), delimiter):
        content = "\n".join(lines[start + first - 1 : start + last])
        # A row may lack empty cells at its end; a longer one keeps what the header names.
        padded = [*row, *[""] * (len(names) - len(row))]
        records.append(Record(start + first, content, dict(zip(names, padded, strict=False)), decimal))
    return Table(names, tuple(records), tuple(lines[: start - 1]))
