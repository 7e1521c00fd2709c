"""Daily tables made anew from the first touched day on are, whatever has changed, those made whole.

On random ledgers with the laws that hold of any, in `tests/random_ledgers.py`; on the demo beside them.
"""

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from uuid import uuid4

import psycopg
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from folio.books.identity import surrogate_id
from folio.errors import TransformationError
from folio.jobs import gates, ingest, lots, nights, pipeline, returns, transformation
from folio.jobs.nights import Night
from tests import random_ledgers
from tests.random_ledgers import Ledger, Market, Sums

DAILY = (
    "build.int_prices_carried",
    "build.int_fx_rates_carried",
    "build.int_account_currency_values_daily",
    "build.int_account_values_daily",
    "build.int_portfolio_currency_values_daily",
    "build.int_portfolio_values_daily",
    "build.fct_holdings",
    "build.fct_account_values_daily",
    "build.fct_portfolio_values_daily",
    "build.fct_allocations",
)

CENT = Decimal("0.01")

COMPUTED_BY_A_BUILD = (
    "computed.lots",
    "computed.lot_matches",
    "computed.position_intervals",
    "computed.ledger_rejections",
    "computed.portfolio_returns_daily",
    "computed.period_rates",
)


def rows(dsn, query, *parameters):
    with psycopg.connect(dsn, options="-c timezone=UTC") as connection:
        return connection.execute(query, parameters).fetchall()


def build(night: str) -> None:
    """The steps of a night that make daily tables."""
    assert nights.open_night(night)
    transformation.run_stage(night, "ledger")
    for batch in nights.account_batches(night):
        lots.match(night, batch)
    transformation.run_stage(night, "values")
    returns.measure(night)
    transformation.run_stage(night, "measures")


def first_days(dsn) -> set[date | None]:
    """First days that the stages of `build` made anew."""
    return {day for (day,) in rows(dsn, "select first_day from ops.stage_builds where stage <> 'decisions'")}


def expect_as_made_whole(dsn, night, relations_of: Callable[[str], dict[str, str]]) -> None:
    """The built and computed tables of a database are those that a build of every day then makes."""
    made = relations_of(dsn)
    with psycopg.connect(dsn) as connection:
        connection.execute("delete from ops.stage_builds")
        for relation in COMPUTED_BY_A_BUILD:
            connection.execute(f"truncate {relation}")
    build(night)
    assert first_days(dsn) == {None}
    whole = relations_of(dsn)
    kept = [name for name in whole if name.startswith(("build.", "computed.")) and name != "build.touched"]
    assert set(DAILY) <= set(kept)
    assert {name for name in kept if made[name] != whole[name]} == set()


# ---- changes, each landed as a load of its own -------------------------------------------------------------


def land(
    dsn: str, night: Night, facts: Iterable[tuple[str, Iterable[dict]]], names: Iterable[tuple[str, str]] = ()
) -> None:
    """Rows by raw table as one load, observed a minute before a night, and names of the map of identities."""
    load = uuid4()
    observed = night.instant - timedelta(minutes=1)
    with psycopg.connect(dsn) as connection, connection.cursor() as cursor:
        cursor.execute(
            "insert into raw.loads (load_id, source, dataset, slot, attempt, request, status, "
            "payload_sha256, observed_at, finished_at) "
            "values (%s, 'test', 'test', %s, 1, '', 'loaded', '0', %s, clock_timestamp())",
            [load, str(load), observed],
        )
        cursor.executemany(
            "insert into raw.identities (kind, source_key, id, load_id) values (%s, %s, %s, %s)",
            [(kind, key, surrogate_id(kind, key), load) for kind, key in names],
        )
        for table, versions in facts:
            said = [
                version | {"observed_at": observed, "known_basis": "observed", "load_id": load, "line": line}
                for line, version in enumerate(versions, start=1)
            ]
            columns = list(said[0]) if said else []
            cursor.executemany(
                f"insert into raw.{table} ({', '.join(columns)}) values ({', '.join(['%s'] * len(columns))})",
                [[row[column] for column in columns] for row in said],
            )


class Facts:
    """Lands new versions of rows of raw in a database, observed a minute before a night."""

    def __init__(self, dsn: str, night: str, seed: int) -> None:
        self.dsn = dsn
        self.night = Night.parse(night)
        self.random = Random(seed)

    def choose(self, query, *parameters) -> dict:
        """One row of a query, drawn at random, as a dict."""
        with psycopg.connect(self.dsn, row_factory=psycopg.rows.dict_row) as connection:
            return self.random.choice(connection.execute(query, parameters).fetchall())

    def land(self, table: str, *versions: dict, names: dict[str, str] | None = None) -> None:
        """Versions of rows of one raw table, and keys that enter the map of identities, by kind."""
        land(self.dsn, self.night, [(table, versions)], (names or {}).items())

    def day(self, latest: int = 0) -> date:
        """A weekday of the last three years, at least so many days before the night's."""
        day = self.night.valuation_date - timedelta(days=self.random.randint(latest, 1000))
        return day - timedelta(days=max(0, day.isoweekday() - 5))

    def booking(self, kind: str) -> dict:
        """The newest version of a booking of a kind, without what a version says of its load."""
        row = self.choose(
            "select distinct on (transaction_key) * from raw.book_transactions where kind = %s "
            "and transaction_key not in (select transaction_key from raw.book_transactions "
            "where status <> 'settled') order by transaction_key, observed_at desc",
            kind,
        )
        return {name: value for name, value in row.items() if name not in VERSION}

    def book(self, like: dict, **values) -> dict:
        """A new booking like another one."""
        key = f"{like['account_key']}|{uuid4()}"
        return like | {
            "transaction_key": key, "transaction_id": surrogate_id("transaction", key),
            "external_id": None, "occurred_at": None, "settlement_date": None, "nav_date": None,
        } | values  # fmt: skip


VERSION = {"observed_at", "known_basis", "load_id", "line"}


def a_corrected_nav(facts: Facts) -> None:
    nav = facts.choose(
        "select nav_date, scheme_code, nav from raw.amfi_navs "
        "join raw.book_instrument_aliases on alias = scheme_code::text "
        "join raw.identities on kind = 'instrument' and source_key = instrument_key "
        "where nav_date < %s and exists (select from build.fct_positions where instrument_id = id "
        "and valid_from <= nav_date and (valid_to is null or valid_to > nav_date))",
        facts.night.valuation_date,
    )
    facts.land("amfi_navs", nav | {"nav": nav["nav"] * Decimal("1.5")})


def a_corrected_close(facts: Facts) -> None:
    bar = facts.choose(
        "select session_date, ticker, close from raw.polygon_daily_bars where session_date < %s "
        "and ticker in (select alias from raw.book_instrument_aliases)",
        facts.night.valuation_date,
    )
    facts.land("polygon_daily_bars", bar | {"close": bar["close"] / 2})


def a_corrected_rate(facts: Facts) -> None:
    rate = facts.choose(
        "select rate_date, currency_code, units_per_eur from raw.ecb_fx_rates "
        "where currency_code in ('USD', 'INR') and rate_date < %s",
        facts.night.valuation_date,
    )
    facts.land("ecb_fx_rates", rate | {"units_per_eur": rate["units_per_eur"] * Decimal("1.1")})


def a_booking_of_the_past(facts: Facts) -> None:
    buy = facts.booking("buy")
    facts.land("book_transactions", facts.book(buy, trade_date=facts.day()))


def a_booking_before_all_others(facts: Facts) -> None:
    deposit = facts.booking("deposit")
    first = facts.choose("select min(trade_date) - 10 as day from raw.book_transactions")["day"]
    facts.land("book_transactions", facts.book(deposit, trade_date=first))


def a_booking_moved_and_another_failed(facts: Facts) -> None:
    moved, failed = facts.booking("buy"), facts.booking("sell")
    facts.land(
        "book_transactions",
        moved | {"trade_date": moved["trade_date"] + timedelta(days=30), "settlement_date": None},
        failed | {"status": "failed"},
    )


def a_booking_in_a_new_currency(facts: Facts) -> None:
    deposit = facts.booking("deposit")
    facts.land(
        "book_transactions",
        facts.book(deposit, trade_date=facts.day(), currency="CHF", fx_rate=Decimal("1.05")),
    )


def units_that_leave_after_they_arrived(facts: Facts) -> None:
    """The first leg to be booked arrives a week before the second leaves."""
    buy = facts.booking("buy")
    other = facts.choose(
        "select account_key from raw.book_accounts where account_key <> %s", buy["account_key"]
    )["account_key"]
    pair, day = str(uuid4()), facts.day(latest=20)
    arrives = facts.book(
        buy | {"account_key": other}, kind="transfer_in", trade_date=day, units=1, pair_key=pair
    )
    facts.land("book_transactions", arrives)
    leaves = facts.book(buy, kind="transfer_out", trade_date=day + timedelta(days=7), units=1, pair_key=pair)
    facts.land("book_transactions", leaves)


def a_split(facts: Facts) -> None:
    ticker = facts.choose("select distinct ticker from raw.polygon_daily_bars")["ticker"]
    facts.land(
        "polygon_splits",
        {"ticker": ticker, "execution_date": facts.day(), "split_from": 1, "split_to": 2},
    )


def an_account(facts: Facts) -> None:
    like = facts.choose("select * from raw.book_accounts where cash_model = 'kept'")
    key = f"new-{uuid4()}"
    account = {name: value for name, value in like.items() if name not in VERSION} | {"account_key": key}
    facts.land("book_accounts", account, names={"account": key})
    deposit = facts.booking("deposit")
    facts.land(
        "book_transactions",
        facts.book(deposit | {"account_key": key}, trade_date=facts.day(), currency=like["currency"]),
    )


DATED = (
    a_corrected_nav,
    a_corrected_close,
    a_corrected_rate,
    a_booking_of_the_past,
    a_booking_before_all_others,
    a_booking_moved_and_another_failed,
    a_booking_in_a_new_currency,
    units_that_leave_after_they_arrived,
)
UNDATED = (a_split, an_account)


# ---- what holds --------------------------------------------------------------------------------------------


def take_in(night: str) -> None:
    for source in pipeline.INGESTS:
        getattr(ingest, source)(night)


def book(seed: int, count: int) -> tuple[Market, list[Ledger]]:
    """A market and ledgers; what is late or corrected of them is of some day on, which is drawn too."""
    random = Random(seed)
    since = random.choice(random_ledgers.DAYS[3:30])
    market = Market.drawn(random, since)
    looks_ahead = random.random() < 0.3  # such accounts reach back a month for every booking
    return market, [Ledger.drawn(random, f"L{n}", market, since, looks_ahead) for n in range(count)]


def hear(dsn, number: int, market: Market, ledgers: list[Ledger]) -> str:
    """Land what becomes known before one of the two nights; gives the night."""
    night = random_ledgers.NIGHTS[number]
    facts = random_ledgers.facts_of(ledgers, market, number)
    land(dsn, Night.parse(night), facts, () if number else random_ledgers.names_of(ledgers))
    return night


def expect_sums(dsn, ledgers: list[Ledger]) -> None:
    """Units, cash, cost, income, fees, taxes and values are what plain sums of the bookings give."""
    account = "join build.dim_accounts using (account_id)"
    instrument = "join build.dim_instruments using (instrument_id)"
    refused = {
        key
        for (key,) in rows(
            dsn,
            "select distinct transaction_key from raw.book_transactions "
            "join computed.ledger_rejections using (transaction_id)",
        )
    }
    lots_held, positions = (
        {(one, name): units for one, name, units in rows(dsn, query)}
        for query in (
            f"select account_code, instrument_code, sum(units_open) "
            f"from build.fct_tax_lots {account} {instrument} group by 1, 2",
            f"select account_code, instrument_code, units "
            f"from build.fct_positions {account} {instrument} where valid_to is null",
        )
    )
    cash = dict(
        rows(dsn, f"select account_code, balance_account from build.fct_cash_balances {account} "
                  "where valid_to is null")
    )  # fmt: skip
    costs = dict(
        rows(
            dsn,
            "select account_code, sum(cost) from ("
            " select account_id, tax_cost_open_account as cost from build.fct_tax_lots"
            " union all select account_id, tax_cost_account - case when lot_method = 'acb'"
            f"  then disallowed_account else 0 end from build.fct_realised_gains {account}"
            f") as costs {account} group by 1",
        )
    )
    results = {
        code: figures
        for code, *figures in rows(
            dsn,
            "select portfolio_code, final_value_portfolio, income_portfolio, fees_portfolio, taxes_portfolio "
            "from build.fct_period_results join build.dim_portfolios using (portfolio_id) "
            "where period = 'ITD'",
        )
    }
    valued = 0
    for ledger in ledgers:
        sums = Sums(ledger, refused)
        for position, units in sums.units.items():
            for held in (lots_held, positions):
                assert held.get(position, 0) == pytest.approx(units, abs=Decimal("1e-9")), position
        for account_key, balance in sums.cash.items():
            assert cash.get(account_key, 0) == pytest.approx(balance, abs=CENT), account_key
        if sums.is_cost_kept:
            cost = sum(costs.get(key, 0) for key in ledger.accounts)
            assert cost == pytest.approx(sum(sums.paid.values()), abs=CENT), ledger.name
        for portfolio in ledger.portfolios.keys() & results.keys():
            final, *changes = results[portfolio]
            expected = [named[portfolio] for named in (sums.income, sums.fees, sums.taxes)]
            assert changes == [pytest.approx(amount, abs=CENT) for amount in expected], portfolio
            if final is not None:
                valued += 1
                assert final == pytest.approx(sums.value(portfolio), abs=CENT), portfolio
    assert valued > len(ledgers) / 2


def run_two_nights(open_warehouse, relations_of, seed: int, count: int) -> None:
    market, ledgers = book(seed, count)
    with open_warehouse() as dsn:
        for number in range(2):
            night = hear(dsn, number, market, ledgers)
            build(night)
            gates.check_identities(night)
        assert None not in first_days(dsn)
        expect_sums(dsn, ledgers)
        expect_as_made_whole(dsn, night, relations_of)


@pytest.mark.timeout(1500)
@settings(max_examples=1, phases=[Phase.generate])
@given(seed=st.integers(0, 2**32 - 1))
def test_fifty_ledgers_keep_the_laws_and_are_as_made_whole(open_warehouse, relations_of, seed):
    run_two_nights(open_warehouse, relations_of, seed, 50)


@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
@settings(max_examples=5, phases=[Phase.generate])
@given(seed=st.integers(0, 2**32 - 1))
def test_a_thousand_ledgers_keep_the_laws_and_are_as_made_whole(open_warehouse, relations_of, seed):
    run_two_nights(open_warehouse, relations_of, seed, 200)


@pytest.mark.timeout(1500)
def test_a_build_that_broke_off_is_made_good_by_the_next(open_warehouse, relations_of):
    market, ledgers = book(seed=1, count=5)
    with open_warehouse() as dsn:
        build(hear(dsn, 0, market, ledgers))
        night = hear(dsn, 1, market, ledgers)
        before = relations_of(dsn)
        with psycopg.connect(dsn) as connection:
            connection.execute(
                "alter table build.fct_account_values_daily add constraint full_disk check (false) not valid"
            )
        with pytest.raises(TransformationError, match="full_disk"):
            build(night)
        broken = relations_of(dsn)
        assert broken["build.int_account_values_daily"] != before["build.int_account_values_daily"]
        assert broken["build.fct_account_values_daily"] == before["build.fct_account_values_daily"]
        with psycopg.connect(dsn) as connection:
            connection.execute("alter table build.fct_account_values_daily drop constraint full_disk")
        build(night)
        expect_as_made_whole(dsn, night, relations_of)


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(4))
def test_any_sequence_of_changes_makes_what_a_whole_build_makes(demo, relations_of, seed):
    random = Random(seed)
    with demo.copy(nights_done=1) as dsn:
        for night in demo.nights[1:]:
            take_in(night)
            facts = Facts(dsn, night, seed)
            for change in random.sample(DATED, 3):
                change(facts)
            if random.random() < 0.4:
                random.choice(UNDATED)(facts)
            build(night)
            if random.random() < 0.5:  # the night again, which now knows more
                random.choice(DATED)(facts)
                build(night)
        expect_as_made_whole(dsn, demo.nights[-1], relations_of)
