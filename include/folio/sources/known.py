"""What was known of a key at an instant: the versions in raw, with where each came from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from folio.errors import LoadError
from folio.sources.tables import TABLES, RawTable

DATED = ("date", "timestamp with time zone")
"""Types of key columns that say which day or moment a row is about, not which thing."""


@dataclass(frozen=True)
class KnownVersion:
    """One version of a row of raw, as it was known: what it is about, what it says, and its origin.

    `replaced` counts the versions of the same row that were known before it.
    """

    table: str
    key: dict[str, Any]
    values: dict[str, Any]
    observed_at: datetime
    known_basis: str
    load_id: UUID
    source: str
    slot: str
    line: int
    replaced: int


def known_versions(
    connection: psycopg.Connection[Any],
    at: datetime,
    source: str,
    key: str,
    *,
    day: date | None = None,
    limit: int = 10,
) -> list[KnownVersion]:
    """Versions known at an instant of what a source calls by `key`, table by table, the newest days first.

    Parameters
    ----------
    key : the source's own name, such as a scheme code or ticker; parts of a longer one joined by `/`.
    day : only rows about this day.
    limit : most rows of each table.

    Raises
    ------
    LoadError
        No load of that source has landed.
    """
    tables = connection.execute(
        "select distinct raw_table from raw.loads where source = %s and rows_seen > 0 order by 1", (source,)
    ).fetchall()
    if not tables:
        sources = connection.execute(
            "select distinct source from raw.loads where rows_seen > 0 order by 1"
        ).fetchall()
        there = ", ".join(name for (name,) in sources) or "nothing yet"
        raise LoadError(f"nothing of {source!r} has landed; there is {there}")
    found: list[KnownVersion] = []
    for (name,) in tables:
        if name in TABLES:
            found += _of_table(connection, TABLES[name], at, key.split("/"), day, limit)
    return found


def _of_table(
    connection: psycopg.Connection[Any],
    table: RawTable,
    at: datetime,
    parts: Sequence[str],
    day: date | None,
    limit: int,
) -> list[KnownVersion]:
    """Versions known in one table; none where the key does not fit its columns."""
    kinds = dict(
        connection.execute(
            "select attname::text, format_type(atttypid, null) from pg_attribute"
            " where attrelid = %s::regclass and attnum > 0 and not attisdropped",
            (f"raw.{table.name}",),
        ).fetchall()
    )
    named = [column for column in table.key if kinds[column] not in DATED]
    moments = [column for column in table.key if kinds[column] in DATED]
    if len(parts) > len(named) or (day is not None and not moments):
        return []
    conditions = [
        sql.SQL("v.{} = {}::{}").format(sql.Identifier(column), sql.Literal(part), sql.SQL(kinds[column]))
        for column, part in zip(named, parts, strict=False)
    ]
    if day is not None:
        conditions.append(sql.SQL("v.{}::date = {}").format(sql.Identifier(moments[0]), sql.Literal(day)))
    columns = sql.SQL(", ").join(sql.Identifier("v", column) for column in table.columns)
    keys = sql.SQL(", ").join(sql.Identifier("v", column) for column in table.key)
    newest = sql.SQL(", ").join(
        sql.SQL("{} desc").format(sql.Identifier("k", column)) for column in [*moments, *named]
    )
    query = sql.SQL(
        """
        select k.*, l.source, l.slot from (
            select distinct on ({keys}) {columns}, v.observed_at, v.known_basis, v.load_id, v.line,
                count(*) over (partition by {keys}) - 1 as replaced
            from {table} as v
            where {conditions} and v.observed_at <= %s
            order by {keys}, v.observed_at desc, v.load_id desc
        ) as k
        inner join raw.loads as l using (load_id)
        order by {newest}
        limit %s
        """
    ).format(
        keys=keys,
        columns=columns,
        table=sql.Identifier("raw", table.name),
        conditions=sql.SQL(" and ").join(conditions),
        newest=newest,
    )
    try:
        with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
            rows = cursor.execute(query, (at, limit)).fetchall()
    except psycopg.DataError:
        return []  # such as letters where this table's key is a number
    return [
        KnownVersion(
            table=table.name,
            key={column: row[column] for column in table.key},
            values={column: row[column] for column in table.values},
            **{
                name: row[name]
                for name in (
                    "observed_at", "known_basis", "load_id", "source", "slot", "line", "replaced",
                )
            },
        )
        for row in rows
    ]  # fmt: skip
