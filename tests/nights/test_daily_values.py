"""Daily tables made anew from the first touched day on are, whatever has changed, those made whole."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from uuid import uuid4

import psycopg
import pytest

from folio.books.identity import surrogate_id
from folio.errors import TransformationError
from folio.jobs import ingest, lots, nights, pipeline, returns, transformation
from folio.jobs.nights import Night
from folio.settings import settings

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


@contextmanager
def twin(demo, dsn) -> Iterator[str]:
    """A copy of a database in which nothing says what was counted, under `settings()` meanwhile."""
    name = f"folio_twin_{secrets.token_hex(4)}"
    demo.server.create_database(name, template=psycopg.conninfo.conninfo_to_dict(dsn)["dbname"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOLIO_DSN", demo.server.url(name))
        settings.cache_clear()
        with psycopg.connect(demo.server.url(name)) as connection:
            connection.execute("delete from ops.stage_builds")
        yield demo.server.url(name)
    settings.cache_clear()
    demo.server.drop_database(name)


def expect_as_made_whole(demo, dsn, night, relations_of: Callable[[str], dict[str, str]]) -> None:
    """The built and computed tables of a database are those that a build of every day makes."""
    made = relations_of(dsn)
    with twin(demo, dsn) as other:
        build(night)
        assert first_days(other) == {None}
        whole = relations_of(other)
    kept = [name for name in whole if name.startswith(("build.", "computed.")) and name != "build.touched"]
    assert set(DAILY) <= set(kept)
    assert {name for name in kept if made[name] != whole[name]} == set()


# ---- changes, each landed as a load of its own -------------------------------------------------------------


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
        load = uuid4()
        observed = self.night.instant - timedelta(minutes=1)
        with psycopg.connect(self.dsn) as connection:
            connection.execute(
                "insert into raw.loads (load_id, source, dataset, slot, attempt, request, status, "
                "payload_sha256, observed_at, finished_at) "
                "values (%s, 'test', %s, %s, 1, '', 'loaded', '0', %s, clock_timestamp())",
                [load, table, str(load), observed],
            )
            for kind, key in (names or {}).items():
                connection.execute(
                    "insert into raw.identities (kind, source_key, id, load_id) values (%s, %s, %s, %s)",
                    [kind, key, surrogate_id(kind, key), load],
                )
            for line, version in enumerate(versions, start=1):
                row = version | {
                    "observed_at": observed, "known_basis": "observed", "load_id": load, "line": line,
                }  # fmt: skip
                connection.execute(
                    f"insert into raw.{table} ({', '.join(row)}) values ({', '.join(['%s'] * len(row))})",  # type: ignore[arg-type]
                    list(row.values()),
                )

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


@pytest.mark.timeout(1500)
def test_a_night_after_changes_of_the_past_makes_what_a_whole_build_makes(demo, relations_of):
    second = demo.nights[1]
    with demo.copy(nights_done=1) as dsn:
        take_in(second)
        facts = Facts(dsn, second, seed=1)
        for change in (a_corrected_nav, a_corrected_rate, a_booking_of_the_past):
            change(facts)
        build(second)
        earliest = min(first_days(dsn))
        assert earliest < Night.parse(second).valuation_date - timedelta(days=1)
        expect_as_made_whole(demo, dsn, second, relations_of)


@pytest.mark.timeout(1500)
def test_a_build_that_broke_off_is_made_good_by_the_next(demo, relations_of):
    night = demo.nights[0]
    with demo.copy(nights_done=1) as dsn:
        before = relations_of(dsn)
        nav = Facts(dsn, night, seed=2)
        a_corrected_nav(nav)
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
        expect_as_made_whole(demo, dsn, night, relations_of)


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
        expect_as_made_whole(demo, dsn, demo.nights[-1], relations_of)
