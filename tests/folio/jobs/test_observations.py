"""The real log of NAV observations and the real files of its time: nothing twice, nothing lost, any order."""

import gzip
import random
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from folio.jobs import observations
from folio.jobs.ingest import PARSERS
from folio.settings import settings
from folio.sources import landing
from folio.sources.connectors import amfi
from folio.sources.landing import Ask, Load, TextColumns
from folio.sources.payloads import Payload
from folio.store import warehouse as warehouse_module

pytestmark = pytest.mark.shared_data

ROWS, REVISED = 822_413, 246
FIRST, LAST = "2025-07-16", "2025-12-19"
EVERY = 97
"""The cut that every run reads: one scheme in so many."""

LINE = re.compile(rb"(\d+);.*")


@pytest.fixture
def connection(warehouse: str) -> Iterator[psycopg.Connection[Any]]:
    with warehouse_module.connect(warehouse) as opened:
        yield opened


def files(shared: Path) -> list[tuple[datetime, bytes]]:
    """Bodies of one mirror's files of the log's window, with the instants of their fetches."""
    found = []
    for path in sorted((shared / "data" / "amfi" / "navall_raw").glob("NAVAll_????-??-??T????.txt.gz")):
        stamp = path.name.removeprefix("NAVAll_").removesuffix(".txt.gz")
        if FIRST <= stamp[:10] <= LAST:
            instant = datetime.strptime(stamp, "%Y-%m-%dT%H%M").replace(tzinfo=UTC)
            found.append((instant, gzip.decompress(path.read_bytes())))
    assert len(found) == 14
    return found


def cut(body: bytes) -> bytes:
    """Headings and one scheme in EVERY."""
    kept = []
    for line in body.splitlines(keepends=True):
        match = LINE.match(line)
        if match is None or int(match[1]) % EVERY == 0:
            kept.append(line)
    return b"".join(kept)


def take(connection: psycopg.Connection[Any], instant: datetime, body: bytes) -> Load:
    """One file as a night would take it in."""
    return landing.take_in(
        connection,
        Ask("amfi", "navs", f"{instant:%Y-%m-%dT%H:%MZ}", None, "recorded"),
        lambda: Payload(body, instant),
        PARSERS["amfi", "navs"],
        folder=settings().payload_folder,
        others=PARSERS,
    )


def versions(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("select count(*) from raw.amfi_navs").fetchone()
    connection.rollback()
    assert row is not None
    return int(row[0])


def hold_known(connection: psycopg.Connection[Any], instant: datetime, body: bytes, load: Load) -> None:
    """What was known at the fetch of a file is what the file says."""
    batch = amfi.parse_navs(body, load)
    assert isinstance(batch.rows, TextColumns)
    days, codes, navs, _ = batch.rows.columns
    said = {(int(code), day): Decimal(nav) for day, code, nav in zip(days, codes, navs, strict=True)}
    rows = connection.execute(
        "select distinct on (nav_date, scheme_code) scheme_code, nav_date::text, nav from raw.amfi_navs"
        " where observed_at <= %s order by nav_date, scheme_code, observed_at desc, load_id desc",
        (instant,),
    ).fetchall()
    connection.rollback()
    known = {(code, day): nav for code, day, nav in rows}
    assert {key: known.get(key) for key in said} == said


def replay(connection: psycopg.Connection[Any], recorded: list[tuple[datetime, bytes]], order: Any) -> None:
    """Take in files in an order; each load's counts add up and the HTML page fails."""
    for instant, body in order:
        load = take(connection, instant, body)
        if body.startswith(b"<html"):
            assert load.status == "failed"
            continue
        assert load.status == "loaded", load.reason
        assert load.rows_seen == load.rows_new + load.rows_changed + load.rows_same + load.rows_rejected
    for instant, body in recorded:
        if not body.startswith(b"<html"):
            load = landing.find(connection, landing.load_id("amfi", "navs", f"{instant:%Y-%m-%dT%H:%MZ}", 1))
            hold_known(connection, instant, body, load)


ORDERS: dict[str, Callable[[list[Any]], list[Any]]] = {
    "as fetched": list,
    "newest first": lambda found: found[::-1],
    "shuffled": lambda found: random.Random(7).sample(found, len(found)),
}


@pytest.mark.parametrize("order", ORDERS)
def test_files_replayed_over_a_cut_of_the_log_add_not_one_version(
    connection: psycopg.Connection[Any], shared: Path, tmp_path: Path, order: str
) -> None:
    table = pq.read_table(shared / "data" / "amfi" / "nav_observations.parquet")
    few = table.filter(
        pc.equal(
            pc.subtract(table["scheme_code"], pc.multiply(pc.divide(table["scheme_code"], EVERY), EVERY)), 0
        )
    )
    pq.write_table(few, tmp_path / "few.parquet")
    load = observations.load_navs(tmp_path / "few.parquet")
    assert load.rows_new + load.rows_changed == load.rows_seen == few.num_rows == versions(connection) > 5000
    recorded = [(instant, cut(body)) for instant, body in files(shared)]
    replay(connection, recorded, ORDERS[order](recorded))
    assert versions(connection) == few.num_rows


def test_files_taken_in_before_the_log_give_the_same_answers(
    connection: psycopg.Connection[Any], shared: Path, tmp_path: Path
) -> None:
    table = pq.read_table(shared / "data" / "amfi" / "nav_observations.parquet")
    wanted = pc.equal(
        pc.subtract(table["scheme_code"], pc.multiply(pc.divide(table["scheme_code"], EVERY), EVERY)), 0
    )
    pq.write_table(table.filter(wanted), tmp_path / "few.parquet")
    recorded = [(instant, cut(body)) for instant, body in files(shared)]
    replay(connection, recorded, ORDERS["shuffled"](recorded))
    load = observations.load_navs(tmp_path / "few.parquet")
    assert load.rows_seen == load.rows_new + load.rows_changed + load.rows_same
    replay(connection, recorded, [])


@pytest.mark.exhaustive
def test_the_whole_log_has_every_version_with_its_revision_and_files_add_none(
    connection: psycopg.Connection[Any], shared: Path
) -> None:
    path = shared / "data" / "amfi" / "nav_observations.parquet"
    load = observations.load_navs(path)
    assert (load.status, load.rows_seen, load.rows_rejected) == ("loaded", ROWS, 0)
    assert (load.rows_new, load.rows_changed, load.rows_same) == (ROWS - REVISED, REVISED, 0)
    assert versions(connection) == ROWS
    connection.execute("analyze raw.amfi_navs")
    kept = connection.execute(
        "select scheme_code, nav_date, observed_at, row_number() over"
        " (partition by nav_date, scheme_code order by observed_at) - 1 as revision from raw.amfi_navs"
    ).fetchall()
    connection.rollback()
    table = pq.read_table(path)
    said = zip(*(table[name].to_pylist() for name in ("scheme_code", "nav_date", "first_seen", "revision")))  # noqa: B905
    assert set(kept) == set(said)
    recorded = files(shared)
    for order in ORDERS.values():
        replay(connection, recorded, order(recorded))
        assert versions(connection) == ROWS
        connection.execute("delete from raw.rejected_rows")
        connection.execute("delete from raw.loads where dataset = 'navs'")
        connection.commit()
