"""Recorded observations: files that say of each value when it was first seen, such as a log kept of NAVs."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from folio.errors import PayloadError, SourceError
from folio.sources.connectors.amfi import DAYS_AHEAD
from folio.sources.landing import Batch, Load, Rejected, TextBlocks, TextColumns
from folio.sources.payloads import Payload

BATCH_ROWS = 65_536
NULL = "\\N"

NAV_COLUMNS: Mapping[str, Callable[[pa.DataType], bool]] = MappingProxyType(
    {
        "scheme_code": pa.types.is_integer,
        "nav_date": pa.types.is_date,
        "nav": lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind),
        "first_seen": lambda kind: pa.types.is_timestamp(kind) and kind.tz is not None,
    }
)
"""Columns that must be there, and of what type; others, such as a revision's number, may be beside them."""

NAV = r"^[0-9]{1,15}(\.[0-9]{0,10})?$"
NO_NAV = r"^(0+(\.0*)?|N\.?A\.?)$"
"""What AMFI publishes where there is no NAV: the observation is that there was none."""


@dataclass(frozen=True)
class ObservationFile:
    """A Parquet file of NAV observations on disk."""

    path: Path

    @cached_property
    def body(self) -> bytes:
        """The file as it lies there; SourceError where it cannot be read."""
        try:
            return self.path.read_bytes()
        except OSError as fault:
            raise SourceError(f"{self.path.name}: {fault.strerror}") from fault

    @property
    def slot(self) -> str:
        """Name and content: a changed file under an old name is another slot."""
        return f"{self.path.name}@{hashlib.sha256(self.body).hexdigest()[:12]}"

    @property
    def rows(self) -> int | None:
        """Rows that the file says it has; None where it is no Parquet file."""
        try:
            return int(_open(self.body).metadata.num_rows)
        except PayloadError:
            return None

    def fetch(self) -> Payload:
        """The file as a payload, recorded when its last row was first seen (now, where that is not said)."""
        try:
            last = pc.max(_open(self.body).read(columns=["first_seen"]).column(0)).as_py()
        except (PayloadError, pa.ArrowException, IndexError):
            last = None  # parsing says what is wrong with the file, which is kept
        known = isinstance(last, datetime) and last.tzinfo is not None
        return Payload(self.body, last if known else datetime.now(UTC), self.path.name)


def parse_navs(body: bytes, load: Load, seen: Callable[[int], None] = lambda rows: None) -> Batch:
    """Versions of NAVs for raw.amfi_navs, each observed when it was first seen; lines count rows from 1.

    `0` and `N.A.` are versions without a NAV, as the log says that nothing else was published. `seen` is told
    of rows as they go by.

    Raises
    ------
    PayloadError
        The file is no Parquet file, lacks a column or has one of another type.
    """
    file = _open(body)
    kinds = {field.name: field.type for field in file.schema_arrow}
    wrong = [name for name, fits in NAV_COLUMNS.items() if name not in kinds or not fits(kinds[name])]
    if wrong:
        raise PayloadError(f"no column {', '.join(wrong)} of the type that NAV observations have")
    rejected: list[Rejected] = []

    def blocks() -> Iterator[TextColumns]:
        begin = 1
        try:
            for batch in file.iter_batches(BATCH_ROWS, columns=list(NAV_COLUMNS)):
                yield _block(batch, begin, rejected)
                begin += batch.num_rows
                seen(batch.num_rows)
        except (pa.ArrowException, OSError) as fault:
            raise PayloadError(f"damaged after row {begin - 1}: {fault}") from fault

    return Batch("amfi_navs", TextBlocks(blocks()), rejected, dated=True)


def _open(body: bytes) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(pa.BufferReader(body))
    except pa.ArrowException as fault:
        raise PayloadError(f"no Parquet file: {fault}") from fault


def _block(batch: pa.RecordBatch, begin: int, rejected: list[Rejected]) -> TextColumns:
    """One block of rows as text: day, code, NAV, line, instant; rows that cannot be read go to `rejected`."""
    code, day, nav, instant = (batch.column(name) for name in NAV_COLUMNS)
    has_nav = pc.match_substring_regex(nav, NAV)
    has_none = pc.match_substring_regex(nav, NO_NAV)
    ahead = pc.greater(pc.cast(day, pa.date32()), _last_day(instant))
    good = pc.and_(pc.or_(has_nav, has_none), pc.invert(ahead))
    for column in (code, day, nav, instant):
        good = pc.and_(good, column.is_valid())
    good = pc.and_(pc.fill_null(good, False), pc.greater(pc.fill_null(code, 0), 0))
    lines = pa.array(range(begin, begin + batch.num_rows), pa.int64())
    columns = (
        pc.cast(day, pa.string()),
        pc.cast(code, pa.string()),
        pc.if_else(has_none, NULL, nav),
        pc.cast(lines, pa.string()),
        pc.cast(instant, pa.string()),
    )
    if not pc.all(good).as_py():
        for row in batch.append_column("line", lines).filter(pc.invert(good)).to_pylist():
            rejected.append(Rejected(row["line"], _fault(row), "; ".join(map(str, row.values()))))
        columns = tuple(column.filter(good) for column in columns)
    return TextColumns(tuple(column.to_pylist() for column in columns))


def _last_day(instant: pa.Array) -> pa.Array:
    """Last day (UTC) that a NAV seen at an instant can be of."""
    return pc.cast(
        pc.add(pc.cast(instant, pa.timestamp("us", "UTC")), timedelta(days=DAYS_AHEAD)), pa.date32()
    )


def _fault(row: Mapping[str, Any]) -> str:
    """Why a row is no observation."""
    empty = [name for name in NAV_COLUMNS if row[name] is None]
    if empty:
        return f"no {', '.join(empty)}"
    if row["scheme_code"] <= 0:
        return f"scheme code is none: {row['scheme_code']}"
    day, seen = row["nav_date"], row["first_seen"]
    assert isinstance(day, date) and isinstance(seen, datetime)
    if day > (seen + timedelta(days=DAYS_AHEAD)).date():
        return f"date {day} lies ahead of {seen:%Y-%m-%dT%H:%MZ}, when it was seen"
    return f"NAV is no number: {row['nav']!r}"
