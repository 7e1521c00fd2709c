"""A book file read line by line: rows that may land, and lines that may not, with the reason."""

import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import cast

from folio.books.formats.transactions import TransactionRow
from folio.books.known import Known, UnknownNameError
from folio.books.recognise import header_of, recognise, text_of
from folio.books.rows import BookRow, RowError


@dataclass(frozen=True)
class Accepted:
    """A row that may land: its line, its cells in the order of the kind's columns, what it introduces."""

    line: int
    values: tuple[object, ...]
    introduces: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Rejected:
    """A line that may not land; the reason names the column, `waits_for` what it could land with."""

    line: int
    reason: str
    content: str
    waits_for: str | None = None


@dataclass(frozen=True)
class Reading:
    """A whole file: `row` is its kind; every line that is not blank is in exactly one of the two lists."""

    row: type[BookRow]
    accepted: tuple[Accepted, ...]
    rejected: tuple[Rejected, ...]

    @property
    def identities(self) -> frozenset[tuple[str, str]]:
        """(kind, source key) of everything that the accepted rows introduce."""
        return frozenset(pair for accepted in self.accepted for pair in accepted.introduces)


def read(payload: bytes, known: Known, *, latest: date | None = None) -> Reading:
    """Read a book file of any kind against what is known; dates of trade after `latest` are refused.

    One record a line. Raises PayloadError where the file as a whole cannot be read: not text, without a
    header, or with one of no known kind. A key that stands twice with different values lands as its first
    line says.
    """
    text = text_of(payload)
    header = header_of(text)
    kind = recognise(header)
    accepted: list[tuple[int, str, BookRow]] = []
    rejected: list[Rejected] = []
    for line, content in _lines(text):
        try:
            row = kind.read(_cells(header, content))
            row.check(known)
            if isinstance(row, TransactionRow) and latest is not None and row.trade_date > latest:
                raise RowError(f"column trade_date: {row.trade_date} lies after the file's own day")
        except (RowError, UnknownNameError) as wrong:
            waits_for = wrong.waits_for if isinstance(wrong, UnknownNameError) else None
            rejected.append(Rejected(line, str(wrong), content, waits_for))
        else:
            accepted.append((line, content, row))
    valued = (
        _transactions(accepted, known) if kind is TransactionRow else [row.values() for _, _, row in accepted]
    )
    kept, repeated = _first_of_each_key(kind, accepted, valued)
    return Reading(kind, tuple(kept), tuple(sorted((*rejected, *repeated), key=lambda r: r.line)))


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Line number and content of every line after the header that is not blank."""
    for line, content in enumerate(text.split("\n"), start=1):
        if line > 1 and content.strip():
            yield line, content.rstrip("\r")


def _cells(header: list[str], content: str) -> dict[str, str]:
    """Non-empty cells of a line by column; RowError where the line does not fit the header."""
    try:
        cells = next(csv.reader([content], strict=True))
    except csv.Error as wrong:
        raise RowError(f"not a CSV line: {wrong}") from None
    if len(cells) != len(header):
        raise RowError(f"{len(cells)} cells, the header has {len(header)} columns")
    return {column: cell.strip() for column, cell in zip(header, cells, strict=True) if cell.strip()}


def _transactions(accepted: list[tuple[int, str, BookRow]], known: Known) -> list[tuple[object, ...]]:
    """Cells of transactions; true twins are numbered from 1, in whatever order their lines stand."""
    booked = [cast(TransactionRow, row).booked(known) for _, _, row in accepted]
    twins: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for place, transaction in enumerate(booked):
        if transaction.row.external_id is None:
            twins[transaction.row.account_key, transaction.natural()].append(place)
    occurrence = [1] * len(booked)
    for places in twins.values():
        if len(places) > 1:
            for number, place in enumerate(sorted(places, key=lambda p: booked[p].rank()), start=1):
                occurrence[place] = number
    return [transaction.values(number) for transaction, number in zip(booked, occurrence, strict=True)]


def _first_of_each_key(
    kind: type[BookRow], accepted: list[tuple[int, str, BookRow]], valued: list[tuple[object, ...]]
) -> tuple[list[Accepted], list[Rejected]]:
    """Rows whose key is new or that say the same again, and lines that contradict an earlier one."""
    places = [kind.columns.index(column) for column in kind.key]
    first: dict[tuple[object, ...], Accepted] = {}
    kept: list[Accepted] = []
    repeated: list[Rejected] = []
    for (line, content, row), values in zip(accepted, valued, strict=True):
        candidate = Accepted(line, values, row.identities())
        earlier = first.setdefault(tuple(values[place] for place in places), candidate)
        if earlier.values == values:
            kept.append(candidate)
        else:
            differing = [c for c, a, b in zip(kind.columns, earlier.values, values, strict=True) if a != b]
            reason = f"column {', '.join(differing)}: contradicts line {earlier.line}, which has the same key"
            repeated.append(Rejected(line, reason, content))
    return kept, repeated
