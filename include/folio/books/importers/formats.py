"""Formats of exports: how each is recognised by its content, and the one function that reads it."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, partial
from typing import ClassVar, Protocol
from xml.etree import ElementTree

from folio.books.importers import table
from folio.books.importers.events import Event, Imported, gathered
from folio.books.importers.table import Record, Table
from folio.books.rows import RowError
from folio.errors import PayloadError

_TOP = 1 << 16
"""Bytes in which the header of a delimited file stands."""


class Sample:
    """A file as formats look at it to recognise it; each way of reading it is tried once."""

    def __init__(self, payload: bytes) -> None:
        top = payload[: payload.rfind(b"\n", 0, _TOP) + 1] if len(payload) > _TOP else payload
        self.payload = payload
        self._lines = table.decoded(top).split("\n")[: table.FIRST_LINES]
        self._rows: dict[str, list[frozenset[str]]] = {}

    @cached_property
    def json(self) -> object:
        """Value of the file where it is JSON."""
        return json_of(self.payload)

    @cached_property
    def xml(self) -> ElementTree.Element | None:
        """Root of the file where it is XML."""
        return xml_of(self.payload)

    def rows(self, delimiter: str) -> list[frozenset[str]]:
        """Names that each of the first lines would have as a header."""
        if delimiter not in self._rows:
            self._rows[delimiter] = [
                frozenset(table.header_names(row))
                for line in self._lines
                if delimiter in line
                for row in _cells(line, delimiter)
            ]
        return self._rows[delimiter]


def _cells(line: str, delimiter: str) -> list[list[str]]:
    """Cells of a line; none where it is blank or no line of CSV."""
    try:
        return [row for _, _, row in table.split(line, delimiter)][:1]
    except RowError:
        return []


class Format(Protocol):
    """A kind of export that Folio reads."""

    @property
    def name(self) -> str:
        """Name in lower case, which instruments known only there carry."""

    @property
    def title(self) -> str:
        """What a reader calls it."""

    @property
    def states_balances(self) -> bool:
        """Whether its files may say what an account held, beside or instead of its events."""

    def nearness(self, sample: Sample) -> float:
        """Share of what marks the format that the file has: 1 where it is of this format."""

    def read(self, payload: bytes) -> Imported:
        """Read a file of this format."""


Groups = Iterable[Sequence[Record]]


def each_alone(records: Sequence[Record]) -> Groups:
    """Every record an event of its own."""
    return ([record] for record in records)


@dataclass(frozen=True)
class Delimited:
    """A delimited file, told by columns of its header, whose records are booked one by one or in groups.

    `book` gives the events of one group; it raises RowError to refuse them and PassedOver where there are
    none to book. `group` says which records tell of one event together.
    """

    name: str
    title: str
    columns: frozenset[str]
    book: Callable[[Sequence[Record]], Iterator[Event]]
    delimiters: str = ","
    decimal: str = "."
    group: Callable[[Sequence[Record]], Groups] = each_alone
    unless: frozenset[str] = frozenset()
    prepare: Callable[[Table], Sequence[Record]] = lambda found: found.records
    states_balances: ClassVar[bool] = False

    def nearness(self, sample: Sample) -> float:
        """Share of its columns that one row near the top has."""
        return max(
            (
                len(self.columns & names) / len(self.columns)
                for delimiter in self.delimiters
                for names in sample.rows(delimiter)
                if not (self.columns <= names and self.unless & names)
            ),
            default=0.0,
        )

    def read(self, payload: bytes) -> Imported:
        """Read a file of this format."""
        text = table.decoded(payload)
        for delimiter in self.delimiters:
            found = table.found(text, delimiter, self.columns, self.decimal)
            if found is not None:
                return gathered(self.name, self._groups(found))
        raise AssertionError("asked to read a file that is not of this format")

    def _groups(self, found: Table) -> Iterator[tuple[int, str, Callable[[], Iterator[Event]]]]:
        for records in self.group(self.prepare(found)):
            content = "\n".join(record.content for record in records)
            yield records[0].line, content, partial(self.book, records)


def no_events(records: Sequence[Record]) -> Iterator[Event]:
    """Events of a format that is known to hold none."""
    return iter(())


def refusing(what: str) -> Callable[[Table], Sequence[Record]]:
    """Refusal of a file of a format that holds something else than events of an account."""

    def refuse(found: Table) -> Sequence[Record]:
        raise PayloadError(f"holds {what}: no transactions")

    return refuse


def one(book: Callable[[Record], Iterator[Event]]) -> Callable[[Sequence[Record]], Iterator[Event]]:
    """A function of one record as one of a group of one."""

    def of_group(records: Sequence[Record]) -> Iterator[Event]:
        (record,) = records
        return book(record)

    return of_group


def columns(text: str) -> frozenset[str]:
    """Names of columns, parted by `|`, as `header_names` gives them."""
    return frozenset(name.strip().casefold() for name in text.split("|"))


def json_of(payload: bytes) -> object:
    """Value of a JSON file with its numbers as they stand, as Decimal; None where it is no JSON."""
    text = payload.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text[:1] not in (b"{", b"["):
        return None
    try:
        return json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError):  # the second: nested deeper than Python reads
        return None


def xml_of(payload: bytes) -> ElementTree.Element | None:
    """Root of an XML file; None where it is no XML, or declares entities, which no export needs."""
    text = payload.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not text.startswith(b"<") or b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        return None
    try:
        return ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return None
