"""Benchmark: AMFI's NAV file parsed, and fetched into raw, beside what readers of CSV and a plain COPY take.

Run by `make bench` where the real inputs are beside the repository. Best of several rounds, all in one
process; ratios can be trusted more than times. Everything it makes is in a temporary folder.
"""

import csv
import gzip
import io
import os
import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer
from rich.console import Console
from rich.table import Table

from folio.settings import ROOT
from folio.sources import landing
from folio.sources.connectors import amfi
from folio.sources.landing import Ask, Load, TextColumns
from folio.sources.payloads import Payload
from folio.store import warehouse
from folio.store.postgres import EmbeddedPostgres

SHARED = Path(os.environ.get("FOLIO_SHARED", ROOT.parent / "shared"))
FILE = SHARED / "data" / "amfi" / "navall_raw" / "NAVAll_2025-07-27T0322.txt.gz"
OBSERVED_AT = datetime(2025, 7, 27, 3, 22, tzinfo=UTC)
DATABASE = "folio_bench"
MILLISECOND = 1000.0

PARSE_AIM, NEW_DAY_AIM, UNCHANGED_AIM = 12, 200, 120

EARLIER = """
    insert into raw.amfi_navs (nav_date, scheme_code, nav, line, observed_at, known_basis, load_id)
    select latest.nav_date - days.number, latest.scheme_code, latest.nav, latest.line,
           latest.observed_at - make_interval(days => days.number), 'observed', latest.load_id
    from raw.amfi_navs as latest cross join generate_series(%s, 1, -1) as days (number)
    order by 1, 2
"""


def bench(
    rounds: Annotated[int, typer.Option(envvar="BENCH_ROUNDS", min=1)] = 9,
    days: Annotated[int, typer.Option(help="Days of the same size in raw beforehand.", min=1)] = 100,
) -> None:
    """Time parsing and landing of one real NAV file and print them beside their peers and aims."""
    console = Console()
    if not FILE.exists():
        console.print(f"left out: the real inputs are not at {SHARED} (set FOLIO_SHARED)")
        return
    body = gzip.decompress(FILE.read_bytes())
    console.print(f"[bold]{FILE.name}: {len(body) / 1e6:.1f} MB, {len(body.splitlines()):,} lines[/bold]")
    console.print(_parsing(body, rounds))
    with tempfile.TemporaryDirectory(prefix="folio-bench-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        server = EmbeddedPostgres(home / "postgres")
        try:
            server.start()
            server.create_database(DATABASE)
            warehouse.migrate(server.url(DATABASE))
            with warehouse.connect(server.url(DATABASE)) as connection:
                console.print(_landing(connection, home, body, rounds, days))
        finally:
            server.remove()


def _parsing(body: bytes, rounds: int) -> Table:
    load = _load()
    folio = _best(lambda: amfi.parse_navs(body, load), rounds)
    peers: dict[str, Callable[[], object]] = {"csv, cells only": lambda: _by_csv(body)}
    if find_spec("pandas"):
        peers["pandas, numbers and dates"] = lambda: _by_pandas(body)
    if find_spec("polars"):
        peers["polars, numbers and dates"] = lambda: _by_polars(body)
    table = _table("Parsing", f"aim <= {PARSE_AIM} ms")
    table.add_row("Folio, every line checked", f"{folio:.1f}", "", _told(folio <= PARSE_AIM))
    for name, read in peers.items():
        peer = _best(read, rounds)
        table.add_row(name, f"{peer:.1f}", f"{folio / peer:.2f}", "")
    return table


def _landing(connection: psycopg.Connection[Any], home: Path, body: bytes, rounds: int, days: int) -> Table:
    """Take in a file of which every NAV is new and one that says the same again, over days of history."""
    _take_in(connection, home, body, OBSERVED_AT)
    connection.execute(EARLIER, (days,))
    connection.commit()
    connection.autocommit = True
    connection.execute("vacuum analyze raw.amfi_navs")
    connection.autocommit = False
    batch = amfi.parse_navs(body, _load())
    assert isinstance(batch.rows, TextColumns)
    lines = "\n".join(map("\t".join, zip(*batch.rows.columns, strict=True))) + "\n"
    connection.execute(
        "create table ops.plain (nav_date date, scheme_code int, nav numeric(28, 10), line int)"
    )
    connection.execute("create table ops.merged (like ops.plain, primary key (nav_date, scheme_code))")
    connection.execute(
        "insert into ops.merged select nav_date, scheme_code, nav, line from raw.amfi_navs order by 1, 2"
    )
    connection.commit()

    later = iter(range(1, 10 * rounds))
    unchanged = _best(
        lambda: _take_in(connection, home, body, OBSERVED_AT + timedelta(minutes=next(later))), rounds
    )
    moved = iter(range(1, 10 * rounds))
    new_day = _best(
        lambda: _take_in(connection, home, *_moved(body, next(moved))),
        rounds,
    )
    copied = _best(lambda: _copy(connection, lines), rounds)
    merged = _best(lambda: _merge(connection, lines), rounds)
    table = _table(f"From the payload to raw, over {days} days of history", "aim")
    for name, taken, aim in (
        ("Folio, every NAV new", new_day, NEW_DAY_AIM),
        ("Folio, nothing new", unchanged, UNCHANGED_AIM),
    ):
        table.add_row(name, f"{taken:.1f}", "", f"<= {aim} ms: {_told(taken <= aim)}")
    table.add_row("COPY of ready text, no key", f"{copied:.1f}", f"{new_day / copied:.2f}", "")
    table.add_row("staging and ON CONFLICT", f"{merged:.1f}", f"{unchanged / merged:.2f}", "")
    return table


def _take_in(connection: psycopg.Connection[Any], home: Path, body: bytes, observed_at: datetime) -> None:
    """One slot from the fetched bytes to committed versions."""
    slot = f"{observed_at:%Y-%m-%dT%H:%MZ}"
    load = landing.take_in(
        connection,
        Ask("amfi", "navs", slot, None, "benchmark"),
        lambda: Payload(body, observed_at),
        amfi.parse_navs,
        folder=home / "payloads",
    )
    if load.status != "loaded":
        raise SystemExit(str(load))


def _moved(body: bytes, days: int) -> tuple[bytes, datetime]:
    """The file with every date moved on by days, as fetched so many days later."""
    text = body.decode()
    for back in range(60, -1, -1):
        day = OBSERVED_AT - timedelta(days=back)
        text = text.replace(f"{day:%d-%b-%Y}", f"\x00{day + timedelta(days=100 * days):%d-%b-%Y}")
    return text.replace("\x00", "").encode(), OBSERVED_AT + timedelta(days=100 * days)


def _copy(connection: psycopg.Connection[Any], lines: str) -> None:
    connection.execute("truncate ops.plain")
    with connection.cursor().copy("copy ops.plain from stdin") as copy:
        copy.write(lines)
    connection.commit()


def _merge(connection: psycopg.Connection[Any], lines: str) -> None:
    _copy(connection, lines)
    connection.execute(
        "insert into ops.merged select distinct on (nav_date, scheme_code) * from ops.plain"
        " on conflict (nav_date, scheme_code) do update set nav = excluded.nav"
        " where merged.nav <> excluded.nav"
    )
    connection.commit()


def _by_csv(body: bytes) -> list[list[str]]:
    return [row for row in csv.reader(io.StringIO(body.decode()), delimiter=";") if len(row) > 1]


def _by_pandas(body: bytes) -> object:
    import pandas

    frame = pandas.read_csv(io.BytesIO(_rows(body)), sep=";", dtype=str, keep_default_na=False)
    frame["nav"] = pandas.to_numeric(frame["Net Asset Value"], errors="coerce")
    frame["day"] = pandas.to_datetime(frame["Date"], format="%d-%b-%Y", errors="coerce")
    return frame


def _by_polars(body: bytes) -> object:
    import polars

    frame = polars.read_csv(io.BytesIO(_rows(body)), separator=";", infer_schema=False, quote_char=None)
    return frame.with_columns(
        nav=polars.col("Net Asset Value").cast(polars.Float64, strict=False),
        day=polars.col("Date").str.to_date("%d-%b-%Y", strict=False),
    )


def _rows(body: bytes) -> bytes:
    """Lines with cells: headings and blanks would stop a reader of tables."""
    return b"\n".join(line for line in body.splitlines() if b";" in line)


def _best(work: Callable[[], object], rounds: int) -> float:
    """Milliseconds of the fastest round."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return MILLISECOND * min(times)


def _load() -> Load:
    return Load(
        *(uuid.uuid4(), "amfi", "navs", "benchmark", 1, None, "", "running", None, None, OBSERVED_AT),
        *("observed", 0, 0, 0, 0, 0, None),
    )


def _table(title: str, last: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("way", no_wrap=True)
    table.add_column("ms", justify="right")
    table.add_column("Folio / it", justify="right")
    table.add_column(last)
    return table


def _told(holds: bool) -> str:
    return "[green]met[/green]" if holds else "[red]missed[/red]"


if __name__ == "__main__":
    typer.run(bench)
