"""Exports that give no ids and say an earlier event differently: the earlier one is taken back."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

import psycopg
from psycopg import sql

from folio.books.formats.transactions import TransactionRow
from folio.books.importers.events import identified
from folio.books.reading import Reading

KNOWN = sql.SQL(
    """
    select * from (
        select distinct on (transaction_key) {columns}
        from raw.book_transactions
        where account_key = any(%(accounts)s) and starts_with(external_id, %(format)s)
            and observed_at <= %(until)s
        order by transaction_key, observed_at desc, load_id desc
    ) as latest
    where trade_date between %(first)s and %(last)s and status = 'settled'
    """
).format(columns=sql.SQL(", ").join(map(sql.Identifier, TransactionRow.columns)))

Row = Sequence[Any]


def taken_back(
    connection: psycopg.Connection[Any], reading: Reading, observed_at: datetime
) -> Iterator[tuple[object, ...]]:
    """Rows, each with a line, that set earlier events of an export's accounts to status reversed.

    An earlier event is taken back where the export covers its day, no longer has it, and has another, new one
    of its account, kind and instrument on that day: its correction. An event that is merely missing stays, as
    an export may be of a part. Reads in the open transaction.
    """
    if reading.imported is None or not reading.accepted:
        return
    said = {name for _, named in identified(reading.imported) for _, name in named}
    rows = [(accepted.values, accepted.line) for accepted in reading.accepted]
    days = [_field(values, "trade_date") for values, _ in rows]
    known = connection.execute(
        KNOWN,
        {
            "accounts": sorted({_field(values, "account_key") for values, _ in rows}),
            "format": f"{reading.imported.format}#",
            "until": observed_at,
            "first": min(days),
            "last": max(days),
        },
    ).fetchall()
    before = {_field(row, "external_id") for row in known}
    covered = _covered(days, known, said)
    fresh = {
        _of(values): line for values, line in rows if _field(values, "external_id") not in before
    }  # a line that may stand for the correction
    status = TransactionRow.columns.index("status")
    for row in known:
        line = fresh.get(_of(row))
        gone = _field(row, "external_id") not in said
        if gone and line is not None and _field(row, "trade_date") in covered:
            yield (*row[:status], "reversed", *row[status + 1 :], line)


def _covered(days: Sequence[date], known: Sequence[Row], said: set[str]) -> frozenset[date]:
    """Days of which the export has all: those between its first and last, and these where they look whole.

    An export may begin or end within a day. Such a day is whole where the export has at least as many events
    of it as were known, and some of those.
    """
    now = Counter(days)
    then = Counter(_field(row, "trade_date") for row in known)
    shared = {_field(row, "trade_date") for row in known if _field(row, "external_id") in said}
    first, last = min(days), max(days)
    return frozenset(
        day
        for day in then
        if first < day < last or (day in (first, last) and now[day] >= then[day] and day in shared)
    )


def _of(values: Row) -> tuple[object, ...]:
    """What an event and its correction have in common."""
    return tuple(_field(values, name) for name in ("account_key", "kind", "instrument_key", "trade_date"))


def _field(values: Row, name: str) -> Any:
    return values[TransactionRow.columns.index(name)]
