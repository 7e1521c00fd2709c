"""What is known at an instant is the same in whatever order snapshots and recorded observations arrive."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from folio.errors import LoadError
from folio.sources import landing
from folio.sources.landing import Ask, Batch, Load
from folio.sources.payloads import Payload
from folio.store import warehouse as warehouse_module

DAY = date(2020, 1, 1)
INSTANTS = range(1, 8)
KEYS = (1, 2)


def at(day: int, hour: int = 3) -> datetime:
    return datetime(2020, 1, day, hour, tzinfo=UTC)


def snapshot(body: bytes, load: Load) -> Batch:
    """Lines `code value`: all observed with the load."""
    cells = [line.split() for line in body.decode().splitlines()]
    return Batch("amfi_navs", [(DAY, int(code), int(nav), n) for n, (code, nav) in enumerate(cells, start=1)])


def log(body: bytes, load: Load) -> Batch:
    """Lines `code value day`: each observed at noon of its own day of January."""
    cells = [line.split() for line in body.decode().splitlines()]
    rows = [
        (DAY, int(code), int(nav), n, at(int(day), 12)) for n, (code, nav, day) in enumerate(cells, start=1)
    ]
    return Batch("amfi_navs", rows, dated=True)


PARSERS = {("amfi", "navs"): snapshot, ("amfi", "observations"): log}


@pytest.fixture
def connection(warehouse: str) -> Iterator[psycopg.Connection[Any]]:
    with warehouse_module.connect(warehouse) as opened:
        yield opened


Take = Callable[..., Load]


@pytest.fixture
def take(connection: psycopg.Connection[Any], tmp_path: Path) -> Take:
    """Takes in lines as a dataset, observed on a day."""

    def take_in(dataset: str, day: int, *lines: str, others: Any = PARSERS) -> Load:
        return landing.take_in(
            connection,
            Ask("amfi", dataset, f"{day}", None, "test"),
            lambda: Payload("\n".join(lines).encode(), at(day, 12 if dataset == "observations" else 3)),
            PARSERS["amfi", dataset],
            folder=tmp_path,
            others=others,
        )

    return take_in


def known(connection: psycopg.Connection[Any], code: int, instant: datetime) -> int | None:
    row = connection.execute(
        "select nav::int from raw.amfi_navs where scheme_code = %s and observed_at <= %s"
        " order by observed_at desc, load_id desc limit 1",
        (code, instant),
    ).fetchone()
    connection.rollback()
    return row[0] if row else None


snapshots = st.dictionaries(
    st.sampled_from(INSTANTS),
    st.dictionaries(st.sampled_from(KEYS), st.integers(1, 2), min_size=1),
    min_size=2,
    max_size=5,
)
logs = st.dictionaries(
    st.tuples(st.sampled_from(KEYS), st.sampled_from(INSTANTS)), st.integers(1, 2), max_size=5
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), snapshots=snapshots, logged=logs)
def test_any_order_of_loads_gives_the_same_answers(
    connection: psycopg.Connection[Any], take: Take, data: st.DataObject, snapshots: Any, logged: Any
) -> None:
    connection.execute("truncate raw.loads, raw.amfi_navs cascade")
    connection.commit()
    loads = [
        ("navs", day, [f"{code} {nav}" for code, nav in said.items()]) for day, said in snapshots.items()
    ]
    if logged:
        lines = [f"{code} {nav} {day}" for (code, day), nav in logged.items()]
        loads.append(("observations", max(day for _, day in logged), lines))
    for dataset, day, lines in data.draw(st.permutations(loads)):
        load = take(dataset, day, *lines)
        assert load.status == "loaded", load.reason
        assert load.rows_seen == load.rows_new + load.rows_changed + load.rows_same == len(lines)
    observed = [(at(day), code, nav) for day, said in snapshots.items() for code, nav in said.items()]
    observed += [(at(day, 12), code, nav) for (code, day), nav in logged.items()]
    for code in KEYS:
        for instant in [at(day, hour) for day in INSTANTS for hour in (3, 12)]:
            said = [nav for seen, c, nav in sorted(observed) if c == code and seen <= instant]
            assert known(connection, code, instant) == (said[-1] if said else None)


def test_a_value_that_was_confirmed_is_known_again_after_a_late_payload(
    connection: psycopg.Connection[Any], take: Take
) -> None:
    take("navs", 1, "1 10")
    confirming = take("navs", 3, "1 10")
    take("observations", 2, "1 12 2")
    rows = connection.execute(
        "select extract(day from observed_at)::int, nav::int, load_id = %s from raw.amfi_navs order by 1",
        (confirming.load_id,),
    ).fetchall()
    assert rows == [(1, 10, False), (2, 12, False), (3, 10, True)]


def test_a_snapshot_and_a_log_that_disagree_in_turns_are_both_known_in_their_turns(
    connection: psycopg.Connection[Any], take: Take
) -> None:
    for day in (1, 2, 3):
        take("navs", day, "1 20")
    take("observations", 3, "1 10 1", "1 10 2", "1 10 3")
    instants = [at(day, hour) for day in (1, 2, 3) for hour in (3, 12)]
    assert [known(connection, 1, instant) for instant in instants] == [20, 10] * 3


def test_a_log_is_compared_with_itself_and_a_later_snapshot_adds_nothing(
    connection: psycopg.Connection[Any], take: Take
) -> None:
    load = take("observations", 5, "1 10 1", "1 10 2", "1 11 3", "2 20 5")
    assert (load.rows_new, load.rows_changed, load.rows_same) == (2, 1, 1)
    assert take("navs", 4, "1 11").rows_same == 1
    assert take("navs", 6, "1 11", "2 20").rows_same == 2
    assert [known(connection, 1, at(day, 12)) for day in (1, 2, 3)] == [10, 10, 11]


def test_the_same_key_at_the_same_instant_is_a_twin_or_a_contradiction(take: Take) -> None:
    load = take("observations", 2, "1 10 1", "1 10 1", "1 11 1", "1 10 2")
    assert (load.rows_seen, load.rows_new, load.rows_same, load.rows_rejected) == (4, 1, 2, 1)


def test_a_late_payload_fails_plainly_where_a_later_one_cannot_be_read_again(
    connection: psycopg.Connection[Any], take: Take
) -> None:
    take("navs", 3, "1 10")
    load = take("observations", 2, "1 12 2", others={})
    assert load.status == "failed"
    assert "older than amfi/navs 3" in (load.reason or "")
    assert known(connection, 1, at(3)) == 10
    with pytest.raises(LoadError, match="there is no load"):
        landing.find(connection, landing.load_id("amfi", "navs", "never", 1))
