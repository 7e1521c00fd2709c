"""From which day on a stage makes its daily tables anew."""

import re
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
import yaml

from folio.errors import TransformationError
from folio.jobs import nights, touches, transformation
from folio.settings import ROOT

FIRST, SECOND, THIRD = "2013-02-27T0300Z", "2013-02-28T0300Z", "2013-03-01T0300Z"
OLD = date(2012, 5, 4)
CODE = "one"


def execute(dsn, statement, *parameters):
    with psycopg.connect(dsn) as connection:
        connection.execute(statement, parameters)


def add_load(connection, observed):
    """A load that ends now."""
    load_id = uuid4()
    connection.execute(
        "insert into raw.loads (load_id, source, dataset, slot, attempt, request, status, payload_sha256, "
        "observed_at, finished_at) values (%s, 'x', 'x', %s, 1, '', 'loaded', 'x', %s, clock_timestamp())",
        [load_id, str(load_id), observed],
    )
    return load_id


def land(dsn, table, observed, **values):
    """One row of a raw table, in a load of its own."""
    with psycopg.connect(dsn) as connection:
        row = values | {
            "observed_at": observed, "known_basis": "observed", "load_id": add_load(connection, observed),
            "line": 1,
        }  # fmt: skip
        connection.execute(
            f"insert into raw.{table} ({', '.join(row)}) values ({', '.join(['%s'] * len(row))})",
            list(row.values()),
        )


def land_nav(dsn, day, observed):
    land(dsn, "amfi_navs", observed, nav_date=day, scheme_code=1, nav=1)


def land_booking(dsn, key, day, observed, pair_key=None, kind="buy", instrument_key=None):
    land(
        dsn, "book_transactions", observed, transaction_key=key, transaction_id=UUID(int=1), account_key="a",
        kind=kind, trade_date=day, currency="USD", fee=0, tax=0, status="settled", pair_key=pair_key,
        instrument_key=instrument_key,
    )  # fmt: skip


def in_night(number: int) -> datetime:
    """Shortly before one of the nights."""
    return datetime(2013, 2, 26, 2, tzinfo=UTC) + timedelta(days=number)


def build(night, code=CODE, stages=("ledger", "values")):
    """First days of the stages of a night, each of which is completed."""
    assert nights.open_night(night)
    found = []
    for stage, before in zip(stages, (None, *stages), strict=False):
        found.append(touches.begin_stage(stage, before, code))
        touches.complete_stage(stage)
    return found


def test_a_first_build_makes_every_day_and_the_next_what_came_after_it(warehouse):
    assert build(FIRST) == [None, None]
    assert build(SECOND) == [date(2013, 2, 27)] * 2
    assert build(SECOND) == [date(2013, 2, 28)] * 2


def test_a_late_price_is_reached_back_to_once(warehouse):
    build(FIRST)
    land_nav(warehouse, OLD, in_night(2))
    assert build(SECOND) == [OLD, OLD]
    assert build(THIRD) == [date(2013, 2, 28)] * 2


def test_a_fact_that_the_night_does_not_know_yet_waits(warehouse):
    build(FIRST)
    land_nav(warehouse, OLD, in_night(3))
    assert build(SECOND) == [date(2013, 2, 27)] * 2
    assert build(THIRD) == [OLD, OLD]


def test_a_booking_reaches_back_to_every_day_it_had_and_to_the_leg_it_is_paired_with(warehouse):
    land_booking(warehouse, "arrives", OLD, in_night(1), pair_key="move")
    land_booking(warehouse, "moved", date(2012, 8, 1), in_night(1))
    build(FIRST)
    land_booking(warehouse, "moved", date(2013, 1, 1), in_night(2))
    assert build(SECOND) == [date(2012, 8, 1)] * 2
    land_booking(warehouse, "leaves", date(2013, 1, 2), in_night(3), pair_key="move")
    assert build(THIRD) == [OLD, OLD]


def test_the_day_of_an_arrival_known_before_reaches_back_to_what_left(warehouse):
    land_booking(warehouse, "leaves", OLD, in_night(1), pair_key="move", kind="switch_out")
    land_booking(warehouse, "arrives", date(2013, 2, 27), in_night(1), pair_key="move", kind="switch_in")
    assert build(FIRST) == [None, None]
    assert build(SECOND) == [OLD, OLD]
    assert build(THIRD) == [date(2013, 2, 28)] * 2


def test_units_that_are_credited_late_reach_back_to_the_day_on_which_the_price_fell(warehouse):
    spun = {"instrument_key": "whole", "kind": "spin_off", "effective_date": OLD, "ratio": 1, "cost_share": 0}
    land(warehouse, "book_instrument_successors", in_night(1), **spun, successor_key="part")
    with psycopg.connect(warehouse) as connection:
        connection.execute(
            "insert into raw.identities values ('instrument', 'share', %s, %s)",
            [UUID(int=7), add_load(connection, in_night(1))],
        )
        connection.execute(
            "create schema if not exists build; drop table if exists build.int_splits_resolved cascade; "
            "create table build.int_splits_resolved (instrument_id uuid, execution_date date)"
        )
        connection.execute("insert into build.int_splits_resolved values (%s, '2012-09-03')", [UUID(int=7)])
    build(FIRST)
    land_booking(warehouse, "b", date(2012, 9, 20), in_night(2), kind="bonus", instrument_key="share")
    assert build(SECOND) == [date(2012, 9, 3)] * 2
    late = OLD + timedelta(days=touches.CREDIT_DAYS)
    land_booking(warehouse, "s", late, in_night(3), kind="spin_off", instrument_key="part")
    land_booking(warehouse, "t", late, in_night(3), kind="buy", instrument_key="part")
    assert build(THIRD) == [OLD, OLD]


def test_units_are_credited_as_late_here_as_in_the_models():
    macro = (ROOT / "dbt_project" / "macros" / "same_event_days.sql").read_text()
    (days,) = re.findall(r"macro bonus_allotment_days.*?-#\}\s*(\d+)", macro, re.DOTALL)
    assert int(days) == touches.CREDIT_DAYS


def test_new_reference_data_and_new_code_make_every_day(warehouse):
    build(FIRST)
    land(
        warehouse, "polygon_splits", in_night(2), ticker="A", execution_date=OLD, split_from=1, split_to=2
    )  # fmt: skip
    assert build(SECOND) == [None, None]
    assert build(THIRD, code="other") == [None, None]


def test_an_older_night_makes_every_day(warehouse):
    build(SECOND)
    assert build(FIRST) == [None, None]


def test_a_build_that_broke_off_is_begun_again_from_the_same_day(warehouse):
    build(FIRST)
    land_nav(warehouse, OLD, in_night(2))
    nights.open_night(SECOND)
    assert touches.begin_stage("ledger", None, CODE) == OLD
    nights.open_night(THIRD)
    assert touches.begin_stage("ledger", None, CODE) == OLD


def test_a_night_older_than_one_that_broke_off_makes_every_day(warehouse):
    build(FIRST)
    nights.open_night(THIRD)
    touches.begin_stage("ledger", None, CODE)
    assert build(SECOND)[0] is None


def test_a_whole_build_that_broke_off_stays_to_be_done(warehouse):
    build(FIRST)
    nights.open_night(SECOND)
    assert touches.begin_stage("ledger", None, "other") is None
    assert touches.begin_stage("ledger", None, CODE) is None


def test_a_stage_counts_no_fact_that_the_one_before_it_has_not(warehouse):
    build(FIRST)
    nights.open_night(SECOND)
    touches.begin_stage("ledger", None, CODE)
    land_nav(warehouse, OLD, in_night(2))  # too late for the ledger, in time for the values
    touches.complete_stage("ledger")
    touches.begin_stage("values", "ledger", CODE)
    touches.complete_stage("values")
    assert build(SECOND) == [OLD, OLD]


def test_a_load_still_being_written_when_a_stage_begins_is_counted_by_the_next(warehouse):
    build(FIRST)
    nights.open_night(SECOND)
    with psycopg.connect(warehouse) as landing:
        landing.execute(
            "insert into raw.amfi_navs values (%s, 1, 1, %s, 'observed', %s, 1)",
            [OLD, in_night(2), add_load(landing, in_night(2))],
        )
        assert build(SECOND) == [date(2013, 2, 27)] * 2
    assert build(SECOND) == [OLD, OLD]


def test_a_stage_after_one_that_is_not_complete_makes_every_day(warehouse):
    build(FIRST)
    execute(warehouse, "delete from ops.stage_builds where stage = 'ledger'")
    nights.open_night(SECOND)
    touches.begin_stage("ledger", None, CODE)
    assert touches.begin_stage("values", "ledger", CODE) is None


def test_a_stage_without_an_open_night_is_refused(warehouse):
    with pytest.raises(TransformationError, match="No night is open"):
        touches.begin_stage("ledger", None, CODE)


# ---- stages that stand ----------------------------------------------------------------------------------


def standing(code=CODE) -> list[str]:
    """Stages that need not be built again."""
    return [stage for stage in touches.STAGES if touches.is_built(stage, code)]


def test_a_stage_stands_from_its_completion_on(warehouse):
    nights.open_night(FIRST)
    touches.begin_stage("ledger", None, CODE)
    assert standing() == []
    touches.complete_stage("ledger")
    assert standing() == ["ledger"]
    assert nights.open_night(FIRST)
    assert standing() == ["ledger"]


def test_a_load_of_any_kind_lets_no_stage_stand(warehouse):
    build(FIRST)
    assert standing() == ["ledger", "values"]
    with psycopg.connect(warehouse) as connection:
        add_load(connection, in_night(3))  # not even known to the night
    assert standing() == []
    build(FIRST)
    assert standing() == ["ledger", "values"]


def test_a_load_still_being_written_lets_no_stage_stand_once_it_ends(warehouse):
    with psycopg.connect(warehouse) as landing:
        add_load(landing, in_night(1))
        build(FIRST)
        assert standing() == ["ledger", "values"]
    assert standing() == []


def test_what_other_code_built_does_not_stand(warehouse):
    build(FIRST)
    assert standing(code="other") == []


def test_another_night_lets_no_stage_stand_not_even_when_the_first_is_opened_again(warehouse):
    build(FIRST)
    nights.open_night(SECOND)
    assert standing() == []
    nights.open_night(FIRST)
    assert standing() == []


def test_stages_after_one_that_is_begun_do_not_stand(warehouse):
    build(FIRST)
    touches.begin_stage("ledger", None, CODE)
    touches.complete_stage("ledger")
    assert standing() == ["ledger"]
    touches.begin_stage("values", "ledger", CODE)
    assert standing() == ["ledger"]


def test_a_changed_calendar_and_distrust_let_no_stage_stand(warehouse):
    build(FIRST)
    execute(warehouse, "insert into ops.calendar_days values ('X', %s, false, 0)", OLD)
    assert standing() == []
    build(FIRST)
    assert standing() == ["ledger", "values"]
    touches.distrust()
    assert standing() == []


def test_every_raw_table_that_models_read_is_known_by_what_it_changes():
    read = set()
    for path in (transformation.PROJECT / "models").rglob("*__sources.yml"):
        for source in yaml.safe_load(path.read_text())["sources"]:
            if source["schema"] == "raw":
                read |= {table.get("identifier", table["name"]) for table in source["tables"]}
    known = {*touches.DATED_FACTS, *touches.UNDATED_FACTS, *touches.WITHOUT_DAILY_FIGURES, touches.BOOKINGS}
    assert read - {"loads", "identities"} - known == set()
