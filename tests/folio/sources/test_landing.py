"""Landing keeps versions, counts every row, takes over after a kill, and leaves nothing half."""

import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from folio.errors import LoadError, PayloadError, SourceError
from folio.sources import landing, payloads, tables
from folio.sources.landing import Ask, Batch, Load, Rejected, TextColumns
from folio.sources.payloads import Payload
from folio.store import warehouse as warehouse_module

DAY = date(2020, 1, 1)


@pytest.fixture
def connection(warehouse: str) -> Iterator[psycopg.Connection[Any]]:
    with warehouse_module.connect(warehouse) as opened:
        yield opened


def navs(body: bytes, load: Load) -> Batch:
    """A payload of lines `code value`, for 2020-01-01; `#` rejects the line."""
    lines = [line.split(" ", 1) for line in body.decode().splitlines()]
    numbered = list(enumerate(lines, start=1))
    rows = [(DAY, int(cells[0]), Decimal(cells[1]), n) for n, cells in numbered if cells[0] != "#"]
    return Batch(
        "amfi_navs", rows, [Rejected(n, "bad", " ".join(cells)) for n, cells in numbered if cells[0] == "#"]
    )


@pytest.fixture
def take(connection: psycopg.Connection[Any], tmp_path: Path) -> Callable[..., Load]:
    """Takes in a slot observed on a day of January 2020."""

    def take_in(slot: str, day: int, *lines: str, basis: str = "observed", **options: Any) -> Load:
        return landing.take_in(
            connection,
            Ask("amfi", options.pop("dataset", "navs"), slot, None, slot, basis),  # type: ignore[arg-type]
            lambda: Payload("\n".join(lines).encode(), datetime(2020, 1, day, 3, tzinfo=UTC)),
            options.pop("parse", navs),
            folder=tmp_path,
            **options,
        )

    return take_in


def counts(load: Load) -> tuple[int, int, int, int, int]:
    return (load.rows_seen, load.rows_new, load.rows_changed, load.rows_same, load.rows_rejected)


def versions(connection: psycopg.Connection[Any], code: int = 1) -> list[tuple[int, int]]:
    rows = connection.execute(
        "select extract(day from observed_at)::int, nav::int from raw.amfi_navs where scheme_code = %s"
        " order by observed_at, load_id",
        (code,),
    ).fetchall()
    connection.rollback()
    return rows


def known(connection: psycopg.Connection[Any], day: int, code: int = 1) -> int:
    return [nav for observed, nav in versions(connection, code) if observed <= day][-1]


def everything(connection: psycopg.Connection[Any]) -> list[Any]:
    rows = [
        connection.execute(query).fetchall()
        for query in (
            "select load_id, slot, attempt, status, payload_sha256, observed_at, rows_seen, rows_new, reason"
            " from raw.loads order by 1",
            "select * from raw.amfi_navs order by 1, 2, 4, 6",
            "select * from raw.rejected_rows order by 1, 2, 3",
        )
    ]
    connection.rollback()
    return rows


def test_only_what_differs_from_the_version_known_is_appended(
    connection: psycopg.Connection[Any], take: Callable[..., Load]
) -> None:
    assert counts(take("a", 1, "1 10", "2 20", "# x")) == (3, 2, 0, 0, 1)
    assert counts(take("b", 2, "1 10", "2 21", "3 30")) == (3, 1, 1, 1, 0)
    assert counts(take("c", 3, "1 10.0000", "2 20")) == (2, 0, 1, 1, 0)
    assert versions(connection, 2) == [(1, 20), (2, 21), (3, 20)]
    assert connection.execute("select line, reason, content from raw.rejected_rows").fetchall() == [
        (3, "bad", "# x")
    ]


def test_a_loaded_slot_is_neither_fetched_nor_written_again(
    connection: psycopg.Connection[Any], take: Callable[..., Load]
) -> None:
    first = take("a", 1, "1 10")
    before = everything(connection)
    again = take("a", 1, "1 99")
    assert (again.load_id, again.repeated, first.repeated) == (first.load_id, True, False)
    assert everything(connection) == before


def test_a_refetch_is_another_attempt_in_the_place_of_the_first(
    connection: psycopg.Connection[Any], take: Callable[..., Load]
) -> None:
    take("a", 1, "1 10")
    assert counts(take("a", 2, "1 11", refetch=True)) == (1, 0, 1, 0, 0)
    rows = connection.execute("select attempt, status, reason from raw.loads order by attempt").fetchall()
    assert rows == [(1, "superseded", "replaced by attempt 2"), (2, "loaded", None)]


def test_a_payload_of_the_past_falls_into_its_place(
    connection: psycopg.Connection[Any], take: Callable[..., Load]
) -> None:
    take("first", 1, "1 10")
    take("third", 3, "1 10")  # the same: no version of its own
    late = take("second", 2, "1 12", "2 7")
    assert counts(late) == (2, 1, 1, 0, 0)
    assert [known(connection, day) for day in (1, 2, 3, 4)] == [10, 12, 10, 10]
    assert counts(take("before all", 1, "2 7")) == (1, 1, 0, 0, 0)


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1), (3, 1, 2)])
def test_what_is_known_does_not_depend_on_the_order_of_arrival(
    connection: psycopg.Connection[Any], take: Callable[..., Load], order: tuple[int, ...]
) -> None:
    said = {1: ("1 10", "2 5"), 2: ("1 11", "2 5"), 3: ("1 10", "2 5")}
    for day in order:
        take(f"slot {day}", day, *said[day])
    assert [known(connection, day) for day in (1, 2, 3)] == [10, 11, 10]
    assert [known(connection, day, 2) for day in (1, 2, 3)] == [5, 5, 5]


def test_twins_in_a_file_count_as_the_same_and_contradictions_are_rejected(
    connection: psycopg.Connection[Any], take: Callable[..., Load]
) -> None:
    load = take("a", 1, "1 10", "1 10.0", "2 20", "1 11", "2 21")
    assert counts(load) == (5, 2, 0, 1, 2)
    rows = connection.execute("select line, reason from raw.rejected_rows order by line").fetchall()
    assert rows == [
        (4, "line 4 contradicts line 1: the same key, another value"),
        (5, "line 5 contradicts line 3: the same key, another value"),
    ]
    assert versions(connection, 2) == [(1, 20)]


def test_assumed_history_stands_from_the_day_after_and_gives_way_to_what_was_observed(
    connection: psycopg.Connection[Any], take: Callable[..., Load]
) -> None:
    take("night", 5, "1 10", "2 20")
    load = take("2020-01", 20, "1 10", "2 22", "3 30", basis="assumed", dataset="history")
    assert counts(load) == (3, 1, 1, 1, 0)
    assert versions(connection, 1) == [(5, 10)]
    assert versions(connection, 2) == [(5, 20), (20, 22)]
    [(observed_at, basis)] = connection.execute(
        "select observed_at, known_basis from raw.amfi_navs where scheme_code = 3"
    ).fetchall()
    assert (observed_at, basis) == (datetime(2020, 1, 2, 3, tzinfo=UTC), "assumed")


def test_a_source_at_fault_is_a_failed_load_that_keeps_what_came(
    connection: psycopg.Connection[Any], take: Callable[..., Load], tmp_path: Path
) -> None:
    class UnusableError(SourceError):
        payload = Payload(b"<html>", datetime(2020, 1, 1, tzinfo=UTC))

    def fetch() -> Payload:
        raise UnusableError("amfi: an HTML page")

    load = landing.take_in(connection, Ask("amfi", "navs", "a", None, "a"), fetch, navs, folder=tmp_path)
    assert (load.status, load.reason) == ("failed", "amfi: an HTML page")
    assert payloads.read(tmp_path, load.payload_sha256 or "") == b"<html>"
    again = take("a", 1, "1 10")
    assert (again.status, again.attempt) == ("loaded", 2)


def test_an_unreadable_payload_and_a_value_that_does_not_fit_fail_with_nothing_written(
    connection: psycopg.Connection[Any], take: Callable[..., Load]
) -> None:
    def unreadable(body: bytes, load: Load) -> Batch:
        raise PayloadError("not the format")

    def too_large(body: bytes, load: Load) -> Batch:
        return Batch("amfi_navs", TextColumns((("2020-01-01",) * 2, ("1", "2"), ("1", "9" * 30), ("1", "2"))))

    def not_exact(body: bytes, load: Load) -> Batch:
        return Batch("amfi_navs", [(DAY, 1, 1.5, 1)])

    assert take("a", 1, "x", parse=unreadable).reason == "not the format"
    assert "overflow" in (take("b", 1, "x", parse=too_large).reason or "")
    assert "has no exact text" in (take("c", 1, "x", parse=not_exact).reason or "")
    assert versions(connection) == []
    assert connection.execute("select distinct status, payload_sha256 is null from raw.loads").fetchall() == [
        ("failed", False)
    ]


def test_a_held_batch_lands_when_accepted_in_its_own_time(
    connection: psycopg.Connection[Any], take: Callable[..., Load], tmp_path: Path
) -> None:
    take("first", 1, "1 10")
    held = take("second", 2, "1 12", check=lambda *_: "too odd")
    assert (held.status, held.reason, counts(held)) == ("held", "too odd", (0, 0, 0, 0, 0))
    assert take("second", 2, "1 99").repeated
    take("third", 3, "1 10")
    assert known(connection, 3) == 10
    accepted = landing.accept(connection, held.load_id, navs, folder=tmp_path)
    assert (accepted.status, accepted.reason) == ("loaded", "accepted; held for: too odd")
    assert [known(connection, day) for day in (1, 2, 3)] == [10, 12, 10]
    with pytest.raises(LoadError, match="is loaded, not held"):
        landing.accept(connection, held.load_id, navs, folder=tmp_path)
    with pytest.raises(LoadError, match="there is no load"):
        landing.accept(connection, uuid.UUID(int=0), navs, folder=tmp_path)


def test_text_with_tabs_backslashes_and_newlines_survives(
    connection: psycopg.Connection[Any], take: Callable[..., Load]
) -> None:
    name = "a\tb\\N\nc\r\\"

    def parse(body: bytes, load: Load) -> Batch:
        return Batch("amfi_schemes", [(1, None, "", name, None, None, None, None, 1)])

    take("a", 1, "x", parse=parse, dataset="schemes")
    rows = connection.execute(
        "select scheme_name, isin_payout_or_growth, isin_reinvestment from raw.amfi_schemes"
    )
    assert rows.fetchall() == [(name, None, "")]


def test_what_hangs_on_a_batch_is_written_with_it_or_not_at_all(
    connection: psycopg.Connection[Any], take: Callable[..., Load]
) -> None:
    def parse_with(fault: bool) -> Callable[[bytes, Load], Batch]:
        def also(open_connection: psycopg.Connection[Any], load: Load) -> None:
            open_connection.execute(
                "insert into raw.identities values ('fund', 'x', %s, %s)", (uuid.UUID(int=1), load.load_id)
            )
            if fault:
                raise LoadError("identities cannot be written")

        return lambda body, load: Batch("amfi_navs", [(DAY, 1, Decimal(1), 1)], also=also)

    assert take("a", 1, "x", parse=parse_with(True)).status == "failed"
    assert connection.execute("select count(*) from raw.identities").fetchone() == (0,)
    assert take("a", 1, "x", parse=parse_with(False)).status == "loaded"
    assert connection.execute("select count(*) from raw.identities").fetchone() == (1,)


KILLED = """
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from folio.sources import landing
from folio.sources.payloads import Payload
from folio.store import warehouse

dsn, folder, point = sys.argv[1:]

def stop_at(name):
    if name == point:
        print("there", flush=True)
        sys.stdin.read()

def fetch():
    stop_at("fetch")
    return Payload(b"1 10", datetime(2020, 1, 1, 3, tzinfo=UTC))

def rows():
    yield ("2020-01-01", 1, Decimal(10), 1)
    stop_at("copy")

def parse(body, load):
    stop_at("parse")
    return landing.Batch("amfi_navs", rows(), also=lambda *_: stop_at("append"))

with warehouse.connect(dsn) as connection:
    ask = landing.Ask("amfi", "navs", "a", None, "a")
    landing.take_in(connection, ask, fetch, parse, folder=Path(folder))
"""


@pytest.mark.parametrize("point", ["fetch", "parse", "copy", "append"])
def test_a_kill_at_any_point_leaves_nothing_half_and_the_next_attempt_ends_alike(
    connection: psycopg.Connection[Any], warehouse: str, take: Callable[..., Load], tmp_path: Path, point: str
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, warehouse, str(tmp_path), point],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": ":".join(sys.path), "FOLIO_DSN": warehouse},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"there\n"
    if point in ("copy", "append"):
        states = connection.execute(
            "select state from pg_stat_activity where datname = current_database()"
            " and pid <> pg_backend_pid() and application_name = 'folio' and backend_xid is not null"
        ).fetchall()
        assert states, "the process is killed while its transaction is open"
    connection.rollback()
    process.kill()
    process.communicate()
    assert versions(connection) == []

    load = take("a", 1, "1 10")  # waits for the lock of the dead session
    assert (load.status, load.attempt, counts(load)) == ("loaded", 1, (1, 1, 0, 0, 0))
    assert load.load_id == landing.load_id("amfi", "navs", "a", 1)
    assert connection.execute("select attempt, status from raw.loads").fetchall() == [(1, "loaded")]
    assert versions(connection) == [(1, 10)]


def test_every_declared_table_is_as_the_migrations_made_it(connection: psycopg.Connection[Any]) -> None:
    for table in tables.TABLES.values():
        columns = connection.execute(
            "select column_name from information_schema.columns where table_schema = 'raw'"
            " and table_name = %s order by ordinal_position",
            (table.name,),
        ).fetchall()
        names = [name for (name,) in columns]
        assert sorted([*table.columns, "observed_at", "known_basis", "load_id", "line"]) == sorted(names)
        key = connection.execute(
            "select array_agg(a.attname::text order by k.place) from pg_index as i,"
            " unnest(i.indkey::int[]) with ordinality as k (attnum, place), pg_attribute as a"
            " where i.indrelid = %s::regclass and i.indisprimary"
            " and a.attrelid = i.indrelid and a.attnum = k.attnum",
            (f"raw.{table.name}",),
        ).fetchone()
        assert key == ([*table.key, "observed_at", "load_id"],)
