"""Benchmark: price history written to InfluxDB, from raw and from memory, beside the client's DataFrames.

Run by `make bench` where an engine can be had (`bin/influx-engine`, or FOLIO_TEST_INFLUX_URL, _TOKEN, _ORG);
left out, with the reason, where not. Every way writes the same points to a bucket of its own, in turn, in one
process; ratios can be trusted more than times, and where the machine does other work, CPU seconds (of this
process and of an engine of ours) more than those. Everything it makes is in a temporary folder.
"""

import os
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import pandas
import typer
from influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from rich.console import Console
from rich.table import Table

from folio.jobs import history
from folio.settings import settings
from folio.store import candles, warehouse
from folio.store.influx import Influx
from folio.store.postgres import EmbeddedPostgres
from tests import influx_engine

CODES = 100
AIM = 400_000
DATABASE = "folio_bench"
LOAD = "00000000-0000-0000-0000-000000000001"
TABLE = next(table for table in candles.TABLES if table.name == "polygon_daily_bars")
LOADED = """
    insert into raw.loads (load_id, source, dataset, slot, attempt, request, status, observed_at,
                           payload_sha256, rows_seen, rows_new)
    values (%s, 'polygon', 'daily_bars', 'bench', 1, '', 'loaded', now(), '0', %s, %s)
"""
BARS = """
    insert into raw.polygon_daily_bars
        (session_date, ticker, open, high, low, close, volume, observed_at, known_basis, load_id, line)
    select date '1999-01-01' + day, 'T' || code, price, price + 1.25, price - 1.1, price + 0.07,
           1000 * day + code, now(), 'assumed', %s, 1
    from generate_series(0, %s) as day, generate_series(1, %s) as code,
         lateral (select 100 + code + round((random() * 50)::numeric, 4) as price) as prices
"""


def bench(
    points: Annotated[int, typer.Option(envvar="BENCH_POINTS", min=CODES)] = 1_000_000,
    peer_points: Annotated[int, typer.Option(help="Of these the client writes.", min=CODES)] = 200_000,
) -> None:
    """Write points to InfluxDB in three ways and print how many a second each takes."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="folio-bench-") as name:
        home = Path(name)
        home.chmod(0o755)
        if url := os.environ.get("FOLIO_TEST_INFLUX_URL"):
            token, org = (os.environ.get(f"FOLIO_TEST_INFLUX_{part}", "") for part in ("TOKEN", "ORG"))
            _run(console, home, (url, token, org), None, points, peer_points)
            return
        try:
            influx_engine.unpack()
            engine = influx_engine.InfluxEngine(home / "influx").start()
        except influx_engine.NoEngine as reason:
            console.print(f"left out: no InfluxDB can be had here: {reason}")
            return
        with engine:
            _run(console, home, (engine.url, engine.token, "folio"), engine, points, peer_points)


def _run(
    console: Console,
    home: Path,
    place: tuple[str, str, str],
    engine: influx_engine.InfluxEngine | None,
    points: int,
    peer_points: int,
) -> None:
    server = EmbeddedPostgres(home / "postgres")
    try:
        server.start()
        server.create_database(DATABASE)
        for variable, value in zip(("URL", "TOKEN", "ORG"), place, strict=True):
            os.environ[f"FOLIO_INFLUX_{variable}"] = value
        os.environ["FOLIO_DSN"] = server.url(DATABASE)
        os.environ["FOLIO_INFLUX_BUCKET"] = "bench_raw"
        settings.cache_clear()
        warehouse.migrate(server.url(DATABASE))
        with warehouse.connect() as connection:
            days = points // CODES
            connection.execute(LOADED, (LOAD, days * CODES, days * CODES))
            connection.execute(BARS, (LOAD, days - 1, CODES))
            connection.execute("analyze raw.polygon_daily_bars")
            connection.commit()
            blocks = list(candles.lines(connection, TABLE, [LOAD]))  # type: ignore[list-item]
            connection.rollback()
            frame = _frame(connection, peer_points)
        table = Table("way", "points", "seconds", "points/s", "CPU s", "engine CPU s")

        def add(way: str, count: int, work: Callable[[], object], *, has_aim: bool = True) -> None:
            engine_cpu, cpu, began = _cpu_of(engine), time.process_time(), time.perf_counter()
            work()
            seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
            aim = f" (aim {AIM:,}: {'met' if count / seconds >= AIM else 'missed'})" if has_aim else ""
            figures = (f"{seconds:.2f}", f"{count / seconds:,.0f}{aim}", f"{cpu:.2f}")
            table.add_row(way, f"{count:,}", *figures, f"{_cpu_of(engine) - engine_cpu:.2f}")

        ready, peer = _bucket(place, "bench_lines"), _bucket(place, "bench_frame")
        add("lines ready in memory", days * CODES, lambda: _write(ready, blocks))
        add("from raw, remembered (folio history write)", days * CODES, history.write)
        add("client, DataFrame", len(frame), lambda: _by_frame(peer, frame), has_aim=False)
        console.print(table)
        differences = len(history.compare())
        console.print(f"months of a code that differ from raw afterwards: {differences}")
    finally:
        server.remove()


def _cpu_of(engine: influx_engine.InfluxEngine | None) -> float:
    """CPU seconds of an engine of ours so far; 0 for another's."""
    ticks = 0
    for pid in engine.pids if engine else ():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _bucket(place: tuple[str, str, str], name: str) -> Influx:
    bucket = Influx(*place, name)
    bucket.provision()
    return bucket


def _write(bucket: Influx, blocks: list[tuple[bytes, int]]) -> None:
    for block, count in blocks:
        bucket.write_block(block, count)


def _frame(connection: warehouse.psycopg.Connection[tuple[object, ...]], points: int) -> pandas.DataFrame:
    """The first points as a frame, as its writer wants it."""
    rows = connection.execute(
        "select session_date, ticker, open::float8, high::float8, low::float8, close::float8, volume::float8"
        " from raw.polygon_daily_bars order by session_date, ticker limit %s",
        (points,),
    ).fetchall()
    frame = pandas.DataFrame(rows, columns=["time", "code", *candles.FIELDS])
    frame["source"] = "polygon"
    frame.index = pandas.DatetimeIndex(
        [datetime(day.year, day.month, day.day, tzinfo=UTC) for day in frame.pop("time")]
    )
    return frame


def _by_frame(bucket: Influx, frame: pandas.DataFrame) -> None:
    with (
        InfluxDBClient(bucket.url, bucket.token, org=bucket.org, timeout=600_000) as client,
        client.write_api(write_options=SYNCHRONOUS) as writer,
    ):
        for start in range(0, len(frame), 10_000):
            writer.write(
                bucket.bucket,
                record=frame.iloc[start : start + 10_000],
                data_frame_measurement_name="daily_prices",
                data_frame_tag_columns=["code", "source"],
            )


if __name__ == "__main__":
    typer.run(bench)
