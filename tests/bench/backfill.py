"""Benchmark: a million rows of history into raw, beside plain COPY, pandas.to_sql and dlt in the same run.

Run by `make bench`. Every way is timed in wall and CPU seconds of this process and the server together; on
a machine that does other work too, compare the CPU. Everything it makes is in a temporary folder.
"""

import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import psycopg
import typer
from rich.console import Console
from rich.table import Table

from folio.sources import landing
from folio.sources.landing import Ask, Batch, Load, TextColumns
from folio.sources.payloads import Payload
from folio.store import warehouse
from folio.store.postgres import EmbeddedPostgres

DATABASE = "folio_bench"
FIRST_DAY = date(2010, 1, 1)
SCHEMES, DAYS_A_SLOT = 10_000, 10
FETCHED_AT = datetime(2026, 1, 1, tzinfo=UTC)
RATE_AIM, MEMORY_AIM = 0.8e6, 150
MIB = 1024.0
SMALL = 100_000
"""Rows that the slower peers are given: their rate does not change with more."""


@dataclass(frozen=True)
class Timed:
    """One way of loading: rows, wall seconds, CPU seconds of both sides."""

    name: str
    rows: int
    seconds: float
    cpu: float


def bench(
    slots: Annotated[int, typer.Option(envvar="BENCH_SLOTS", min=1, help="Loads of 100,000 rows.")] = 10,
    days: Annotated[int, typer.Option(envvar="BENCH_DAYS", min=1, help="Small daily slots.")] = 200,
) -> None:
    """Time the backfill of a million rows, and what a small slot costs, and print them beside the peers."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="folio-bench-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        server = EmbeddedPostgres(home / "postgres")
        try:
            server.start()
            server.create_database(DATABASE)
            warehouse.migrate(server.url(DATABASE))
            with warehouse.connect(server.url(DATABASE)) as connection:
                before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
                folio = _timed(server, "Folio", slots * SMALL, lambda: _backfill(connection, home, slots))
                grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / MIB
                small = _timed(server, "slots", days, lambda: _small_slots(connection, home, days))
                peers = [
                    _timed(server, name, rows, work)
                    for name, rows, work in _peers(connection, server, home, slots)
                ]
        finally:
            server.remove()
    table = Table(title=f"{slots * SMALL:,} rows into raw", title_justify="left")
    for heading in ("way", "rows/s", "rows a CPU second", "Folio's CPU / its"):
        table.add_column(heading, justify="left" if heading == "way" else "right")
    for way in [folio, *peers]:
        share = (folio.cpu / folio.rows) / (way.cpu / way.rows)
        table.add_row(
            way.name,
            f"{way.rows / way.seconds:,.0f}",
            f"{way.rows / way.cpu:,.0f}",
            "" if way is folio else f"{share:.2f}",
        )
    console.print(table)
    met = folio.rows / folio.seconds >= RATE_AIM
    console.print(f"aim >= {RATE_AIM:,.0f} rows/s: {'met' if met else 'missed'}")
    console.print(
        f"memory of this process grew by {grown:.0f} MiB (aim < {MEMORY_AIM}: "
        f"{'met' if grown < MEMORY_AIM else 'missed'})"
    )
    console.print(
        f"a slot of 50 rows: {1e3 * small.seconds / days:.1f} ms, {1e3 * small.cpu / days:.1f} ms of CPU"
    )


def _lines(day: date, schemes: int, seed: int) -> str:
    """One day of NAVs as a payload: day, code, NAV, line, with tabs between."""
    navs = np.random.default_rng(seed).integers(100_000, 99_999_999, schemes)
    return "".join(
        f"{day}\t{100_000 + n}\t{nav // 10_000}.{nav % 10_000:04d}\t{n + 1}\n"
        for n, nav in enumerate(navs.tolist())
    )


def _slot(number: int) -> str:
    """History of some days."""
    first = FIRST_DAY + timedelta(days=number * DAYS_A_SLOT)
    return "".join(
        _lines(first + timedelta(days=n), SCHEMES, number * DAYS_A_SLOT + n) for n in range(DAYS_A_SLOT)
    )


def _parse(body: bytes, load: Load) -> Batch:
    """Rows of a payload, by column."""
    cells = body.decode().replace("\n", "\t").split("\t")[:-1]
    return Batch("amfi_navs", TextColumns(tuple(cells[place::4] for place in range(4))))


def _take_in(connection: psycopg.Connection[Any], home: Path, slot: str, body: bytes) -> None:
    load = landing.take_in(
        connection,
        Ask("amfi", "history", slot, None, "benchmark", "assumed"),
        lambda: Payload(body, FETCHED_AT),
        _parse,
        folder=home / "payloads",
    )
    if load.status != "loaded" or load.rows_new != load.rows_seen:
        raise SystemExit(str(load))


def _backfill(connection: psycopg.Connection[Any], home: Path, slots: int) -> Iterator[None]:
    """Payloads kept, rows parsed, staged, compared and appended, slot by slot; making them is not timed."""
    for number in range(slots):
        body = _slot(number).encode()
        yield
        _take_in(connection, home, f"slot {number}", body)
        yield


def _small_slots(connection: psycopg.Connection[Any], home: Path, days: int) -> Iterator[None]:
    """A day of fifty rows a slot, as a backfill of daily bars has them."""
    first = FIRST_DAY - timedelta(days=days)
    for number in range(days):
        body = _lines(first + timedelta(days=number), 50, number).encode()
        yield
        _take_in(connection, home, f"day {number}", body)
        yield


def _peers(
    connection: psycopg.Connection[Any], server: EmbeddedPostgres, home: Path, slots: int
) -> Iterator[tuple[str, int, Callable[[], Iterator[None]]]]:
    columns = "nav_date date, scheme_code int, nav numeric(28, 10), line int"
    connection.execute(f"create table ops.plain ({columns})")
    connection.execute(f"create table ops.keyed ({columns}, primary key (nav_date, scheme_code))")
    connection.commit()
    yield "COPY, no key", slots * SMALL, lambda: _copied(connection, "plain", slots)
    yield "COPY, key with the day first", slots * SMALL, lambda: _copied(connection, "keyed", slots)
    if find_spec("pandas") and find_spec("sqlalchemy"):
        yield "pandas.to_sql", SMALL, lambda: _by_pandas(server)
    if find_spec("dlt") and find_spec("pyarrow"):
        yield "dlt, from Arrow", slots * SMALL, lambda: _by_dlt(server, home, slots)


def _copied(connection: psycopg.Connection[Any], table: str, slots: int) -> Iterator[None]:
    for number in range(slots):
        text = _slot(number)
        yield
        with connection.cursor().copy(f"copy ops.{table} from stdin") as copy:  # type: ignore[arg-type]
            copy.write(text)
        connection.commit()
        yield


def _records(slot: int) -> list[dict[str, Any]]:
    rows = [line.split("\t") for line in _slot(slot).splitlines()]
    return [
        {"nav_date": date.fromisoformat(day), "scheme_code": int(code), "nav": float(nav), "line": int(line)}
        for day, code, nav, line in rows
    ]


def _by_pandas(server: EmbeddedPostgres) -> Iterator[None]:
    import pandas
    import sqlalchemy

    frame = pandas.DataFrame(_records(0))
    url = server.url(DATABASE).replace("postgresql://", "postgresql+psycopg://", 1)
    engine = sqlalchemy.create_engine(url)
    yield
    frame.to_sql("by_pandas", engine, schema="ops", if_exists="append", index=False)
    yield
    engine.dispose()


def _by_dlt(server: EmbeddedPostgres, home: Path, slots: int) -> Iterator[None]:
    """Arrow tables, its fastest way into Postgres, and all of them at once: a run takes seconds by itself."""
    os.environ.update(RUNTIME__DLTHUB_TELEMETRY="false", RUNTIME__LOG_LEVEL="ERROR")
    import dlt
    import pyarrow

    tables = [pyarrow.Table.from_pylist(_records(number)) for number in range(slots)]
    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=str(home / "dlt"),
        destination=dlt.destinations.postgres(server.url(DATABASE)),
        dataset_name="by_dlt",
    )
    yield
    pipeline.run(tables, table_name="navs")
    yield


def _timed(server: EmbeddedPostgres, name: str, rows: int, work: Callable[[], Iterator[None]]) -> Timed:
    """Time the stretches from every first to every second yield."""
    seconds = cpu = 0.0
    steps = work()
    for _ in steps:
        began, used = time.perf_counter(), time.process_time() + _server_cpu(server)
        next(steps, None)
        seconds += time.perf_counter() - began
        cpu += time.process_time() + _server_cpu(server) - used
    return Timed(name, rows, seconds, max(cpu, 0.01))


def _server_cpu(server: EmbeddedPostgres) -> float:
    """CPU seconds of the server's processes so far (Linux; zero elsewhere)."""
    ticks = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if server.pid == int(fields[1]):
            ticks += int(fields[11]) + int(fields[12])
        elif server.pid == int(folder.name):  # its own, and that of connections that have ended
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    typer.run(bench)
