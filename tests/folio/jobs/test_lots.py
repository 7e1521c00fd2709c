"""The job that matches lots: what it reads of the ledger, and what it writes for the marts."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg

from folio.jobs import lots

D = Decimal
HOME, WEALTH, UNIT = (UUID(int=number) for number in (1, 2, 3))
BROKER, RETIREMENT, POOL, SHARE = (UUID(int=number) for number in (4, 5, 6, 7))
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
        proceeds_account numeric(28, 8), pair_key text
    );
"""


def book(connection: psycopg.Connection[Any], account: UUID, method: str, *events: tuple[Any, ...]) -> None:
    """Buys (units, cost) and sells (units below zero, proceeds) of the share, in order."""
    for sequence, (number, day, units, amount) in enumerate(events):
        cost, proceeds = (amount, 0) if units > 0 else (0, amount)
        connection.execute(
            "insert into build.int_ledger_events values "
            "(%s, %s, %s, %s, %s, %s, %s, %s, null, %s, %s, %s, null)",
            [
                *(UUID(int=number), account, SHARE, method, "buy" if units > 0 else "sell", day, sequence),
                *(abs(units), cost, cost, proceeds),
            ],
        )


def test_matches_carry_rule_term_and_denied_losses_by_the_accounts_method_and_regime(warehouse: str) -> None:
    with psycopg.connect(warehouse) as connection:
        connection.execute("drop schema if exists build cascade; create schema build;" + BUILD)
        connection.execute("insert into build.dim_portfolios values (%s, %s, %s)", [WEALTH, HOME, UNIT])
        connection.execute("insert into build.dim_instruments values (%s, 'equity', 'share')", [SHARE])
        for account, regime in ((BROKER, "us"), (RETIREMENT, "us_retirement"), (POOL, "uk")):
            connection.execute(
                "insert into build.dim_accounts values (%s, %s, 'USD', %s)", [account, WEALTH, regime]
            )
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
