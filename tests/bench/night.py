"""Benchmark: one night for many accounts, from a synthetic book to a publication, and where its time goes.

Run by `make bench`. Everything it makes is in a temporary folder, which it removes.
"""

import logging
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer
from rich.console import Console
from rich.table import Table

from folio.delivery.mail.catcher import Catcher
from folio.demo import scale
from folio.jobs import backfill, pipeline
from folio.settings import settings
from folio.sources.sandbox import Sandbox
from folio.store import warehouse
from folio.store.postgres import EmbeddedPostgres

FIRST_NIGHT, NEXT_NIGHT = "2013-02-28T0300Z", "2013-03-01T0300Z"
HISTORY_ENDS = scale.LAST_DAY - timedelta(days=1)
RATES_BEFORE = timedelta(days=30)
DATABASE = "folio_bench"
GIB = 2.0**30

AIM_ACCOUNTS = 1000
FULL_SECONDS, UNCHANGED_SECONDS, MEMORY_GIB = 60, 20, 4
SLOWEST_SHOWN = 20
SAMPLED_EVERY = 0.1
WIDTH = 120
"""Columns of the output where there is no terminal."""

LARGEST = """
    select nspname || '.' || relname, pg_total_relation_size(pg_class.oid), greatest(reltuples, 0)::bigint
    from pg_class join pg_namespace on pg_namespace.oid = relnamespace
    where nspname in ('raw', 'computed', 'build', 'history') and relkind = 'r'
    order by 2 desc limit 12
"""
SLOWEST = """
    select stage, node, seconds from ops.stage_results where night = %s order by seconds desc limit %s
"""


@dataclass(frozen=True)
class Use:
    """CPU seconds of this process and the server together, and the peak bytes of memory of each."""

    cpu: float
    ours: int
    server: int


@dataclass
class Meter:
    """What this process and the database server use of the machine (Linux; zeros elsewhere)."""

    server: EmbeddedPostgres
    ours: int = 0
    servers: int = 0
    cpu: float = 0.0
    _over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def watched(self) -> Iterator["Meter"]:
        """Sample in a thread meanwhile."""
        thread = threading.Thread(target=self._watch, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()

    def look(self) -> Use:
        """Use since the last look."""
        self._sample()
        cpu = time.process_time() + cpu_seconds(self.server.pid)
        use = Use(cpu - self.cpu, self.ours, self.servers)
        self.ours, self.servers, self.cpu = 0, 0, cpu
        return use

    def _watch(self) -> None:
        while not self._over.wait(SAMPLED_EVERY):
            self._sample()

    def _sample(self) -> None:
        """The server's pages shared by its processes count once."""
        own = _resident(os.getpid())
        self.ours = max(self.ours, sum(own))
        parts = [_resident(pid) for pid in _family(self.server.pid)]
        private, shared = sum(part[0] for part in parts), max((part[1] for part in parts), default=0)
        self.servers = max(self.servers, private + shared)


@dataclass(frozen=True)
class Row:
    """One timed step."""

    name: str
    seconds: float
    use: Use


Run = tuple[str, list[Row]]


def bench(
    accounts: Annotated[int, typer.Option(envvar="BENCH_ACCOUNTS", min=1)] = AIM_ACCOUNTS,
    instruments: Annotated[int, typer.Option(envvar="BENCH_INSTRUMENTS", min=1)] = 10,
    years: Annotated[int, typer.Option(envvar="BENCH_YEARS", min=1)] = 5,
    models: Annotated[bool, typer.Option(help="Also list the slowest models and tests.")] = True,
) -> None:
    """Time a first night, the next one and an unchanged re-run, in one process, and print where time goes."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    with prepared(console, accounts, instruments, years) as server, Meter(server).watched() as m:
        runs = [
            _timed(console, m, title, night)
            for title, night in (
                ("first night", FIRST_NIGHT),
                ("next night", NEXT_NIGHT),
                ("unchanged", NEXT_NIGHT),
            )
        ]
        _tell(console, runs, accounts, _publications(server.url(DATABASE)))
        if models:
            _tell_models(console, server.url(DATABASE))


@contextmanager
def prepared(console: Console, accounts: int, instruments: int, years: int) -> Iterator[EmbeddedPostgres]:
    """A server of its own whose warehouse has taken in all history before the first night, under settings."""
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    console.print(f"[bold]{accounts:,} accounts x {instruments} instruments x {years} years[/bold]")
    with tempfile.TemporaryDirectory(prefix="folio-bench-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        server = EmbeddedPostgres(home / "postgres")
        try:
            server.start()
            server.create_database(DATABASE)
            with _taken_in(console, home, server, accounts, instruments, years):
                yield server
        finally:
            server.remove()


@contextmanager
def _taken_in(
    console: Console, home: Path, server: EmbeddedPostgres, accounts: int, instruments: int, years: int
) -> Iterator[None]:
    """Settings of a warehouse that has taken in all history before the first night, and a sandbox."""
    began = time.perf_counter()
    scale.write(
        home / "market",
        home / "drop",
        accounts=accounts,
        instruments=instruments,
        years=years,
        later_sessions=1,
    )
    written = time.perf_counter()
    with (
        Sandbox(home / "market") as sandbox,
        Catcher(home / "mail") as catcher,
        _environment(
            {
                "FOLIO_DSN": server.url(DATABASE),
                "FOLIO_STATE": str(home / "state"),
                "FOLIO_INSTANCE": "bench",
                "FOLIO_DROP_FOLDER": str(home / "drop"),
                "FOLIO_RECORDED": "true",
                "FOLIO_AMFI_URL": "",
                "FOLIO_POLYGON_URL": sandbox.url,
                "FOLIO_ECB_URL": sandbox.url,
                "FOLIO_POLYGON_KEY": "sandbox",
                "FOLIO_SMTP_PORT": str(catcher.port),
                "GX_ANALYTICS_ENABLED": "false",
            }
        ),
    ):
        warehouse.migrate()
        first_session = scale.sessions(scale.LAST_DAY, years)[0]
        _take_in("ecb", first_session - RATES_BEFORE)
        _take_in("polygon", first_session)
        console.print(
            f"made up in {written - began:.1f} s, history taken in within "
            f"{time.perf_counter() - written:.1f} s (not part of a night)\n"
        )
        yield


def _take_in(source: str, first: date) -> None:
    for month in backfill.months(source, first, HISTORY_ENDS):
        bad = [
            load
            for load in backfill.backfill_month(source, month, first, HISTORY_ENDS)
            if load.status != "loaded"
        ]
        if bad:
            raise SystemExit(f"the backfill failed: {bad[0]}")


def _timed(console: Console, meter: Meter, title: str, night: str) -> Run:
    rows: list[Row] = []
    meter.look()

    def watch(step: pipeline.Step) -> None:
        rows.append(
            Row(step.name.partition(" ")[0] if "/" in step.name else step.name, step.seconds, meter.look())
        )

    with console.status(f"{title} ..."):
        pipeline.run_night(night, watch)
    console.print(f"{title:18} {sum(row.seconds for row in rows):6.1f} s")
    return title, _merged(rows)


def _merged(rows: list[Row]) -> list[Row]:
    """Batches of one step as one row."""
    merged: dict[str, Row] = {}
    for row in rows:
        if before := merged.get(row.name):
            use = Use(
                before.use.cpu + row.use.cpu,
                max(before.use.ours, row.use.ours),
                max(before.use.server, row.use.server),
            )
            merged[row.name] = Row(row.name, before.seconds + row.seconds, use)
        else:
            merged[row.name] = row
    return list(merged.values())


def _tell(console: Console, runs: list[Run], accounts: int, publications: int) -> None:
    table = Table(title="Where the time goes", title_justify="left")
    table.add_column("step", no_wrap=True)
    for title, _ in runs:
        table.add_column(f"{title}\ns", justify="right")
        table.add_column("share", justify="right")
        table.add_column("CPU s", justify="right")
    table.add_column("peak GB\nhere", justify="right")
    table.add_column("peak GB\nserver", justify="right")
    by_name = [{row.name: row for row in rows} for _, rows in runs]
    totals = [sum(row.seconds for row in rows) for _, rows in runs]
    for name in by_name[0]:
        found = [rows.get(name) for rows in by_name]
        cells = [
            cell
            for row, total in zip(found, totals, strict=True)
            for cell in (
                (f"{row.seconds:.2f}", f"{row.seconds / total:.0%}", f"{row.use.cpu:.2f}")
                if row
                else ("-", "", "")
            )
        ]
        table.add_row(name, *cells, *_gigabytes([row for row in found if row]))
    everything = [row for _, rows in runs for row in rows]
    peak = max(row.use.ours + row.use.server for row in everything) / GIB
    table.add_section()
    table.add_row(
        "all",
        *(
            cell
            for (_, rows), total in zip(runs, totals, strict=True)
            for cell in (f"{total:.1f}", "", f"{sum(row.use.cpu for row in rows):.1f}")
        ),
        *_gigabytes(everything),
        style="bold",
    )
    console.print(table)
    aims = Table("aim for 1,000 accounts", "seen", "", title="Aims", title_justify="left")
    for aim, seen, holds in (
        (f"a full night <= {FULL_SECONDS} s", f"{totals[0]:.1f} s", totals[0] <= FULL_SECONDS),
        (f"the next night <= {FULL_SECONDS} s", f"{totals[1]:.1f} s", totals[1] <= FULL_SECONDS),
        (
            f"unchanged, again <= {UNCHANGED_SECONDS} s",
            f"{totals[2]:.1f} s",
            totals[2] <= UNCHANGED_SECONDS,
        ),
        ("unchanged, again: nothing published", f"{publications} in all", publications == 2),
        (f"memory < {MEMORY_GIB} GB", f"{peak:.2f} GB", peak < MEMORY_GIB),
    ):
        aims.add_row(aim, seen, "[green]met[/green]" if holds else "[red]missed[/red]")
    console.print(aims)
    if accounts != AIM_ACCOUNTS:
        console.print(f"The aims are for {AIM_ACCOUNTS:,} accounts; this run had {accounts:,}.")


def _publications(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        row = connection.execute("select count(*) from history.publications").fetchone()
    return row[0] if row else 0


def _gigabytes(rows: list[Row]) -> tuple[str, str]:
    """Peaks of rows: this process, the server."""
    ours, server = max(row.use.ours for row in rows), max(row.use.server for row in rows)
    return f"{ours / GIB:.2f}", f"{server / GIB:.2f}"


def _tell_models(console: Console, dsn: str) -> None:
    slowest = Table("stage", "model or test", title="Slowest of the first night", title_justify="left")
    slowest.add_column("seconds", justify="right")
    largest = Table("relation", title="Largest relations", title_justify="left")
    largest.add_column("MB", justify="right")
    largest.add_column("rows", justify="right")
    with psycopg.connect(dsn) as connection:
        rows: list[tuple[Any, ...]] = connection.execute(SLOWEST, [FIRST_NIGHT, SLOWEST_SHOWN]).fetchall()
        for stage, node, seconds in rows:
            slowest.add_row(stage, node, f"{float(seconds):.2f}")
        for relation, size, count in connection.execute(LARGEST):
            largest.add_row(relation, f"{size / 1e6:.0f}", f"{count:,}")
    console.print(slowest)
    console.print(largest)


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Settings of the run, taken back at its end."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    settings.cache_clear()
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value
        settings.cache_clear()


def _resident(pid: int) -> tuple[int, int]:
    """Bytes of a process in memory, its own and shared; zeros where that cannot be told."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0, 0
    kib = {
        name: int(rest.split()[0])
        for name, _, rest in (line.partition(":") for line in lines)
        if name.startswith("Rss")
    }
    return 1024 * kib.get("RssAnon", 0), 1024 * (kib.get("RssFile", 0) + kib.get("RssShmem", 0))


def cpu_seconds(pid: int | None) -> float:
    """CPU seconds of a process, its children and those of them that have ended."""
    ticks = 0
    for each in _family(pid):
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(map(int, fields[11:15] if each == pid else fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _family(pid: int | None) -> list[int]:
    """A process and its children."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *map(int, children)] if pid else []


if __name__ == "__main__":
    typer.run(bench)
