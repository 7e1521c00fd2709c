"""Price history in InfluxDB: write what has landed, write all of it again, and compare it with raw.

InfluxDB is no figure's home: what it holds can be made again from raw at any time, and points are written
over themselves. What has been written is remembered load by load, once all of a load's points are on the
engine's disk, so a run that is killed, or whose engine is, goes on where it stopped.
"""

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import psycopg

from folio.errors import InfluxAway, InfluxError, SettingsError
from folio.jobs import findings
from folio.jobs.nights import Night
from folio.settings import settings
from folio.store import candles, influx, warehouse
from folio.store.candles import MEASUREMENTS, Resolution
from folio.store.influx import Influx

SUITE = "history"
GROUP_ROWS = 250_000
"""Rows of the loads that are written and remembered together: some seconds of work."""

TOLERANCE = 1e-9
"""Relative difference of two sums of float64 that is rounding, not another price."""

NAMED = 5
"""Differences that a finding names; the command lists all."""

Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class Written:
    """What a run wrote."""

    loads: int
    points: int
    months: tuple[tuple[Resolution, date], ...] = ()

    def __str__(self) -> str:
        """One line for logs."""
        return f"{self.points} points of {self.loads} loads written to InfluxDB"


@dataclass(frozen=True)
class Difference:
    """A month of a code that raw and InfluxDB do not hold alike: counts of candles, then sums by field."""

    resolution: Resolution
    source: str
    code: str
    month: date
    in_postgres: tuple[float, ...]
    in_influx: tuple[float, ...]

    def __str__(self) -> str:
        """The month, with the first figure that differs."""
        figures = zip(("candles", *candles.FIELDS), self.in_postgres, self.in_influx, strict=True)
        what, here, there = next(each for each in figures if not _alike(each[1], each[2]))
        return (
            f"{self.source} {self.code} {self.month:%Y-%m} ({self.resolution}): "
            f"{what} {here:.15g} in Postgres, {there:.15g} in InfluxDB"
        )


def write() -> Written:
    """Write the prices of all loads that InfluxDB lacks.

    Raises
    ------
    SettingsError
        No InfluxDB is configured.
    InfluxError
        InfluxDB refused something, or is away (InfluxAway): what was written until then stays written.
    """
    with _opened() as (connection, bucket):
        return _write(connection, bucket)


def reload() -> Written:
    """Delete all price history in InfluxDB and write it again from raw; errors as `write`."""
    with _opened() as (connection, bucket):
        connection.execute("delete from ops.influx_loads where target = %s", (bucket.target,))
        connection.commit()
        for measurement in MEASUREMENTS.values():
            bucket.run(f"DROP MEASUREMENT {influx.name(measurement)}")
        return _write(connection, bucket)


def compare(*, mend: bool = False) -> list[Difference]:
    """Differences between raw and InfluxDB over all months, also kept as a check of the night now built.

    With `mend` the points of the months that differ are deleted, so that those which raw has not are gone,
    and the loads that raw has them from are written again. Errors as `write`.
    """
    with _opened() as (connection, bucket):
        every = [
            (resolution, month)
            for resolution in MEASUREMENTS
            for month in candles.months(connection, bucket, resolution)
        ]
        found = _compare(connection, bucket, every)
        if mend and found:
            _forget(connection, bucket, found)
            for one in found:
                candles.delete_month(bucket, one.resolution, one.source, one.code, one.month)
            _write(connection, bucket)
        night = connection.execute("select night from ops.night").fetchone()
        _keep(connection, night[0] if night else "backfill history", found, len(every))
        return found


def write_night(night: str) -> str:
    """Write what a night has landed and compare the months it touched; says what was done.

    An engine that is away or refuses never stops the night: the finding says so, readers get history from
    Postgres, and the next night writes what this one could not.
    """
    this = Night.parse(night)
    if settings().influx_url is None:
        return "no InfluxDB is configured: history is served from Postgres"
    try:
        with _opened() as (connection, bucket):
            written = _write(connection, bucket)
            found = _compare(connection, bucket, written.months)
            _keep(connection, this.id, found, len(written.months))
    except InfluxError as error:
        with warehouse.connect() as connection:
            _keep_failure(connection, this.id, error)
        return f"{error}; the next night tries again"
    return f"{written}; {len(found)} differences"


def _write(connection: Connection, bucket: Influx) -> Written:
    """Write load by load, in groups, what the bucket lacks."""
    if not bucket.query(
        "SHOW MEASUREMENTS LIMIT 1"
    ):  # a new or emptied engine holds nothing, whatever we think
        connection.execute("delete from ops.influx_loads where target = %s", (bucket.target,))
        connection.commit()
    loads = points = 0
    months: set[tuple[Resolution, date]] = set()
    lacking, changing = _lacking(connection, bucket.target)
    for group in _groups(lacking):
        changes = [load for load in group if load in changing]
        for table in candles.TABLES:
            for source, code, opened_at in candles.thinned(connection, table, changes):
                until = opened_at + timedelta(microseconds=1)
                candles.delete(bucket, table.resolution, source, code, opened_at, until)
            for block, count in candles.lines(connection, table, group):
                bucket.write_block(block, count)
                points += count
        for resolution in MEASUREMENTS:
            months |= {(resolution, month) for month in candles.months_of(connection, resolution, group)}
        connection.cursor().executemany(
            "insert into ops.influx_loads (target, load_id) values (%s, %s) on conflict do nothing",
            [(bucket.target, load) for load in group],
        )
        connection.commit()
        loads += len(group)
    return Written(loads, points, tuple(sorted(months)))


def _lacking(connection: Connection, target: str) -> tuple[list[tuple[UUID, int]], set[UUID]]:
    """Loads of market data whose versions the bucket lacks, in the order of their coming, with their rows.

    And of these the ones that changed something: only they can have taken a value away.
    """
    rows = connection.execute(
        """
        select load_id, rows_new, rows_changed from raw.loads
        where status in ('loaded', 'superseded') and source <> 'books' and rows_new + rows_changed > 0
        and not exists (
            select 1 from ops.influx_loads as written
            where written.target = %s and written.load_id = loads.load_id
        )
        order by started_at, load_id
        """,
        (target,),
    ).fetchall()
    connection.commit()
    return [(load, new + changed) for load, new, changed in rows], {row[0] for row in rows if row[2]}


def _groups(loads: Sequence[tuple[UUID, int]]) -> Iterator[list[UUID]]:
    """Loads in groups of about GROUP_ROWS rows."""
    group: list[UUID] = []
    rows = 0
    for load, size in loads:
        if group and rows + size > GROUP_ROWS:
            yield group
            group, rows = [], 0
        group.append(load)
        rows += size
    if group:
        yield group


def _compare(
    connection: Connection, bucket: Influx, months: Sequence[tuple[Resolution, date]]
) -> list[Difference]:
    """Differences between raw and the bucket in some months."""
    found = []
    nothing = (0.0,) * (1 + len(candles.FIELDS))
    for resolution, month in months:
        here = candles.sums_in_postgres(connection, resolution, month)
        there = candles.sums_in_influx(bucket, resolution, month)
        for source, code in sorted(here.keys() | there.keys()):
            pair = here.get((source, code), nothing), there.get((source, code), nothing)
            if not all(map(_alike, *pair)):
                found.append(Difference(resolution, source, code, month, *pair))
    return found


def _forget(connection: Connection, bucket: Influx, found: Sequence[Difference]) -> None:
    """Take the loads of some months as not written: readers get history from Postgres until they are."""
    for one in found:
        for table in candles.tables(one.resolution):
            loads = candles.loads_of(connection, one.source, one.code, table, one.month)
            connection.execute(
                "delete from ops.influx_loads where target = %s and load_id = any(%s)", (bucket.target, loads)
            )
    connection.commit()


def _alike(here: float, there: float) -> bool:
    return math.isclose(here, there, rel_tol=TOLERANCE)


def _keep(connection: Connection, night: str, found: Sequence[Difference], months: int) -> None:
    """Write the comparison down as a check of a night."""
    note = "; ".join(map(str, found[:NAMED]))
    if len(found) > NAMED:
        note += f"; and {len(found) - NAMED} more: folio history check"
    _record(
        connection,
        night,
        "warned" if found else "passed",
        f"{len(found)} differences in {months} months",
        note or None,
    )


def _keep_failure(connection: Connection, night: str, error: InfluxError) -> None:
    """Write down that InfluxDB could not be written or compared."""
    observed = "InfluxDB away" if isinstance(error, InfluxAway) else "InfluxDB refused"
    _record(connection, night, "warned", observed, f"{error}. History is served from Postgres meanwhile.")


def _record(connection: Connection, night: str, status: str, observed: str, note: str | None) -> None:
    findings.keep(
        connection,
        night,
        SUITE,
        [
            (
                *("InfluxDB holds what raw holds", "raw", "warn", status, observed),
                "the same count of candles and sum of each field, by code and month",
                note,
            )
        ],
    )
    connection.commit()


@contextlib.contextmanager
def _opened() -> Iterator[tuple[Connection, Influx]]:
    """Connection to the warehouse and the bucket, for the one process that writes to it at a time."""
    bucket = Influx.of(settings())
    if bucket is None:
        raise SettingsError("No InfluxDB is configured: set FOLIO_INFLUX_URL and FOLIO_INFLUX_TOKEN.")
    with contextlib.closing(bucket), warehouse.connect() as connection:
        connection.execute("select pg_advisory_lock(hashtextextended(%s, 0))", (f"influx:{bucket.target}",))
        connection.commit()
        bucket.provision()
        yield connection, bucket
