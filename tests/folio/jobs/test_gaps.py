"""Sessions without a price are listed by source, and missed once they can no longer be late."""

import json

import psycopg
import pytest
import typer
from typer.testing import CliRunner

from folio.commands.gaps import gaps as command
from folio.errors import FolioError
from folio.jobs import calendars, gaps, nights
from folio.store import warehouse as store

NIGHT = "2013-02-21T0300Z"

# The columns that gaps are found in, of tables that dbt builds; Monday the 18th is Presidents' Day.
TABLES = """
    create table build.dim_instruments as
        select instrument_id, code as instrument_code, kind as instrument_kind
        from (values (1, 'share', 'equity'), (2, 'scheme', 'fund'), (3, 'pocket', 'fund'),
                     (4, 'sold', 'equity')) as instruments (instrument_id, code, kind);
    create table build.int_instruments_priced as
        select instrument_id, calendar, carry_limit, late_days, date '2013-02-15' as first_day,
               null::date as ends_on
        from (values (1, 'XNYS', 5, 0), (2, 'AMFI', 5, 1), (3, 'AMFI', null, 1), (4, 'XNYS', 5, 0))
            as instruments (instrument_id, calendar, carry_limit, late_days);
    create table build.int_prices_known as
        select instrument_id, date '2013-02-15' as price_date, 'yahoo' as price_source
        from (values (1)) as known (instrument_id);
    create table build.int_prices_carried as
        select instrument_id, day::date as valuation_date, date '2013-02-15' as price_date
        from generate_series(1, 4) as instruments (instrument_id),
             generate_series(timestamp '2013-02-15', timestamp '2013-02-20', interval '1 day') as days (day);
    create table build.fct_positions as
        select instrument_id, 1 as units, date '2013-02-01' as valid_from,
               case when instrument_id = 4 then date '2013-02-16' end as valid_to
        from generate_series(1, 4) as instruments (instrument_id);
    create table build.price_source_ranks as
        select 'fund' as instrument_kind, 'amfi' as price_source, 1 as rank;
    create table build.price_calendars as select 'fx' as instrument_kind, 'TARGET' as calendar;
    create table build.carry_limits as select 'fx' as instrument_kind, 0 as late_days;
    create table build.int_fx_rates_carried as
        select 'USD' as currency, day::date as valuation_date,
               case when day < '2013-02-20' then day::date else date '2013-02-19' end as rate_date
        from generate_series(timestamp '2013-02-15', timestamp '2013-02-20', interval '1 day') as days (day)
"""


@pytest.fixture
def built(warehouse):
    """Last prices of Friday the 15th, and a night of Wednesday the 20th."""
    assert nights.open_night(NIGHT)
    calendars.keep(NIGHT)
    with psycopg.connect(warehouse) as connection:
        connection.execute(TABLES)
    return warehouse


def found():
    with store.connect() as connection:
        return [(gap.source, gap.day.day, gap.subject, gap.is_overdue) for gap in gaps.find(connection)]


def test_a_gap_is_a_session_without_its_price_of_what_is_held(built):
    assert found() == [
        ("amfi", 18, "scheme", True),
        ("amfi", 19, "scheme", True),
        ("amfi", 20, "scheme", False),  # its NAV may come a day late
        ("ecb", 20, "USD", True),
        ("yahoo", 19, "share", True),  # no session on Monday; Yahoo gave the last price
        ("yahoo", 20, "share", True),
    ]


def test_what_is_overdue_is_one_warning_by_source(built):
    for _ in range(2):  # again is the same
        assert gaps.check(NIGHT) == 5
    with psycopg.connect(built) as connection:
        results = connection.execute(
            "select subject, status, observed, split_part(note, '; all', 1) from ops.check_results "
            "where suite = 'freshness' order by 1"
        ).fetchall()
    assert results == [
        ("amfi", "warned", "2 missing on 2 days", "2013-02-19 scheme; 2013-02-18 scheme"),
        ("ecb", "warned", "1 missing on 1 days", "2013-02-20 USD"),
        ("yahoo", "warned", "2 missing on 2 days", "2013-02-20 share; 2013-02-19 share"),
    ]  # fmt: skip


def test_without_gaps_the_check_has_passed(built):
    with psycopg.connect(built) as connection:
        connection.execute("update build.int_prices_carried set price_date = valuation_date")
        connection.execute("update build.int_fx_rates_carried set rate_date = valuation_date")
    assert gaps.check(NIGHT) == 0
    with psycopg.connect(built) as connection:
        assert connection.execute("select subject, status from ops.check_results").fetchall() == [
            ("all", "passed")
        ]


def run(*words):
    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, list(words))


def test_the_command_lists_them_as_json_and_for_people(built):
    told = json.loads(run("--json", "--days", "1").stdout)
    assert told[-1] == {
        "source": "yahoo", "calendar": "XNYS", "day": "2013-02-20", "subject": "share", "is_overdue": True,
    }  # fmt: skip
    assert {one["day"] for one in told} == {"2013-02-19", "2013-02-20"}
    printed = run().stdout
    assert "scheme" in printed
    assert "may be late" in printed


def test_before_the_first_night_the_command_says_so(warehouse):
    answer = run()
    assert isinstance(answer.exception, FolioError)
    assert "No night has been built yet" in str(answer.exception)
