"""Calendars are kept some weeks ahead, and holidays of Indian funds learned from what AMFI gave."""

from datetime import UTC, date, datetime
from uuid import uuid4

import psycopg
import pytest

from folio.jobs import calendars, nights, touches

NIGHT, LATER = "2013-02-27T0300Z", "2013-02-28T0300Z"
HOLIDAY = date(2013, 2, 13)  # a session of the exchange, so that there is something to learn
SCHEMES = 100


def rows(dsn, query, *parameters):
    with psycopg.connect(dsn) as connection:
        return connection.execute(query, parameters).fetchall()


def sessions_between(dsn, calendar, earlier, later):
    numbers = dict(
        rows(
            dsn,
            "select day::text, session_number from ops.calendar_days where calendar = %s and day in (%s, %s)",
            calendar, earlier, later,
        )
    )  # fmt: skip
    return numbers[later] - numbers[earlier]


def land_navs(dsn, slot, schemes_by_day):
    """NAVs of so many schemes of each day, by one history report."""
    load_id, observed = uuid4(), datetime(2013, 2, 26, 2, tzinfo=UTC)
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "insert into raw.loads (load_id, source, dataset, slot, attempt, request, status, "
            "payload_sha256, observed_at, finished_at) "
            "values (%s, 'amfi', 'history', %s, 1, '', 'loaded', 'x', %s, now())",
            [load_id, slot, observed],
        )
        for day, schemes in schemes_by_day.items():
            connection.execute(
                "insert into raw.amfi_navs "
                "(nav_date, scheme_code, nav, observed_at, known_basis, load_id, line) "
                "select %s, code, 10, %s, 'observed', %s, code from generate_series(1, %s) as codes (code)",
                [day, observed, load_id, schemes],
            )


@pytest.fixture
def opened(warehouse):
    assert nights.open_night(NIGHT)
    return warehouse


def test_a_night_finds_its_sessions_and_those_of_the_weeks_ahead(opened):
    assert calendars.keep(NIGHT) == []
    assert rows(
        opened,
        "select calendar, min(day)::text, max(day)::text, count(*) = max(day) - min(day) + 1 "
        "from ops.calendar_days group by 1 order by 1",
    ) == [
        (calendar, "1999-01-01", "2013-04-09", True)
        for calendar in ("24/7", "AMFI", "TARGET", "XBOM", "XLON", "XNYS")
    ]
    assert sessions_between(opened, "XNYS", "2013-02-15", "2013-02-19") == 1  # Presidents' Day between
    assert sessions_between(opened, "TARGET", "2013-03-28", "2013-04-02") == 1  # Easter between
    assert sessions_between(opened, "24/7", "2013-02-15", "2013-02-19") == 4


def test_a_night_with_nothing_new_writes_nothing(opened):
    calendars.keep(NIGHT)
    before = rows(opened, "select max(changed_at), count(*) from ops.calendar_days")
    assert calendars.keep(LATER) == []
    assert rows(opened, "select max(changed_at), count(*) from ops.calendar_days") == before


def test_a_later_night_extends_the_calendars_and_leaves_what_is_the_same(opened):
    calendars.keep(NIGHT)
    before = rows(opened, "select max(changed_at) from ops.calendar_days")[0][0]
    calendars.keep("2013-04-06T0300Z")
    first, last = rows(
        opened, "select min(day)::text, max(day)::text from ops.calendar_days where changed_at > %s", before
    )[0]
    assert (first, last) == ("2013-04-10", "2013-05-17")


def test_a_day_of_which_the_history_has_next_to_nothing_was_a_holiday(opened):
    around = {date(2013, 2, day): SCHEMES for day in (11, 12, 14, 15)}
    land_navs(opened, "2013-02-04..2013-02-15", {**around, HOLIDAY: 9})
    assert calendars.keep(NIGHT) == [HOLIDAY]
    assert sessions_between(opened, "AMFI", "2013-02-12", "2013-02-14") == 1
    assert sessions_between(opened, "XBOM", "2013-02-12", "2013-02-14") == 2
    assert calendars.keep(NIGHT) == []
    calendars.keep("2013-04-06T0300Z")  # extended: what was learned stays
    assert sessions_between(opened, "AMFI", "2013-02-12", "2013-02-14") == 1


@pytest.mark.parametrize(
    ("slot", "day", "schemes"),
    [
        ("2013-02-04..2013-02-12", HOLIDAY, 9),  # nobody asked again: its file may have been lost
        ("2013-02-04..2013-02-15", HOLIDAY, 40),
        ("2013-02-04..2013-02-25", date(2013, 2, 20), 9),  # its NAVs may be late
    ],
)
def test_a_day_is_no_holiday_while_it_may_be_a_gap(opened, slot, day, schemes):
    around = {date(2013, 2, number): SCHEMES for number in (11, 12, 13, 14, 15, 18, 19, 20, 21, 22)}
    land_navs(opened, slot, around | {day: schemes})
    assert calendars.keep(NIGHT) == []


def test_too_few_schemes_teach_nothing(opened):
    land_navs(opened, "2013-02-04..2013-02-15", {date(2013, 2, day): 3 for day in (11, 12, 14, 15)})
    assert calendars.keep(NIGHT) == []


def test_a_learned_holiday_makes_figures_anew_from_its_day_on(opened):
    calendars.keep(NIGHT)
    touches.begin_stage("ledger", None, "code")
    touches.complete_stage("ledger")
    around = {date(2013, 2, day): SCHEMES for day in (11, 12, 14, 15)}
    land_navs(opened, "2013-02-04..2013-02-15", around)
    assert touches.begin_stage("ledger", None, "code") == date(2013, 2, 11)  # the NAVs themselves
    touches.complete_stage("ledger")
    assert calendars.keep(NIGHT) == [HOLIDAY]
    assert touches.begin_stage("ledger", None, "code") == HOLIDAY
