"""Book rows that named something unknown: they wait as rejected lines and land once the name is known."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from folio.books.reading import Reading, read
from folio.books.recognise import FORMATS, header_of, text_of
from folio.books.resolve import known_at
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
    """The waiting lines of one loaded book file, with its header."""

    load_id: UUID
    dataset: str
    slot: str
    request: str
    header: str
    lines: tuple[int, ...]
    contents: tuple[str, ...]

    def body(self, places: list[int]) -> bytes:
        """A book file of the header and some of the waiting lines, by their places."""
        return "\n".join([self.header, *(self.contents[place] for place in places), ""]).encode()


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
        every = list(range(len(file.lines)))
        reading = read(file.body(every), known, latest=observed_at.date() + timedelta(days=1))
        ready = [accepted.line - 2 for accepted in reading.accepted]  # the header is line 1
        brought = _brought_by_later_files(connection, reading)
        connection.rollback()
        for place, load_id in brought.items():
            _settle(connection, file, [place], load_id)
        connection.commit()
        places = [place for place in ready if place not in brought]
        if places:
            loads.append(_land(connection, file, places, night, observed_at, parse, folder))
    return loads


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
            ",".join(header_of(text_of(payloads.read(folder, sha256)))),
            tuple(lines),
            tuple(contents),
        )
        for load_id, dataset, slot, request, sha256, lines, contents in rows
    ]


def _land(
    connection: psycopg.Connection[Any],
    file: WaitingFile,
    places: list[int],
    night: str,
    observed_at: datetime,
    parse: landing.Parse,
    folder: Path,
) -> Load:
    """Take in some lines of a file as a book file of their own, and settle them in the same transaction."""
    body = file.body(places)
    numbers = ", ".join(str(file.lines[place]) for place in places)
    slot = f"{file.slot} +{hashlib.sha256(body).hexdigest()[:12]}"

    def parse_and_settle(payload: bytes, load: Load) -> Batch:
        batch = parse(payload, load)
        return replace(batch, also=_both(batch.also, file, places))

    return landing.take_in(
        connection,
        Ask(SOURCE, file.dataset, slot, night, f"{file.request}, lines that waited: {numbers}"),
        lambda: Payload(body, observed_at, file.request),
        parse_and_settle,
        folder=folder,
    )


def _both(
    also: Callable[[psycopg.Connection[Any], Load], None] | None, file: WaitingFile, places: list[int]
) -> Callable[[psycopg.Connection[Any], Load], None]:
    def settle(connection: psycopg.Connection[Any], landed: Load) -> None:
        if also:
            also(connection, landed)
        _settle(connection, file, places, landed.load_id)

    return settle


def _settle(
    connection: psycopg.Connection[Any], file: WaitingFile, places: list[int], landed_by: UUID
) -> None:
    """Note on waiting lines the load with which they have landed, in the open transaction."""
    connection.execute(
        "update raw.rejected_rows set landed_by = %s where load_id = %s and line = any(%s)",
        (landed_by, file.load_id, [file.lines[place] for place in places]),
    )


def _brought_by_later_files(connection: psycopg.Connection[Any], reading: Reading) -> dict[int, UUID]:
    """By place the load that already holds a row of the same key."""
    kind = reading.row
    places = [kind.columns.index(column) for column in kind.key]
    query = sql.SQL("select load_id from raw.{} where ({}) = ({}) order by observed_at desc limit 1").format(
        sql.Identifier(kind.table),
        sql.SQL(", ").join(map(sql.Identifier, kind.key)),
        sql.SQL(", ").join([sql.Placeholder()] * len(kind.key)),
    )
    found = {}
    for accepted in reading.accepted:
        row = connection.execute(query, [accepted.values[place] for place in places]).fetchone()
        if row:
            found[accepted.line - 2] = row[0]
    return found
