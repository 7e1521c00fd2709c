"""A book file read record by record: rows that may land, and lines that may not, with the reason."""

import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import cast

from folio.books.formats.statements import StatementRow
from folio.books.formats.transactions import TransactionRow
from folio.books.importers.events import Event, Imported, identified
from folio.books.known import Known, UnknownNameError
from folio.books.recognise import header_of, kind_of, text_of
from folio.books.rows import BookRow, RowError
from folio.errors import PayloadError


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
    """A whole file: `row` is its kind; every line that is not blank is in exactly one of the two lists.

    Of an export, `imported` is what its importer made of it; lines that book nothing are listed only there,
    and a record of several events is accepted or rejected whole.
    """

    row: type[BookRow]
    accepted: tuple[Accepted, ...]
    rejected: tuple[Rejected, ...]
    imported: Imported | None = None

    @property
    def identities(self) -> frozenset[tuple[str, str]]:
        """(kind, source key) of everything that the accepted rows introduce."""
        return frozenset(pair for accepted in self.accepted for pair in accepted.introduces)


def read(
    payload: bytes,
    known: Known,
    *,
    latest: date | None = None,
    account: str | None = None,
    imported: Imported | None = None,
) -> Reading:
    """Read a book file of any kind against what is known; dates of trade after `latest` are refused.

    One record a line. Raises PayloadError where the file as a whole cannot be read: of no known kind, or an
    export that neither names its account nor comes with one. A key that stands twice with different values
    lands as its first line says.

    Parameters
    ----------
    account : key of the account that an export is of, as its folder says; a name that the export itself has
        for an account counts instead where that is an account's key.
    """
    kind = kind_of(payload)
    if not isinstance(kind, type):
        return _imported(kind.read(payload), known, latest, account)
    text = text_of(payload)
    header = header_of(text)
    accepted: list[tuple[int, str, BookRow]] = []
    rejected: list[Rejected] = []
    for line, content in _lines(text):
        try:
            row = kind.read(_cells(header, content))
            row.check(known)
            _check_day(row, latest)
        except (RowError, UnknownNameError) as wrong:
            rejected.append(Rejected(line, str(wrong), content, _waits_for(wrong)))
        else:
            accepted.append((line, content, row))
    valued = (
        _transactions(accepted, known)
        if kind is TransactionRow
        else [row.values_by(known) for _, _, row in accepted]
    )
    kept, repeated = _first_of_each_key(kind, accepted, valued)
    return Reading(kind, tuple(kept), tuple(sorted((*rejected, *repeated), key=lambda r: r.line)))


def read_statements(
    payload: bytes, known: Known, *, latest: date | None = None, account: str | None = None
) -> Reading:
    """Read the balances that a file states, as `read` does its rows; lines count the file's balances.

    A file of Folio's own statements is read as it is. Raises PayloadError as `read`.
    """
    kind = kind_of(payload)
    if isinstance(kind, type):
        return read(payload, known, latest=latest, account=account)
    imported = kind.read(payload)
    several = len(imported.accounts()) > 1
    rejected = [Rejected(one.line, one.reason, one.content) for one in imported.unstated]
    accepted: list[tuple[int, str, BookRow]] = []
    for statement in imported.statements:
        content = f"{statement.units:f} of {statement.title or statement.instrument} on {statement.day}"
        try:
            row = statement.row(_account_of(statement.account, known, account, several))
            row.check(known)
        except (RowError, UnknownNameError) as wrong:
            rejected.append(Rejected(statement.line, str(wrong), content, _waits_for(wrong)))
        else:
            accepted.append((statement.line, content, row))
    kept, repeated = _first_of_each_key(
        StatementRow, accepted, [row.values_by(known) for _, _, row in accepted]
    )
    every = sorted((*rejected, *repeated), key=lambda r: r.line)
    return Reading(StatementRow, tuple(kept), tuple(every), imported)


def _check_day(row: BookRow, latest: date | None) -> None:
    if isinstance(row, TransactionRow) and latest is not None and row.trade_date > latest:
        raise RowError(f"column trade_date: {row.trade_date} lies after the file's own day")


def _waits_for(wrong: RowError | UnknownNameError) -> str | None:
    return wrong.waits_for if isinstance(wrong, UnknownNameError) else None


def _imported(imported: Imported, known: Known, latest: date | None, account: str | None) -> Reading:
    """Transactions of an export, each record whole; what the importer refused stays so."""
    rejected = [Rejected(one.line, one.reason, one.content) for one in imported.refused]
    accepted: list[tuple[int, str, BookRow]] = []
    several = len(imported.accounts()) > 1
    for record, named in identified(imported):
        try:
            rows = [
                _row(event, row, name, known, account, several)
                for (event, name), row in zip(named, record.rows, strict=True)
            ]
            for (event, _), row in zip(named, rows, strict=True):
                _check_day(row, latest)
                _check_named(event, row, known)
        except (RowError, UnknownNameError) as wrong:
            rejected.append(Rejected(record.line, str(wrong), record.content, _waits_for(wrong)))
        else:
            accepted += [(record.line, record.content, row) for row in rows]
    kept, repeated = _first_of_each_key(TransactionRow, accepted, _transactions(accepted, known))
    lines = {one.line for one in repeated}
    whole = tuple(one for one in kept if one.line not in lines)
    every = sorted((*rejected, *{one.line: one for one in repeated}.values()), key=lambda r: r.line)
    return Reading(TransactionRow, whole, tuple(every), imported)


def _row(
    event: Event, row: TransactionRow, external_id: str, known: Known, account: str | None, several: bool
) -> TransactionRow:
    key = _account_of(event.account, known, account, several)
    account_currency = known.account_currency(key)
    return row.named(key, external_id, event.currency or account_currency)


def _account_of(said: str | None, known: Known, account: str | None, several: bool) -> str:
    """Key of an account: the source's own name `said` for it where that is a key, else the folder's.

    A file of several accounts is never booked to one: those that are no keys wait for their accounts file.
    """
    if said is not None and (said in known.accounts or several):
        return said
    if account is not None:
        return account
    if said is not None:
        return said
    raise PayloadError(
        "says no account: put it into a folder of the drop folder that is named by the account's key"
    )


def _check_named(event: Event, row: TransactionRow, known: Known) -> None:
    """As the row checks itself; an unknown instrument is said with the words that the source has for it."""
    try:
        row.check(known)
    except UnknownNameError as wrong:
        if event.title and (wrong.waits_for or "").startswith("instrument "):
            raise UnknownNameError(f"{wrong} (the source calls it {event.title})", wrong.waits_for) from None
        raise


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
