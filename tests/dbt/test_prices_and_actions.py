"""Whose price counts, what a name meant on a day, and corporate actions, on a small hand-made warehouse."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest

from folio.books.identity import surrogate_id
from folio.jobs import lots, nights, price_checks, transformation

NIGHT = "2013-02-16T0300Z"
OBSERVED = datetime(2013, 2, 15, 21, 0, tzinfo=UTC)
BEGIN = date(2013, 2, 1)


def day(number: int) -> date:
    """Day of February 2013; the 4th and the 11th are Mondays."""
    return date(2013, 2, number)


class Raw:
    """Rows put into raw by hand, each as one load says it."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self.line = 0

    def load(self, source: str, observed: datetime = OBSERVED) -> UUID:
        """A load that what is added from now on belongs to."""
        self.loaded, self.observed = surrogate_id("load", f"{source} {observed}"), observed
        self.connection.execute(
            "insert into raw.loads (load_id, source, dataset, slot, attempt, request, status, "
            "payload_sha256, observed_at) values (%s, %s, 'by hand', %s, 1, '', 'loaded', '0', %s)",
            [self.loaded, source, str(observed), observed],
        )
        return self.loaded

    def add(self, table: str, **values: object) -> None:
        """One version of one row."""
        self.line += 1
        row = values | {
            "observed_at": self.observed,
            "known_basis": "observed",
            "load_id": self.loaded,
            "line": self.line,
        }
        places = ", ".join(["%s"] * len(row))
        self.connection.execute(
            f"insert into raw.{table} ({', '.join(row)}) values ({places})",  # type: ignore[arg-type]
            list(row.values()),
        )

    def name(self, kind: str, key: str) -> None:
        """Enter a key into the map of identities."""
        self.connection.execute(
            "insert into raw.identities (kind, source_key, id, load_id) values (%s, %s, %s, %s)",
            [kind, key, surrogate_id(kind, key), self.loaded],
        )

    def account(self, key: str) -> None:
        """A brokerage account in dollars."""
        self.name("account", key)
        self.add(
            "book_accounts", account_key=key, portfolio_key="wealth", name=key, kind="brokerage",
            currency="USD", tax_regime="none", lot_method="fifo", cash_model="implied", flow_timing="start",
            opened_on=BEGIN,
        )  # fmt: skip

    def instrument(self, key: str, kind: str = "equity", currency: str = "USD", **names: str) -> None:
        """An instrument with names by scheme from the year 2000 on."""
        self.name("instrument", key)
        self.add(
            "book_instruments", instrument_key=key, kind=kind, name=key, currency=currency,
            asset_class="equity", sector="any", region="any", whole_units=False,
        )  # fmt: skip
        for scheme, alias in names.items():
            self.alias(scheme, alias, date(2000, 1, 1), key)

    def alias(self, scheme: str, alias: str, begin: date, key: str | None, end: date | None = None) -> None:
        """A name of an instrument between two days."""
        self.add(
            "book_instrument_aliases", scheme=scheme, alias=alias, valid_from=begin, valid_to=end,
            instrument_key=key, is_spam=key is None,
        )  # fmt: skip

    def book(self, key: str, account: str, kind: str, when: date, instrument: str, units: object) -> None:
        """One booking without fee and tax, at a price of ten."""
        amount = None if kind in ("split", "bonus") else 10 * Decimal(str(units))
        self.add(
            "book_transactions", transaction_key=key, transaction_id=surrogate_id("transaction", key),
            account_key=account, kind=kind, trade_date=when, instrument_key=instrument, units=units,
            amount=amount, currency="USD", fee=0, tax=0, status="settled",
        )  # fmt: skip

    def yahoo(self, symbol: str, currency: str, closes: dict[int, object]) -> None:
        """Yahoo's closes by day of February."""
        for number, close in closes.items():
            self.add(
                "yahoo_daily_bars", session_date=day(number), symbol=symbol, close=close, currency=currency
            )

    def polygon(self, ticker: str, closes: dict[int, object]) -> None:
        """Polygon's closes by day of February."""
        for number, close in closes.items():
            self.add("polygon_daily_bars", session_date=day(number), ticker=ticker, close=close)


def fill(raw: Raw) -> None:
    """One portfolio with an account for each case."""
    raw.load("books")
    for kind, key in (
        ("investor", "ann"), ("household", "home"), ("tax_unit", "ann-tax"), ("portfolio", "wealth"),
        ("instrument", "cash:USD"),
    ):  # fmt: skip
        raw.name(kind, key)
    raw.add(
        "book_investors", investor_key="ann", household_key="home", tax_unit_key="ann-tax", name="Ann",
        residency="US", risk_profile="balanced",
    )  # fmt: skip
    raw.add(
        "book_portfolios", portfolio_key="wealth", investor_key="ann", name="Wealth", currency="USD",
        drift_band=Decimal("0.05"),
    )  # fmt: skip
    for account in ("one", "two", "three"):
        raw.account(account)
    for number in range(1, 16):
        raw.add("ecb_fx_rates", rate_date=day(number), currency_code="USD", units_per_eur=Decimal("1.25"))
    names_over_time(raw)
    endings(raw)
    unit_changes(raw)
    several_sources(raw)
    restated_prices(raw)


def names_over_time(raw: Raw) -> None:
    """A share that changes its ticker, and a ticker that another company takes over."""
    raw.instrument("share-bank")
    raw.alias("ticker", "NB", date(1998, 1, 2), "share-bank")
    raw.alias("ticker", "BAC", day(5), "share-bank")
    raw.instrument("share-late", ticker="LATE")
    raw.alias("ticker", "NB", day(12), "share-late")
    raw.polygon("NB", {4: 50, 12: 7})
    raw.polygon("BAC", {4: 999, 5: 51, 12: 52})
    for key in ("share-bank", "share-late"):
        raw.book(key, "one", "buy", BEGIN, key, 1)


def endings(raw: Raw) -> None:
    """A delisted share, a merged fund and a side pocket."""
    raw.instrument("share-gone", ticker="GONE")
    raw.instrument("fund-old", kind="fund", ticker="OLD")
    raw.instrument("fund-new", kind="fund", ticker="NEW")
    raw.instrument("fund-pocket", kind="fund", ticker="POCKET")
    for key in ("share-gone", "fund-old", "fund-new", "fund-pocket"):
        raw.book(key, "one", "buy", BEGIN, key, 1)
    for ticker in ("GONE", "OLD", "NEW", "POCKET"):
        raw.polygon(ticker, {1: 20})
    raw.polygon("GONE", {6: 19, 8: 1})
    for key, kind, when, successor, ratio, share in (
        ("share-gone", "delisting", day(7), None, None, None),
        ("fund-old", "merger", day(6), "fund-new", Decimal("0.5"), None),
        ("fund-new", "segregation", day(4), "fund-pocket", 1, Decimal("0.1")),
    ):
        raw.add(
            "book_instrument_successors", instrument_key=key, kind=kind, effective_date=when,
            successor_key=successor, ratio=ratio, cost_share=share,
        )  # fmt: skip


def unit_changes(raw: Raw) -> None:
    """A split said by a provider, a book and a client, a reverse split and a bonus."""
    raw.instrument("share-split", ticker="SPL")
    raw.instrument("share-reverse", ticker="REV")
    raw.instrument("share-bonus", ticker="BON")
    for ticker in ("SPL", "REV", "BON"):
        raw.polygon(ticker, {4: 100})
    raw.add("polygon_splits", ticker="SPL", execution_date=day(6), split_from=1, split_to=2)
    raw.add("polygon_splits", ticker="REV", execution_date=day(6), split_from=10, split_to=1)
    raw.add("book_corporate_actions", instrument_key="share-split", kind="split", ex_date=day(7), ratio=2)
    raw.add("book_corporate_actions", instrument_key="share-bonus", kind="bonus", ex_date=day(6), ratio=2)
    for account in ("one", "two", "three"):
        raw.book(f"split {account}", account, "buy", BEGIN, "share-split", 10)
    raw.book("client split", "two", "split", day(8), "share-split", 2)
    raw.book("client split again", "three", "split", day(7), "share-split", 2)
    raw.book("reverse", "one", "buy", BEGIN, "share-reverse", 10)
    raw.book("bought after it", "two", "buy", day(7), "share-reverse", 5)
    raw.book("said of it since", "two", "split", day(8), "share-reverse", Decimal("0.1"))
    raw.book("bonus one", "one", "buy", BEGIN, "share-bonus", 10)
    raw.book("bonus two", "two", "buy", BEGIN, "share-bonus", 10)
    raw.book("allotment", "two", "bonus", day(8), "share-bonus", 10)


def several_sources(raw: Raw) -> None:
    """A coin that four sources price, one with an order of its own, and one quoted in another currency."""
    raw.instrument("coin", "crypto", coingecko="coin", kraken="COIN/USD")
    raw.instrument("coin-preferred", "crypto", coingecko="preferred", kraken="PRE/USD", binance="PRE/USD")
    raw.instrument("coin-abroad", "crypto", coingecko="abroad", kraken="FAR/USDT")
    for key in ("coin", "coin-preferred", "coin-abroad"):
        raw.book(key, "one", "buy", BEGIN, key, 1)
    for number, coin, price in ((13, "coin", 100), (14, "coin", 110), (14, "preferred", 200)):
        raw.add(
            "coingecko_daily_prices", price_date=day(number), coin_id=coin, quote_currency="USD", price=price
        )
    for exchange, pair, number, close in (
        ("kraken", "COIN/USD", 12, 96),
        ("kraken", "COIN/USD", 13, 104),
        ("kraken", "COIN/USD", 14, 117),
        ("kraken", "PRE/USD", 12, 190),
        ("kraken", "PRE/USD", 14, 210),
        ("binance", "PRE/USD", 14, 230),
        ("kraken", "FAR/USDT", 14, 5),
    ):
        opened_at = datetime(2013, 2, number, tzinfo=UTC)
        raw.add(
            "exchange_candles", opened_at=opened_at, exchange=exchange, pair=pair, timeframe="1d", open=close,
            high=close, low=close, close=close, volume=1,
        )  # fmt: skip
    raw.add(
        "book_price_preferences", instrument_key="coin-preferred", valid_from=day(14),
        price_sources="kraken coingecko",
    )  # fmt: skip


def restated_prices(raw: Raw) -> None:
    """Yahoo's pence, restated for a split between two fetches, beside Polygon's statement of one."""
    raw.instrument("share-london", currency="GBP", yahoo="LON.L")
    raw.instrument("share-both", ticker="BOTH", yahoo="BOTH")
    for key in ("share-london", "share-both"):
        raw.book(key, "one", "buy", BEGIN, key, 1)
    raw.polygon("BOTH", {4: 100})
    raw.load("yahoo early", datetime(2013, 2, 5, 3, 0, tzinfo=UTC))
    raw.yahoo("LON.L", "GBp", {1: 400})
    raw.load("yahoo late", datetime(2013, 2, 7, 3, 0, tzinfo=UTC))
    raw.yahoo("LON.L", "GBp", {4: 210, 5: Decimal("2.15"), 6: 220})
    raw.add(
        "yahoo_price_repairs", session_date=day(5), symbol="LON.L", price_factor=100, reason="in another unit"
    )
    raw.yahoo("BOTH", "USD", {4: 50, 5: 26, 6: 52})
    for symbol in ("LON.L", "BOTH"):
        raw.add("yahoo_splits", symbol=symbol, split_date=day(6), numerator=2, denominator=1)
    raw.add("yahoo_dividends", symbol="LON.L", ex_date=day(4), amount=5, currency="GBp")
    raw.load("polygon late", datetime(2013, 2, 7, 4, 0, tzinfo=UTC))
    raw.add("polygon_splits", ticker="BOTH", execution_date=day(5), split_from=1, split_to=2)
    raw.add(
        "polygon_dividends", ticker="BOTH", ex_dividend_date=day(4), dividend_type="CD",
        cash_amount=Decimal("0.25"), currency="USD",
    )  # fmt: skip
    raw.add(
        "polygon_dividends", ticker="BOTH", ex_dividend_date=day(4), dividend_type="SC", cash_amount=1,
        currency="USD",
    )  # fmt: skip


@pytest.fixture(scope="module")
def built(open_warehouse: Callable[[], AbstractContextManager[str]]) -> Iterator[psycopg.Connection[Any]]:
    """The warehouse after the stages that make prices, units and values."""
    with open_warehouse() as dsn:
        with psycopg.connect(dsn) as connection:
            fill(Raw(connection))
        nights.open_night(NIGHT)
        transformation.run_stage(NIGHT, "ledger")
        for batch in nights.account_batches(NIGHT):
            lots.match(NIGHT, batch)
        transformation.run_stage(NIGHT, "values")
        price_checks.check_prices(NIGHT)
        with psycopg.connect(dsn, autocommit=True) as connection:
            yield connection


def prices(built: psycopg.Connection[Any], instrument: str, *days: int) -> list[tuple[Any, ...]]:
    return built.execute(
        "select extract(day from valuation_date)::int, price_local, missing_reason "
        "from build.fct_prices_daily where instrument_id = %s "
        "and extract(day from valuation_date)::int = any(%s) order by 1",
        [surrogate_id("instrument", instrument), list(days)],
    ).fetchall()


def units(built: psycopg.Connection[Any], instrument: str) -> list[tuple[Any, ...]]:
    return built.execute(
        "select account_code, units from build.fct_positions join build.dim_accounts using (account_id) "
        "where instrument_id = %s and valid_to is null order by 1",
        [surrogate_id("instrument", instrument)],
    ).fetchall()


def test_a_name_prices_on_each_day_what_it_meant_on_that_day(built: psycopg.Connection[Any]) -> None:
    assert prices(built, "share-bank", 4, 5, 12) == [(4, 50, None), (5, 51, None), (12, 52, None)]
    assert prices(built, "share-late", 12) == [(12, 7, None)]


def test_a_delisted_share_has_no_price_from_its_day_on_and_says_so(built: psycopg.Connection[Any]) -> None:
    assert prices(built, "share-gone", 6, 7, 8) == [
        (6, 19, None),
        (7, None, "delisted on 2013-02-07"),
        (8, None, "delisted on 2013-02-07"),
    ]


def test_a_merged_fund_has_no_price_and_a_side_pocket_is_carried_without_limit(
    built: psycopg.Connection[Any],
) -> None:
    assert prices(built, "fund-old", 5, 6)[1] == (6, None, "merged into fund-new on 2013-02-06")
    assert prices(built, "fund-pocket", 15) == [(15, 20, None)]
    assert prices(built, "fund-new", 15)[0][1] is None


def test_a_split_said_by_three_counts_once_on_the_day_of_the_better_source(
    built: psycopg.Connection[Any],
) -> None:
    assert units(built, "share-split") == [("one", 20), ("three", 20), ("two", 20)]
    assert prices(built, "share-split", 6, 7) == [(6, 100, None), (7, 50, None)]
    assert built.execute(
        "select action_source, ex_date, ratio, is_used from build.fct_corporate_actions "
        "where instrument_id = %s order by 1",
        [surrogate_id("instrument", "share-split")],
    ).fetchall() == [("books", day(7), 2, True), ("polygon", day(6), 2, False)]


def test_a_reverse_split_and_a_bonus_change_units_and_the_basis_of_prices(
    built: psycopg.Connection[Any],
) -> None:
    assert units(built, "share-reverse") == [("one", 1), ("two", 5)]
    assert prices(built, "share-reverse", 6) == [(6, 1000, None)]
    assert units(built, "share-bonus") == [("one", 20), ("two", 20)]
    assert prices(built, "share-bonus", 6) == [(6, 50, None)]


def test_bonus_units_count_from_the_day_on_which_the_price_falls(built: psycopg.Connection[Any]) -> None:
    values = built.execute(
        "select account_code, valuation_date, units, round(price_cost_account, 2) "
        "from build.fct_positions join build.dim_accounts using (account_id) cross join "
        "(values (date '2013-02-05'), (date '2013-02-07')) as days (valuation_date) "
        "where instrument_id = %s and valuation_date >= valid_from "
        "and (valid_to is null or valuation_date < valid_to) order by 1, 2",
        [surrogate_id("instrument", "share-bonus")],
    ).fetchall()
    assert values == [
        (account, day(number), held, 100) for account in ("one", "two") for number, held in ((5, 10), (7, 20))
    ]


def test_units_booked_are_units_held_whoever_booked_the_split(built: psycopg.Connection[Any]) -> None:
    from folio.quality.identities import IDENTITIES, examine

    [law] = [law for law in IDENTITIES if law.name == "units_booked_are_units_held"]
    assert examine(built, law).breaches == 0


def test_what_happened_to_an_instrument_is_listed_with_its_successor(built: psycopg.Connection[Any]) -> None:
    rows = built.execute(
        "select instrument_code, action_kind, ex_date, successor_id, ratio, cost_share "
        "from build.fct_corporate_actions join build.dim_instruments using (instrument_id) "
        "where action_kind in ('merger', 'segregation', 'delisting', 'reverse_split', 'bonus') order by 1"
    ).fetchall()
    assert rows == [
        ("fund-new", "segregation", day(4), surrogate_id("instrument", "fund-pocket"), 1, Decimal("0.1")),
        ("fund-old", "merger", day(6), surrogate_id("instrument", "fund-new"), Decimal("0.5"), None),
        ("share-bonus", "bonus", day(6), None, 2, None),
        ("share-gone", "delisting", day(7), None, None, None),
        ("share-reverse", "reverse_split", day(6), None, Decimal("0.1"), None),
    ]


def sources(built: psycopg.Connection[Any], instrument: str, *days: int) -> list[tuple[Any, ...]]:
    return built.execute(
        "select extract(day from valuation_date)::int, price_local, price_source from build.fct_prices_daily "
        "where instrument_id = %s and extract(day from valuation_date)::int = any(%s) order by 1",
        [surrogate_id("instrument", instrument), list(days)],
    ).fetchall()


def test_the_best_source_of_a_kind_gives_the_price_and_a_lesser_one_where_it_has_none(
    built: psycopg.Connection[Any],
) -> None:
    assert sources(built, "coin", 12, 13, 14) == [
        (12, 96, "kraken"),
        (13, 100, "coingecko"),
        (14, 110, "coingecko"),
    ]


def test_a_book_may_order_the_sources_of_an_instrument_from_a_day_on(built: psycopg.Connection[Any]) -> None:
    assert sources(built, "coin-preferred", 12, 14) == [(12, 190, "kraken"), (14, 210, "kraken")]


def test_prices_restated_for_a_split_come_back_to_their_own_day_in_whole_currency(
    built: psycopg.Connection[Any],
) -> None:
    # 400 p fetched before the split of the 6th stays; 210 p fetched after it was 420 p on the day; 2.15 p was
    # said of 215
    assert sources(built, "share-london", 1, 4, 5, 6) == [
        (1, 4, "yahoo"), (4, Decimal("4.2"), "yahoo"), (5, Decimal("4.3"), "yahoo"),
        (6, Decimal("2.2"), "yahoo"),
    ]  # fmt: skip
    # Polygon has the 4th; of the 5th only Yahoo, which split a day later
    assert sources(built, "share-both", 4, 5, 6) == [(4, 100, "polygon"), (5, 52, "yahoo"), (6, 52, "yahoo")]


def test_a_split_of_two_providers_counts_once_and_dividends_are_of_their_own_day(
    built: psycopg.Connection[Any],
) -> None:
    assert units(built, "share-both") == [("one", 2)]
    rows = built.execute(
        "select instrument_code, action_kind, action_source, ex_date, ratio, cash_per_unit_local, "
        "actions.local_currency, is_used "
        "from build.fct_corporate_actions as actions join build.dim_instruments using (instrument_id) "
        "where instrument_code in ('share-both', 'share-london') order by 1, 2, 3"
    ).fetchall()
    assert rows == [
        ("share-both", "dividend", "polygon", day(4), None, Decimal("1.25"), "USD", True),
        ("share-both", "split", "polygon", day(5), 2, None, "USD", True),
        ("share-both", "split", "yahoo", day(6), 2, None, "USD", False),
        ("share-london", "dividend", "yahoo", day(4), None, Decimal("0.1"), "GBP", True),
        ("share-london", "split", "yahoo", day(6), 2, None, "GBP", True),
    ]


def findings(built: psycopg.Connection[Any], check: str) -> list[tuple[Any, ...]]:
    return built.execute(
        "select subject, severity, status, observed, expected, note from ops.check_results "
        "where night = %s and suite = 'prices' and check_name = %s order by 1",
        [NIGHT, check],
    ).fetchall()


def test_sources_that_disagree_beyond_the_band_are_a_finding_with_both_values(
    built: psycopg.Connection[Any],
) -> None:
    assert findings(built, "providers_agree_on_prices") == [
        (
            "coin coingecko kraken", "warn", "warned", "1 days differ", "at most 5 % apart",
            "2013-02-14: coingecko 110, kraken 117",
        )
    ]  # fmt: skip


def test_a_price_in_another_currency_is_not_used_and_is_a_finding(built: psycopg.Connection[Any]) -> None:
    assert sources(built, "coin-abroad", 14) == [(14, None, None)]
    [finding] = findings(built, "prices_are_in_the_instruments_currency")
    assert finding[:4] == ("coin-abroad kraken", "warn", "warned", "1 prices in USDT")


def test_statements_of_a_split_that_agree_are_no_finding(built: psycopg.Connection[Any]) -> None:
    assert [row[0:3] for row in findings(built, "sources_agree_on_splits")] == [("all", "warn", "passed")]
