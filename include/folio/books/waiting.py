"""Book rows that named something unknown: they wait as rejected lines and land once the name is known."""

import csv
import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from folio.books.formats.statements import StatementRow
from folio.books.reading import Accepted, Reading, read, read_statements
from folio.books.recognise import FORMATS, header_of, text_of
from folio.books.resolve import known_at
from folio.books.rows import BookRow
from folio.sources import landing, payloads
from folio.sources.landing import Ask, Batch, Load
from folio.sources.payloads import Payload

SOURCE = "books"

WAITING = """
    select loads.load_id, loads.dataset, loads.slot, loads.request, loads.payload_sha256,
           array_agg(waiting.line order by waiting.line), array_agg(waiting.content order by waiting.line)
    from raw.rejected_rows as waiting join raw.loads as loads using (load_id)
    where waiting.waits_for is not null and waiting.landed_by is null
      and loads.source = %(source)s and loads.status = 'loaded' and loads.observed_at <= %(until)s
    group by loads.load_id
    order by array_position(%(order)s, loads.dataset), loads.observed_at, loads.slot
"""


@dataclass(frozen=True)
class WaitingFile:
    """The waiting lines of one loaded book file, with the whole of it."""

    load_id: UUID
    dataset: str
    slot: str
    request: str
    payload: bytes
    lines: frozenset[int]
    contents: Mapping[int, str]

    def body(self, reading: Reading, ready: Sequence[Accepted]) -> bytes:
        """A book file of the lines that are ready; those of an export as rows of Folio's own."""
        if reading.imported is not None:
            return _own(reading.row, ready)
        header = ",".join(header_of(text_of(self.payload)))
        return "\n".join([header, *(self.contents[one.line] for one in ready), ""]).encode()


def _own(kind: type[BookRow], ready: Sequence[Accepted]) -> bytes:
    """Transactions or statements as a book file of Folio's own format, under the same ids."""
    names = tuple(kind.model_fields)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    for one in ready:
        said = dict(zip(kind.columns, one.values, strict=True))
        said["instrument"] = said["instrument_key"]
        writer.writerow([_cell(said[name]) for name in names])
    return out.getvalue().encode()


def _cell(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, date) else "" if value is None else str(value)


def land(
    connection: psycopg.Connection[Any],
    night: str,
    observed_at: datetime,
    parse: landing.Parse,
    *,
    folder: Path,
) -> list[Load]:
    """Land the waiting lines whose names are known by now, as loads of their own; the others go on waiting.

    Such a load counts as observed at `observed_at`: not before the name was known. A line that a later file
    has brought meanwhile is not landed again.

    Parameters
    ----------
    parse : parser of book files, as of files that are dropped.
    folder : the payload store.
    """
    loads = []
    for file in waiting(connection, observed_at, folder):
        known = known_at(connection, observed_at)
        latest = observed_at.date() + timedelta(days=1)
        how = read_statements if file.dataset == StatementRow.dataset else read
        reading = how(file.payload, known, latest=latest, account=account_of(file.slot))
        waited = [accepted for accepted in reading.accepted if accepted.line in file.lines]
        brought = _brought_by_later_files(connection, reading.row, waited)
        connection.rollback()
        for line, load_id in brought.items():
            _settle(connection, file, [line], load_id)
        connection.commit()
        ready = [accepted for accepted in waited if accepted.line not in brought]
        if ready:
            body = file.body(reading, ready)
            loads.append(_land(connection, file, body, ready, night, observed_at, parse, folder))
    return loads


def account_of(slot: str) -> str | None:
    """Key of the account in whose folder the file of a slot lies."""
    return slot.rpartition("@")[0].rpartition("/")[0] or None


def waiting(connection: psycopg.Connection[Any], until: datetime, folder: Path) -> list[WaitingFile]:
    """Book files observed until an instant that have waiting lines, reference kinds first."""
    order = [kind.dataset for kind in FORMATS]
    rows = connection.execute(WAITING, {"source": SOURCE, "until": until, "order": order}).fetchall()
    connection.rollback()
    return [
        WaitingFile(
            load_id,
            dataset,
            slot,
            request,
            payloads.read(folder, sha256),
            frozenset(lines),
            dict(zip(lines, contents, strict=True)),
        )
        for load_id, dataset, slot, request, sha256, lines, contents in rows
    ]


def _land(
    connection: psycopg.Connection[Any],
    file: WaitingFile,
    body: bytes,
    ready: Sequence[Accepted],
    night: str,
    observed_at: datetime,
    parse: landing.Parse,
    folder: Path,
) -> Load:
    """Take in some lines of a file as a book file of their own, and settle them in the same transaction."""
    lines = sorted({accepted.line for accepted in ready})
    numbers = ", ".join(map(str, lines))
    slot = f"{file.slot} +{hashlib.sha256(body).hexdigest()[:12]}"

    def parse_and_settle(payload: bytes, load: Load) -> Batch:
        batch = parse(payload, load)
        return replace(batch, also=_both(batch.also, file, lines))

    return landing.take_in(
        connection,
        Ask(SOURCE, file.dataset, slot, night, f"{file.request}, lines that waited: {numbers}"),
        lambda: Payload(body, observed_at, file.request),
        parse_and_settle,
        folder=folder,
    )


def _both(
    also: Callable[[psycopg.Connection[Any], Load], None] | None, file: WaitingFile, lines: list[int]
) -> Callable[[psycopg.Connection[Any], Load], None]:
    def settle(connection: psycopg.Connection[Any], landed: Load) -> None:
        if also:
            also(connection, landed)
        _settle(connection, file, lines, landed.load_id)

    return settle


def _settle(
    connection: psycopg.Connection[Any], file: WaitingFile, lines: list[int], landed_by: UUID
) -> None:
    """Note on waiting lines the load with which they have landed, in the open transaction."""
    connection.execute(
        "update raw.rejected_rows set landed_by = %s where load_id = %s and line = any(%s)",
        (landed_by, file.load_id, lines),
    )


def _brought_by_later_files(
    connection: psycopg.Connection[Any], kind: type[BookRow], waited: Sequence[Accepted]
) -> dict[int, UUID]:
    """By line the load that already holds a row of the same key."""
    places = [kind.columns.index(column) for column in kind.key]
    query = sql.SQL("select load_id from raw.{} where ({}) = ({}) order by observed_at desc limit 1").format(
        sql.Identifier(kind.table),
        sql.SQL(", ").join(map(sql.Identifier, kind.key)),
        sql.SQL(", ").join([sql.Placeholder()] * len(kind.key)),
    )
    found = {}
    for accepted in waited:
        row = connection.execute(query, [accepted.values[place] for place in places]).fetchone()
        if row:
            found[accepted.line] = row[0]
    return found
