"""The orders job on a real database: what it reads of a night, what it writes, and running it again."""

from datetime import date
from decimal import Decimal

import pytest

from folio.books.identity import surrogate_id
from folio.errors import NightError
from folio.jobs import orders
from folio.store import warehouse as store

D = Decimal
NIGHT = "2013-03-01T0300Z"
DAY = date(2013, 2, 28)
NIGHT_BEFORE = "2013-02-28T0300Z"
DAY_BEFORE = date(2013, 2, 27)

TABLES = """
create table build.dim_portfolios (portfolio_id uuid, tax_unit_id uuid, portfolio_currency text,
    drift_band numeric(20, 12));
create table build.dim_accounts (account_id uuid, portfolio_id uuid, account_kind text, account_currency text,
    cash_model text);
create table build.dim_instruments (instrument_id uuid, instrument_code text, instrument_kind text,
    local_currency text, whole_units boolean);
create table build.fct_prices_daily (instrument_id uuid, valuation_date date, price_local numeric(28, 10));
create table build.fct_fx_rates_daily (from_currency text, to_currency text, valuation_date date,
    rate numeric(28, 12));
create table build.fct_holdings (account_id uuid, portfolio_id uuid, instrument_id uuid, valuation_date date,
    units numeric(38, 18), value_portfolio numeric(28, 8), quality text);
create table build.fct_cash_balances (account_id uuid, valid_from date, valid_to date,
    in_transit_account numeric(28, 8));
create table build.fct_allocations (portfolio_id uuid, valuation_date date, dimension text, bucket text,
    target_weight numeric(20, 12));
"""


def portfolio(name):
    return surrogate_id("portfolio", name)


def account(name):
    return surrogate_id("account", name)


def instrument(name):
    return surrogate_id("instrument", name)


def tax_unit(name):
    return surrogate_id("tax_unit", name)


@pytest.fixture
def book(warehouse):
    """One tax unit out of band (dollars and a fund folio in rupees), one inside, reported in euros."""
    with store.connect() as connection:
        connection.execute(TABLES)
        add = connection.cursor().executemany
        add(
            "insert into build.dim_portfolios values (%s, %s, %s, %s)",
            [
                (portfolio("out"), tax_unit("one"), "USD", D("0.05")),
                (portfolio("folio"), tax_unit("one"), "INR", D("0.05")),
                (portfolio("in"), tax_unit("two"), "USD", D("0.05")),
                (portfolio("aimless"), tax_unit("three"), "USD", D("0.05")),
            ],
        )
        add(
            "insert into build.dim_accounts values (%s, %s, %s, %s, %s)",
            [
                (account("out"), portfolio("out"), "brokerage", "USD", "kept"),
                (account("folio"), portfolio("folio"), "folio", "INR", "implied"),
                (account("in"), portfolio("in"), "retirement", "USD", "kept"),
                (account("aimless"), portfolio("aimless"), "brokerage", "USD", "kept"),
            ],
        )
        add(
            "insert into build.dim_instruments values (%s, %s, %s, %s, %s)",
            [
                (instrument("IBM"), "IBM", "equity", "USD", True),
                (instrument("MSFT"), "MSFT", "equity", "USD", True),
                (instrument("F1"), "F1", "fund", "INR", False),
                (instrument("F2"), "F2", "fund", "INR", False),
                (instrument("cash:USD"), "cash:USD", "cash", "USD", False),
            ],
        )
        add(
            "insert into build.fct_prices_daily values (%s, %s, %s)",
            [
                (instrument("IBM"), DAY, D(200)),
                (instrument("MSFT"), DAY, D(28)),
                (instrument("F1"), DAY, D("52.5")),
                (instrument("F2"), DAY, D("110.25")),
                (instrument("cash:USD"), DAY, D(1)),
            ],
        )
        rates = {("USD", "EUR"): D("0.76"), ("INR", "EUR"): D("0.014"), ("INR", "USD"): D("0.018")}
        add(
            "insert into build.fct_fx_rates_daily values (%s, %s, %s, %s)",
            [(start, end, DAY, rate) for (start, end), rate in rates.items()],
        )
        add(
            "insert into build.fct_holdings values (%s, %s, %s, %s, %s, %s, 'ok')",
            [
                (account("out"), portfolio("out"), instrument("IBM"), DAY, D(100), D(20_000)),
                (account("out"), portfolio("out"), instrument("cash:USD"), DAY, D(1_000), D(1_000)),
                (account("out"), portfolio("out"), instrument("MSFT"), date(2013, 1, 31), D(9), D(9)),
                (account("folio"), portfolio("folio"), instrument("F1"), DAY, D("10000.123"), D(525_006)),
                (account("in"), portfolio("in"), instrument("IBM"), DAY, D(10), D(2_000)),
                (account("aimless"), portfolio("aimless"), instrument("IBM"), DAY, D(10), D(2_000)),
            ],
        )
        targets = [
            ("out", "IBM", "0.5"),
            ("out", "MSFT", "0.5"),
            ("folio", "F1", "0.5"),
            ("folio", "F2", "0.5"),
        ]
        add(
            "insert into build.fct_allocations values (%s, %s, 'instrument', %s, %s)",
            [(portfolio(p), DAY, code, D(weight)) for p, code, weight in [*targets, ("in", "IBM", "1")]],
        )
    return warehouse


def plans():
    with store.connect() as connection:
        return dict(connection.execute("select tax_unit_id, status from computed.rebalance_plans").fetchall())


def placed():
    with store.connect() as connection:
        return connection.execute(
            "select account_id, instrument_id, side, units, amount_account, account_currency"
            " from computed.rebalance_orders order by order_id"
        ).fetchall()


def change(statement, *parameters):
    with store.connect() as connection:
        connection.execute(statement, parameters)


def move_to(day):
    for mart in ("fct_prices_daily", "fct_fx_rates_daily", "fct_holdings", "fct_allocations"):
        change(f"update build.{mart} set valuation_date = %s where valuation_date >= '2013-02-01'", day)


def test_every_tax_unit_gets_a_plan_that_says_why_it_has_orders_or_none(book):
    counts = orders.plan(NIGHT)
    assert plans() == {
        tax_unit("one"): "planned",
        tax_unit("two"): "in_band",
        tax_unit("three"): "no_targets",
    }
    assert counts == {"planned": 1, "in_band": 1, "no_targets": 1, "orders": 4}


def test_orders_stand_in_the_accounts_currency_and_in_tradable_units(book):
    orders.plan(NIGHT)
    by_key = {(o[0], o[1]): o[2:] for o in placed()}
    side, units, amount, currency = by_key[account("out"), instrument("MSFT")]
    assert (side, currency) == ("buy", "USD")
    assert units == units.to_integral_value()
    assert amount == units * 28
    side, units, amount, currency = by_key[account("folio"), instrument("F2")]
    assert (side, currency) == ("buy", "INR")
    assert units == units.quantize(D("0.001"))
    assert amount == (units * D("110.25")).quantize(D("1e-8"))


def test_a_plan_states_what_was_optimised_in_reporting_currency(book):
    orders.plan(NIGHT)
    with store.connect() as connection:
        objective, bound, gap, before, after, cost, naive, currency, weight = connection.execute(
            "select objective, lower_bound, gap, drift_before, drift_after, cost_reporting,"
            " naive_cost_reporting, reporting_currency, lambda from computed.rebalance_plans"
            " where tax_unit_id = %s",
            (tax_unit("one"),),
        ).fetchone()
    assert currency == "EUR"
    assert weight == orders.DISTANCE_WEIGHT
    assert before > D("0.4") and after <= D("0.05")
    assert bound <= objective
    assert D(0) <= gap < D("0.01")
    assert cost > 4
    assert naive > 0


def test_planning_a_night_twice_leaves_the_same_rows(book):
    def rows():
        with store.connect() as connection:
            return (
                connection.execute("select * from computed.rebalance_plans order by plan_id").fetchall(),
                connection.execute("select * from computed.rebalance_orders order by order_id").fetchall(),
            )

    orders.plan(NIGHT)
    first = rows()
    orders.plan(NIGHT)
    assert rows() == first
    assert first[1]


def test_what_has_not_changed_is_not_solved_again(book):
    first = orders.plan(NIGHT)
    before = placed()
    again = orders.plan(NIGHT)
    assert "kept" not in first
    assert again == first | {"kept": 3}
    assert placed() == before


def test_a_later_night_with_the_same_problem_keeps_the_plan_under_its_own_ids(book):
    move_to(DAY_BEFORE)
    orders.plan(NIGHT_BEFORE)
    before = placed()
    move_to(DAY)
    assert orders.plan(NIGHT)["kept"] == 3
    with store.connect() as connection:
        nights = connection.execute(
            "select night, valuation_date, count(*) from computed.rebalance_plans"
            " join computed.rebalance_orders using (plan_id) group by night, valuation_date order by night"
        ).fetchall()
    assert [night for night, _, _ in nights] == [NIGHT_BEFORE, NIGHT]
    assert [count for _, _, count in nights] == [4, 4]
    assert nights[1][1] == DAY
    assert sorted(map(str, placed())) == sorted(map(str, [*before, *before]))


@pytest.mark.parametrize(
    "changed",
    [
        "update build.fct_holdings set units = units + 1 where units = 100",
        "update build.fct_holdings set units = 1001 where units = 1000",
        "update build.fct_prices_daily set price_local = 28.0000000001 where price_local = 28",
        "update build.fct_fx_rates_daily set rate = 0.760000000001 where rate = 0.76",
        "update build.fct_allocations set target_weight = 0.49 where bucket = 'MSFT'",
        "update build.dim_portfolios set drift_band = 0.06 where portfolio_currency = 'USD'",
        "update build.dim_instruments set whole_units = false where instrument_code = 'MSFT'",
        "update build.dim_accounts set cash_model = 'implied'",
    ],
)
def test_anything_that_decides_a_plan_makes_it_be_solved_again(book, changed):
    orders.plan(NIGHT)
    change(changed)
    again = orders.plan(NIGHT)
    assert again["planned"] == 1
    assert again.get("kept", 0) < 3
    with store.connect() as connection:
        hashes = connection.execute(
            "select count(distinct problem_sha256) from computed.rebalance_plans"
        ).fetchone()
    assert hashes == (3,)


def test_a_plan_from_before_a_change_of_method_is_solved_again(book, monkeypatch):
    orders.plan(NIGHT)
    monkeypatch.setattr(orders, "METHOD", "orders-next")
    assert "kept" not in orders.plan(NIGHT)


def test_batches_of_tax_units_add_up_to_the_whole(book):
    orders.plan(NIGHT)
    whole = placed()
    change("delete from computed.rebalance_plans")
    for batch in ("0/3", "1/3", "2/3"):
        orders.plan(NIGHT, batch)
    assert placed() == whole
    assert len(plans()) == 3


def test_another_night_keeps_its_plans(book):
    orders.plan(NIGHT)
    change(
        "update computed.rebalance_plans set night = '2013-02-27T0300Z', plan_id = gen_random_uuid()"
        " where status <> 'planned'"
    )
    orders.plan(NIGHT)
    with store.connect() as connection:
        assert connection.execute("select count(*) from computed.rebalance_plans").fetchone() == (5,)


@pytest.mark.parametrize(
    "broken",
    [
        "update build.fct_holdings set quality = 'incomplete' where units = 100",
        "update build.fct_holdings set value_portfolio = null where units = 100",
        "update build.fct_prices_daily set price_local = null where price_local = 200",
        "delete from build.fct_prices_daily where price_local = 200",
        "delete from build.fct_fx_rates_daily where from_currency = 'USD'",
        "insert into build.fct_cash_balances "
        "select account_id, valuation_date, null, 5 from build.fct_holdings where units = 100",
    ],
)
def test_no_orders_come_from_a_tax_unit_with_an_incomplete_holding(book, broken):
    change(broken)
    orders.plan(NIGHT)
    assert plans()[tax_unit("one")] == "not_priced"
    assert account("out") not in {o[0] for o in placed()}


def test_targets_above_the_whole_are_refused_with_the_reason_and_stop_nobody_else(book):
    change("update build.fct_allocations set target_weight = 0.9 where bucket = 'MSFT'")
    orders.plan(NIGHT)
    assert plans() == {
        tax_unit("one"): "refused",
        tax_unit("two"): "in_band",
        tax_unit("three"): "no_targets",
    }
    assert placed() == []


def test_a_target_that_is_no_instrument_is_refused(book):
    change("update build.fct_allocations set bucket = 'GONE' where bucket = 'MSFT'")
    orders.plan(NIGHT)
    assert plans()[tax_unit("one")] == "refused"


@pytest.mark.parametrize("batch", ["3/3", "a/b", "1", "-1/2"])
def test_a_malformed_batch_is_refused(batch):
    with pytest.raises(NightError, match="batch"):
        orders.plan(NIGHT, batch)
