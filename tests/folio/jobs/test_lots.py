"""The job that matches lots: what it reads of the ledger, and what it writes for the marts."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg

from folio.jobs import lots

D = Decimal
HOME, WEALTH, UNIT = (UUID(int=number) for number in (1, 2, 3))
BROKER, RETIREMENT, POOL, SHARE, OTHER = (UUID(int=number) for number in (4, 5, 6, 7, 8))
BUILD = """
    create table build.dim_portfolios (portfolio_id uuid, household_id uuid, tax_unit_id uuid);
    create table build.dim_accounts (
        account_id uuid, portfolio_id uuid, account_currency text, tax_regime text
    );
    create table build.dim_instruments (instrument_id uuid, asset_class text, instrument_kind text);
    create table build.fct_fx_rates_daily (
        from_currency text, to_currency text, valuation_date date, rate numeric
    );
    create table build.int_ledger_events (
        transaction_id uuid, account_id uuid, instrument_id uuid, lot_method text, kind text,
        trade_date date, sequence integer, units numeric(38, 18), ratio numeric(28, 12),
        price_cost_account numeric(28, 8), tax_cost_account numeric(28, 8),
        proceeds_account numeric(28, 8), pair_key text, external_id text, named_lot text,
        cost_share numeric(20, 12)
    );
"""


def book(connection: psycopg.Connection[Any], account: UUID, method: str, *events: tuple[Any, ...]) -> None:
    """Buys (units, cost), sells (units below zero, proceeds) and returns of capital (no units), in order."""
    for sequence, (number, day, units, amount) in enumerate(events):
        cost, proceeds = (amount, 0) if units > 0 else (0, amount)
        kind = "buy" if units > 0 else "sell" if units < 0 else "return_of_capital"
        connection.execute(
            "insert into build.int_ledger_events values "
            "(%s, %s, %s, %s, %s, %s, %s, %s, null, %s, %s, %s, null)",
            [
                *(UUID(int=number), account, SHARE, method, kind, day, sequence),
                *(abs(units), cost, cost, proceeds),
            ],
        )


def open_accounts(connection: psycopg.Connection[Any]) -> None:
    """Three accounts of one household, without an event."""
    connection.execute("drop schema if exists build cascade; create schema build;" + BUILD)
    connection.execute("insert into build.dim_portfolios values (%s, %s, %s)", [WEALTH, HOME, UNIT])
    for instrument in (SHARE, OTHER):
        connection.execute("insert into build.dim_instruments values (%s, 'equity', 'share')", [instrument])
    for account, regime in ((BROKER, "us"), (RETIREMENT, "us_retirement"), (POOL, "uk")):
        connection.execute(
            "insert into build.dim_accounts values (%s, %s, 'USD', %s)", [account, WEALTH, regime]
        )


def test_matches_carry_rule_term_and_denied_losses_by_the_accounts_method_and_regime(warehouse: str) -> None:
    with psycopg.connect(warehouse) as connection:
        open_accounts(connection)
        book(
            connection,
            BROKER,
            "hifo",
            (101, "2020-01-01", 10, 100),
            (102, "2020-02-01", 10, 300),
            (103, "2020-06-01", -10, 200),
            (104, "2020-06-10", 4, 90),
            (105, "2021-06-02", -10, 150),
        )
        book(connection, RETIREMENT, "fifo", (201, "2020-06-20", 1, 20))
        book(
            connection,
            POOL,
            "section_104",
            (301, "2020-01-01", 10, 100),
            (302, "2020-06-01", -4, 80),
            (303, "2020-06-15", 1, 30),
        )
    lots.match("2021-07-01T0300Z", "0/1")
    with psycopg.connect(warehouse) as connection:
        matches = connection.execute(
            "select closing_transaction_id, units, tax_cost_account, match_rule, term, disallowed_account, "
            "cost_added_account from computed.lot_matches order by 1, acquisition_date desc"
        ).fetchall()
        added = connection.execute(
            "select opening_transaction_id, cost_added_account from computed.lots "
            "where cost_added_account > 0"
        ).fetchall()
    assert [(row[0].int, *row[1:]) for row in matches] == [
        (103, 10, 300, "lot", "short", 50, 0),
        (105, 4, 90, "lot", "long", 0, 40),
        (105, 6, 60, "lot", "long", 0, 0),
        (302, 1, 30, "later_days", None, 0, 0),
        (302, 3, 30, "pool", None, 0, 0),
    ]
    assert added == []


def test_capital_that_is_returned_lowers_cost_and_is_gain_beyond_it(warehouse: str) -> None:
    with psycopg.connect(warehouse) as connection:
        open_accounts(connection)
        book(connection, BROKER, "fifo", (101, "2020-01-01", 10, 100), (102, "2020-06-01", 0, 30),
             (103, "2021-06-01", 0, 90), (104, "2021-07-01", -5, 80))  # fmt: skip
        book(connection, POOL, "section_104", (301, "2020-01-01", 0, 10), (302, "2020-01-02", 1, 10))
    lots.match("2021-08-01T0300Z", "0/1")
    with psycopg.connect(warehouse) as connection:
        matches = connection.execute(
            "select closing_transaction_id, units, tax_cost_account, proceeds_account, match_rule, term "
            "from computed.lot_matches order by 1"
        ).fetchall()
        still = connection.execute(
            "select units_open, tax_cost_open_account from computed.lots where account_id = %s", [BROKER]
        ).fetchall()
        refused = connection.execute("select reason from computed.ledger_rejections").fetchall()
    assert [(row[0].int, *row[1:]) for row in matches] == [
        (102, 0, 30, 30, "return_of_capital", "short"),
        (103, 0, 70, 90, "return_of_capital", "long"),
        (104, 5, 0, 80, "lot", "long"),
    ]
    assert still == [(5, 0)]
    assert [("finds no units" in reason) for (reason,) in refused] == [True]


def move(
    connection: psycopg.Connection[Any],
    number: int,
    account: UUID,
    kind: str,
    day: str,
    pair: str | None,
    instrument: UUID = SHARE,
) -> None:
    """A unit that is bought for ten or moves between accounts."""
    cost = 10 if kind == "buy" else 0
    connection.execute(
        "insert into build.int_ledger_events values (%s, %s, %s, 'fifo', %s, %s, %s, 1, null, %s, %s, 0, %s)",
        [UUID(int=number), account, instrument, kind, day, number, cost, cost, pair],
    )


def rate_dollars(connection: psycopg.Connection[Any]) -> None:
    """A dollar is a dollar on every day of 2020."""
    connection.execute(
        "insert into build.fct_fx_rates_daily select 'USD', 'USD', day::date, 1 "
        "from generate_series(date '2020-01-01', date '2020-12-31', interval '1 day') as day"
    )


def test_one_key_moves_several_instruments(warehouse: str) -> None:
    with psycopg.connect(warehouse) as connection:
        open_accounts(connection)
        rate_dollars(connection)
        for number, instrument in enumerate((SHARE, OTHER)):
            move(connection, number, BROKER, "buy", "2020-01-01", None, instrument)
            move(connection, 10 + number, BROKER, "transfer_out", "2020-02-01", "all", instrument)
            move(connection, 20 + number, RETIREMENT, "transfer_in", "2020-02-01", "all", instrument)
    lots.match("2021-08-01T0300Z", "0/1")
    with psycopg.connect(warehouse) as connection:
        held = connection.execute(
            "select account_id, instrument_id, units_open, tax_cost_open_account from computed.lots "
            "where units_open > 0 order by 2"
        ).fetchall()
    assert held == [(RETIREMENT, SHARE, 1, 10), (RETIREMENT, OTHER, 1, 10)]


def test_units_of_a_merger_are_those_that_were_booked_and_cost_what_the_old_ones_did(warehouse: str) -> None:
    with psycopg.connect(warehouse) as connection:
        open_accounts(connection)
        rate_dollars(connection)
        book(connection, BROKER, "fifo", (1, "2020-01-01", 1, 100))
        move(connection, 2, BROKER, "merger_out", "2020-02-01", "merged")
        move(connection, 3, BROKER, "merger_in", "2020-02-01", "merged", OTHER)
        connection.execute("update build.int_ledger_events set units = 0.4 where kind = 'merger_in'")
    lots.match("2021-08-01T0300Z", "0/1")
    assert open_lots(warehouse) == [(OTHER, D("0.4"), 100, date(2020, 1, 1))]


def test_units_of_a_spin_off_take_their_share_of_cost_and_the_dates(warehouse: str) -> None:
    with psycopg.connect(warehouse) as connection:
        open_accounts(connection)
        rate_dollars(connection)
        book(connection, BROKER, "fifo", (1, "2020-01-01", 10, 100))
        spin_off(connection, 2, BROKER, "2020-02-01", "0.25")
        spin_off(connection, 3, RETIREMENT, "2020-02-01", "0.25")  # where nothing was held
        spin_off(connection, 4, BROKER, "2020-03-01", None)  # no book says its share
    lots.match("2021-08-01T0300Z", "0/1")
    assert open_lots(warehouse) == [
        (SHARE, 10, 75, date(2020, 1, 1)),
        (OTHER, 1, 25, date(2020, 1, 1)),
    ]
    with psycopg.connect(warehouse) as connection:
        refused = connection.execute(
            "select transaction_id, reason from computed.ledger_rejections order by 1"
        ).fetchall()
    assert [number.int for number, _ in refused] == [3, 4]
    assert "finds no units" in refused[0][1]
    assert "no spin_off is known" in refused[1][1]


def spin_off(
    connection: psycopg.Connection[Any], number: int, account: UUID, day: str, share: str | None
) -> None:
    """A unit of another instrument, and the cost that it takes along where a book says how much."""
    move(connection, number, account, "spin_off", day, str(number), OTHER)
    if share is not None:
        move(connection, number, account, "carve_out", day, str(number))
    connection.execute(
        "update build.int_ledger_events set cost_share = %s, price_cost_account = 0, tax_cost_account = 0, "
        "units = case kind when 'carve_out' then 0 else units end where transaction_id = %s",
        [share, UUID(int=number)],
    )


def open_lots(dsn: str) -> list[tuple[Any, ...]]:
    """Instrument, units, cost and date of what is held."""
    with psycopg.connect(dsn) as connection:
        return connection.execute(
            "select instrument_id, units_open, tax_cost_open_account, acquisition_date from computed.lots "
            "where units_open > 0 order by 1"
        ).fetchall()


def test_several_that_leave_under_one_key_are_refused_and_the_rest_of_the_night_goes_on(
    warehouse: str,
) -> None:
    with psycopg.connect(warehouse) as connection:
        open_accounts(connection)
        rate_dollars(connection)
        book(connection, BROKER, "fifo", (1, "2020-01-01", 10, 100))
        for number, pair in ((2, "twice"), (3, "twice"), (4, "once")):
            move(connection, number, BROKER, "transfer_out", "2020-02-01", pair)
        move(connection, 5, RETIREMENT, "transfer_in", "2020-02-02", "twice")
        move(connection, 6, RETIREMENT, "transfer_in", "2020-02-02", "once")
    lots.match("2021-08-01T0300Z", "0/1")
    with psycopg.connect(warehouse) as connection:
        held = connection.execute(
            "select account_id, sum(units_open), sum(tax_cost_open_account) from computed.lots "
            "group by 1 order by 1"
        ).fetchall()
        refused = connection.execute(
            "select transaction_id, reason from computed.ledger_rejections order by 1"
        ).fetchall()
    assert held == [(BROKER, 9, 90), (RETIREMENT, 1, 10)]
    assert [number.int for number, _ in refused] == [2, 3, 5]
    assert "joins 2 leaving events" in refused[0][1]


def test_a_sale_takes_the_lots_that_it_names_where_law_leaves_the_choice(warehouse: str) -> None:
    with psycopg.connect(warehouse) as connection:
        open_accounts(connection)
        for first, account, method in ((100, BROKER, "specific"), (300, POOL, "section_104")):
            events = (
                (first, "2020-01-01", 10, 100),
                (first + 1, "2020-02-01", 10, 300),
                (first + 2, "2020-06-01", -4, 200),
                (first + 3, "2020-06-02", -4, 200),
            )
            book(connection, account, method, *events)
            for number, column, name in (
                (first, "external_id", "cheap"),
                (first + 1, "external_id", "dear"),
                (first + 2, "named_lot", "dear"),
                (first + 3, "named_lot", "lost"),
            ):
                connection.execute(
                    f"update build.int_ledger_events set {column} = %s where transaction_id = %s",  # type: ignore[arg-type]
                    [name, UUID(int=number)],
                )
    lots.match("2021-07-01T0300Z", "0/1")
    with psycopg.connect(warehouse) as connection:
        matches = connection.execute(
            "select closing_transaction_id, units, tax_cost_account from computed.lot_matches"
        ).fetchall()
        refused = dict(
            connection.execute("select transaction_id, reason from computed.ledger_rejections").fetchall()
        )
    assert [(row[0].int, *row[1:]) for row in matches] == [(102, 4, 120)]
    assert sorted(number.int for number in refused) == [103, 302, 303]
    assert "names a lot that is not open" in refused[UUID(int=103)]
    assert "where uk and section_104 say which units are sold" in refused[UUID(int=302)]
