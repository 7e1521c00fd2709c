"""The warehouse: the only module that opens connections to Folio's PostgreSQL database for the pipeline."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, LiteralString
from urllib.parse import quote

import numpy as np
import numpy.typing as npt
import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from yoyo import get_backend, read_migrations

from folio.errors import SettingsError
from folio.settings import Settings, settings
from folio.store import postgres

MIGRATIONS = Path(__file__).parent / "migrations"
MINIMUM_VERSION = 170000  # MERGE ... WHEN NOT MATCHED BY SOURCE

BLOCK_LINES = 20_000

FIXED_WIDTH: Mapping[str, str] = MappingProxyType({"uuid": "V16", "date": ">i4", "float8": ">f8"})
"""Types whose values all have one width in binary, with that of the array."""

EPOCH = np.datetime64("2000-01-01", "D")
"""Day 0 of a date in binary."""


@dataclass(frozen=True)
class CopyText:
    """Rows ready for COPY: cells in text joined by tabs, null as backslash N, no newline at the end."""

    lines: Iterable[str]


def url(current: Settings | None = None) -> str:
    """Connection URI of the owner role on Folio's database: configured, else the embedded server."""
    return postgres.folio_dsn(current or settings())


def connect(dsn: str | None = None) -> psycopg.Connection[tuple[Any, ...]]:
    """Connection of the owner role, in UTC; used with `with` it commits or rolls back."""
    connection = psycopg.connect(
        dsn or url(),
        application_name="folio",
        options="-c timezone=UTC -c client_min_messages=warning",
    )
    if connection.info.server_version < MINIMUM_VERSION:
        connection.close()
        raise SettingsError(
            f"PostgreSQL {connection.info.server_version // 10000} is too old: Folio needs 17 or newer. "
            "Point FOLIO_DSN at such a server, or unset it to use the embedded one."
        )
    return connection


def migrate(dsn: str | None = None) -> None:
    """Bring the database's schema up to date by applying the numbered migrations it lacks, each once."""
    backend = get_backend(_migration_uri(conninfo_to_dict(dsn or url())))
    try:
        migrations = read_migrations(str(MIGRATIONS))
        with backend.lock():
            backend.apply_migrations(backend.to_apply(migrations))
    finally:
        backend.connection.close()


def replace(
    connection: psycopg.Connection[Any],
    relation: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]] | CopyText,
    *,
    where: str = "true",
    parameters: Sequence[Any] = (),
) -> int:
    """Put `rows` in the place of those that `where` names, in the open transaction.

    Parameters
    ----------
    relation : "schema.table", from code and never from data.
    columns : names of the values in each row, in their order.
    where : SQL condition of the rows that go, with %s for each of `parameters`; without one all go, at
        once, and the table is locked until the transaction ends.

    Returns
    -------
    int
        Rows written.
    """
    schema, table = relation.split(".")
    target = sql.Identifier(schema, table)
    written = 0
    with connection.cursor() as cursor:
        if where == "true":
            cursor.execute(sql.SQL("truncate {}").format(target))
        else:
            cursor.execute(sql.SQL("delete from {} where " + where).format(target), parameters)
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        with cursor.copy(sql.SQL("copy {} ({}) from stdin").format(target, names)) as copy:
            if isinstance(rows, CopyText):
                for block in _blocks(rows.lines):
                    copy.write("\n".join(block) + "\n")
                    written += len(block)
            else:
                for row in rows:
                    copy.write_row(row)
                    written += 1
    return written


def read_arrays(
    connection: psycopg.Connection[Any], query: LiteralString, types: Sequence[str]
) -> tuple[npt.NDArray[Any], ...]:
    """Columns of a query as arrays, without a Python object a value: for hundreds of thousands of rows.

    Parameters
    ----------
    query : without parameters; none of its values may be null (write `'NaN'` for a missing float8).
    types : one of FIXED_WIDTH for each column, as the query gives it.

    Returns
    -------
    tuple of ndarray, each of shape (n_rows,)
        uuid as 16 bytes (dtype V16), date as datetime64[D], float8 as float64.

    Raises
    ------
    ValueError
        A value is null or not as wide as its type.
    """
    fields = [("columns", ">i4")]
    for place, name in enumerate(types):
        fields += [(f"type_{place}", ">u4"), (f"width_{place}", ">i4"), (f"value_{place}", FIXED_WIDTH[name])]
    record = np.dtype(fields)
    # A message for each of millions of rows costs more than the rows: the server puts many into one.
    with connection.cursor(binary=True) as cursor:
        blocks = cursor.execute(
            f"""
            select string_agg(cells, ''::bytea order by place)
            from (
                select row_number() over () as place, record_send(line) as cells from ({query}) as line
            ) as placed
            group by place / {BLOCK_LINES}
            order by min(place)
            """
        ).fetchall()
    answer = b"".join(block for (block,) in blocks)
    if len(answer) % record.itemsize:
        raise ValueError("a value of the query is null or not of the type that was named")
    rows = np.frombuffer(answer, dtype=record)
    arrays = []
    for place, name in enumerate(types):
        values = rows[f"value_{place}"]
        if not np.all(rows[f"width_{place}"] == values.dtype.itemsize):
            raise ValueError(f"column {place} of the query has a null or is no {name}")
        arrays.append(
            EPOCH + values.astype("timedelta64[D]")
            if name == "date"
            else values.astype(np.float64)
            if name == "float8"
            else values
        )
    return tuple(arrays)


def _blocks(lines: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(lines)
    while block := list(islice(rest, BLOCK_LINES)):
        yield block


def _migration_uri(parts: dict[str, Any]) -> str:
    """URI as the migration tool wants it, from libpq's connection parameters."""
    user, password = (quote(str(parts.get(part, "")), safe="") for part in ("user", "password"))
    return (
        f"postgresql+psycopg://{user}:{password}@{parts.get('host', '127.0.0.1')}:{parts.get('port', 5432)}"
        f"/{parts['dbname']}"
    )
