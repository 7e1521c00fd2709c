"""Returns of portfolios: what the job makes of built days and booked events."""

from datetime import date, timedelta
from decimal import Decimal

import psycopg
import pytest

from folio.books.identity import surrogate_id
from folio.jobs import returns

D = Decimal
NIGHT = "2024-01-05T0300Z"
FIRST = date(2024, 1, 1)

TABLES = """
create table build.dim_portfolios (portfolio_id uuid, portfolio_currency text);
create table build.dim_accounts (account_id uuid, portfolio_id uuid);
create table build.fct_fx_rates_daily (from_currency text, to_currency text, valuation_date date,
    rate numeric(28, 12));
create table build.int_portfolio_values_daily (portfolio_id uuid, valuation_date date,
    value_portfolio numeric(28, 8), deposits_start_portfolio numeric(28, 8),
    deposits_end_portfolio numeric(28, 8), withdrawals_portfolio numeric(28, 8));
create table build.int_ledger_events (transaction_id uuid, account_id uuid, instrument_id uuid, kind text,
    trade_date date, sequence integer, units numeric(38, 18), ratio numeric(28, 12),
    price_cost_account numeric(28, 8), pair_key text, account_currency text, cost_share numeric(20, 12));
"""


def of(kind, name):
    return surrogate_id(kind, name)


def day(offset):
    return FIRST + timedelta(days=offset)


def event(name, account, kind, offset, units=None, cost=0, ratio=None, pair=None, currency="EUR"):
    return (
        *(of("transaction", name), of("account", account), of("instrument", "share"), kind, day(offset), 1),
        *(units, ratio, cost, pair, currency),
    )


@pytest.fixture
def measured(warehouse):
    """Measure the given events and days; the rates by portfolio and period."""

    def measure(events, days, refused=()):
        rows = {
            "build.dim_portfolios": [(of("portfolio", "p"), "EUR"), (of("portfolio", "q"), "EUR")],
            "build.dim_accounts": [
                (of("account", "a"), of("portfolio", "p")),
                (of("account", "b"), of("portfolio", "q")),
            ],
            "build.fct_fx_rates_daily": [
                (one, "EUR", day(n), rate) for n in range(5) for one, rate in (("EUR", 1), ("USD", D("0.5")))
            ],
            "build.int_ledger_events": events,
            "build.int_portfolio_values_daily": [
                (of("portfolio", name), day(n), value, *flows) for name, n, value, *flows in days
            ],
            "computed.ledger_rejections": [
                (of("transaction", name), of("account", "a"), "oversold") for name in refused
            ],
        }
        with psycopg.connect(warehouse) as connection:
            connection.execute("create schema if not exists build")
            connection.execute(TABLES)
            for table, values in rows.items():
                for row in values:
                    connection.execute(f"insert into {table} values ({', '.join(['%s'] * len(row))})", row)
        returns.measure(NIGHT)
        with psycopg.connect(warehouse) as connection:
            found = connection.execute(
                "select portfolio_id, period, modified_dietz, linked_modified_dietz, mean_investment "
                "from computed.period_rates"
            ).fetchall()
        return {(portfolio_id, period): figures for portfolio_id, period, *figures in found}

    return measure


def test_the_mean_of_the_average_cost_is_over_the_days_on_which_anything_was_held(measured):
    rates = measured(
        [
            event("buy", "a", "buy", 0, 10, 1000, currency="USD"),
            event("split", "a", "split", 1, ratio=2),
            event("sell", "a", "sell", 2, 10),
            event("refused", "a", "sell", 3, 90),
        ],
        [
            ("p", 0, 500, 500, 0, 0),
            ("p", 1, 520, 0, 0, 0),
            ("p", 2, 270, 0, 0, 260),
            ("p", 3, 280, 0, 0, 0),
        ],
        refused=["refused"],
    )
    # 500 at the closes of days 0 and 1, 250 at that of day 2, each to the next day
    figures = rates[of("portfolio", "p"), "ITD"]
    assert figures[2] == pytest.approx(D(1250) / 3, abs=D("1e-8"))
    # 40 on 500 for four days, less what left at the end of the third: (40) / (500 - 260 x 1/4)
    assert figures[0] == pytest.approx(D(40) / D(435), abs=D("1e-12"))
    # 0, 20/500, 10/(520 - 130), 10/270
    linked = (1 + D(20) / 500) * (1 + D(10) / 390) * (1 + D(10) / 270) - 1
    assert figures[1] == pytest.approx(linked, abs=D("1e-12"))


@pytest.mark.parametrize("kind", ["sell", "switch_out", "swap_out", "network_fee"])
def test_whatever_takes_units_takes_their_share_of_the_cost(measured, kind):
    rates = measured(
        [event("buy", "a", "buy", 0, 10, 1000), event("less", "a", kind, 1, 5)],
        [("p", 0, 1000, 1000, 0, 0), ("p", 1, 500, 0, 0, 0), ("p", 2, 500, 0, 0, 0)],
    )
    assert rates[of("portfolio", "p"), "1D"][2] == 500


def test_a_transfer_carries_its_average_cost_to_the_other_portfolio(measured):
    rates = measured(
        [
            event("buy", "a", "buy", 0, 10, 1000),
            event("out", "a", "transfer_out", 1, 5, pair="move"),
            event("in", "b", "transfer_in", 1, 5, 7, pair="move"),
        ],
        [
            ("p", 0, 1000, 1000, 0, 0),
            ("p", 1, 600, 0, 0, 600),
            ("p", 2, 600, 0, 0, 0),
            ("q", 1, 600, 0, 600, 0),
            ("q", 2, 600, 0, 0, 0),
        ],
    )
    assert rates[of("portfolio", "p"), "1D"][2] == 500
    assert rates[of("portfolio", "q"), "ITD"][2] == 500


def test_a_spin_off_leaves_the_investment_as_it_is_until_its_units_are_sold(measured):
    spun = list(event("spun", "a", "spin_off", 1, 4, pair="spun"))
    spun[2] = of("instrument", "part")
    carved = [*event("spun", "a", "carve_out", 1, 0, pair="spun"), D("0.25")]
    sold = list(event("sold", "a", "sell", 1, 2))
    sold[2] = of("instrument", "part")
    rates = measured(
        [event("buy", "a", "buy", 0, 10, 1000), carved, [*spun, D("0.25")], sold],
        [("p", 0, 1000, 1000, 0, 0), ("p", 1, 880, 0, 0, 120), ("p", 2, 880, 0, 0, 0)],
    )
    # 750 of what gave its cost away, and half of the 250 that went
    assert rates[of("portfolio", "p"), "1D"][2] == 875


def test_capital_that_is_returned_lowers_the_investment_by_the_cost_it_took(measured, warehouse):
    with psycopg.connect(warehouse) as connection:
        connection.execute(
            "insert into computed.lot_matches (account_id, instrument_id, closing_transaction_id, lot_id, "
            "acquisition_date, sale_date, units, price_cost_account, tax_cost_account, proceeds_account, "
            "match_rule) values (%s, %s, %s, %s, %s, %s, 0, 400, 400, 450, 'return_of_capital')",
            [
                of("account", "a"), of("instrument", "share"), of("transaction", "back"), of("lot", "buy"),
                day(0), day(1),
            ],
        )  # fmt: skip
    rates = measured(
        [event("buy", "a", "buy", 0, 10, 1000), event("back", "a", "return_of_capital", 1, 0)],
        [("p", 0, 1000, 1000, 0, 0), ("p", 1, 600, 0, 0, 450), ("p", 2, 600, 0, 0, 0)],
    )
    assert rates[of("portfolio", "p"), "1D"][2] == 600


def test_a_portfolio_without_units_has_no_investment(measured):
    rates = measured([], [("p", 0, 100, 100, 0, 0), ("p", 1, 100, 0, 0, 0)])
    assert rates[of("portfolio", "p"), "ITD"][2] is None
