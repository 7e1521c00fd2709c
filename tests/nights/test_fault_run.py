"""Thirty nights in which every source goes wrong in every way, beside the same nights without a fault.

Equal must be: every version in raw (key and values, each once), and every figure of the last night. Lateness
may differ and does: when a version was observed and which load brought it, what `fct_loads` and
`fct_data_quality` tell, and the ids made of them. Balances are of the moment they are asked for, so those of
a night that got no answer are missing, and of no other. mfapi.in is no part of a night; the accounts at
Binance and Coinbase go the way of Kraken's.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import product
from pathlib import Path
from random import Random
from typing import Any, Literal

import psycopg
import pytest

from folio.demo import scale
from folio.demo.tables import write_table
from folio.jobs import backfill, ingest, pipeline
from folio.jobs.nights import Night
from folio.settings import settings
from folio.sources.providers import PROVIDERS
from folio.sources.sandbox import Fault, Sandbox
from folio.sources.tables import TABLES
from folio.store.postgres import EmbeddedPostgres

BOOK_DAY = date(2013, 2, 27)
FIRST_NIGHT = BOOK_DAY + timedelta(days=1)
NIGHTS = [Night.parse(f"{FIRST_NIGHT + timedelta(days=n)}T0300Z") for n in range(30)]
HISTORY_FROM = "2013-01-01"
SCHEMES = 40
SELDOM = (38, 39)
"""Schemes that publish every other day, in turn: the next file has the lost day's NAV of one of them."""

ADDRESS, COINS = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "bc1q695z03z6kweljcvpwft7vfu6kd0guf24yaaht2"
TOKEN = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"


@dataclass(frozen=True)
class Dataset:
    """What a source is asked for, and where.

    `each` says how often: in every night, once a month until it is there, or only in nights that make up for
    others. An answer of a `moment` cannot be had later. `never` names faults that its answers cannot show.
    """

    source: str
    name: str
    path: str
    each: Literal["night", "month", "loss"] = "night"
    moment: bool = False
    never: frozenset[str] = frozenset()


NO_LIST = frozenset({"no_rows"})
"""An answer about one thing has no rows to lose."""

AGELESS = frozenset({"other_day"})
"""An answer that names no day cannot be told from yesterday's."""

DATASETS = (
    Dataset("amfi", "navs", "/spages/"),
    Dataset("amfi", "history", "/DownloadNAVHistoryReport", each="loss"),
    Dataset("polygon", "daily_bars", "/v2/aggs/"),
    Dataset("polygon", "splits", "/v3/reference/splits"),
    Dataset("ecb", "fx_rates", "/stats/eurofxref/"),
    Dataset("polygon", "dividends", "/v3/reference/dividends"),
    Dataset("polygon", "tickers", "/v3/reference/tickers", each="month"),
    Dataset("yahoo", "daily_bars", "/v8/finance/chart/"),
    Dataset("alphavantage", "daily_bars", "/query"),
    Dataset("coingecko", "daily_prices", "/api/v3/coins/"),
    Dataset("kraken", "daily_candles", "/0/public/OHLC"),
    Dataset("kraken", "balances", "/0/private/BalanceEx", moment=True, never=NO_LIST | AGELESS),
    Dataset("kraken", "trades", "/0/private/TradesHistory"),
    Dataset("binance", "daily_candles", "/api/v3/klines"),
    Dataset("coinbase", "daily_candles", "/products/"),
    Dataset("ethereum", "balances", "/node", moment=True, never=AGELESS),
    Dataset("esplora", "balances", "/api/address/", moment=True, never=NO_LIST | AGELESS),
)
BARS_OF_ALL = DATASETS[2]
NOT_OF_A_NIGHT = {"mfapi", "coinbase_accounts"}

SAID = {
    "429": r"HTTP 429, .*\(after 2 attempts\)",
    "peace": r"HTTP 429, .*; it may be asked again from",
    "500": r"HTTP 500, an HTML page .*\(after 2 attempts\)",
    "stall": r"no whole answer within .* \(after 2 attempts\)",
    "cut": r"the transfer broke: .*\(after 2 attempts\)",
    "html": r"HTTP 200, but an HTML page titled 'Maintenance', not data",
    "redirect": r"HTTP 302, a redirect to http://elsewhere\.invalid/login, not followed",
    "403": r"HTTP 403",
    "empty": r"an empty body",
    "other_provider": r"header|not whole JSON|status None|zip",
    "truncated": r"rows against the last load|not whole JSON|cannot be opened",
    "other_day": r"^$|not one of its bars is a bar of",
    "no_rows": r"^$|no line|no NAV|holds|has no result|no block number|rows readable|no market chart",
}
"""What a load says of each fault; nothing where an old file or an empty answer looks like a holiday's."""

NOT_ASKED = r"not asked, because"
OUTAGE = range(14, 20)
"""Nights on which nothing answers, so that every breaker opens."""

LAST_FAULT = 25
"""Nights after it are without a fault: they make up for what is left."""


def faults() -> Iterator[tuple[int, Dataset, str]]:
    """Which fault each dataset has in each night, by its place: every kind once, then the outage."""
    kinds = list(SAID)
    free = [n for n in range(1, LAST_FAULT + 1) if n not in OUTAGE]
    for shift, dataset in enumerate(DATASETS):
        for place, n in enumerate(free[: len(kinds)]):
            kind = kinds[(place + 3 * shift) % len(kinds)]
            if kind not in dataset.never:
                yield n, dataset, kind
    for n, dataset in product(OUTAGE, DATASETS):
        yield n, dataset, "500"


def switched(n: int, dataset: Dataset, kind: str) -> Fault:
    """The fault as the sandbox takes it, for one night."""
    night = f"{NIGHTS[n].instant:%Y-%m-%d}"
    if kind == "peace":
        return Fault(dataset.path, "429", retry_after=3600, as_of=night)
    return Fault(dataset.path, kind, as_of=night)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Run:
    """A database after the thirty nights."""

    dsn: str
    open_after: tuple[frozenset[str], ...] = ()
    """Providers whose breaker was open after each night."""

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.dsn, options="-c timezone=UTC") as connection:
            return connection.execute(query, parameters or None).fetchall()

    def missed(self, of: str, day: date) -> bool:
        """Whether a source, or a chain, gave no balances for a day."""
        source = {"bitcoin": "esplora"}.get(of, of)
        return not self.rows(
            "select from raw.loads where (source, dataset, slot, status) = (%s, 'balances', %s, 'loaded')",
            source,
            day.isoformat(),
        )

    def versions(self) -> dict[str, list[tuple[Any, ...]]]:
        """What each version in raw says, by table; twice where it stands twice."""
        return {
            name: self.rows(
                f"select {', '.join(table.columns)} from raw.{name} order by {', '.join(table.columns)}"
            )
            for name, table in TABLES.items()
        }

    def figures(self) -> dict[str, Counter[tuple[Any, ...]]]:
        """Rows of every built and computed table without the columns that tell of loads and lateness."""
        columns: dict[str, list[str]] = {}
        for relation, column in self.rows(
            "select format('%I.%I', table_schema, table_name), column_name from information_schema.columns"
            " join information_schema.tables using (table_schema, table_name)"
            " where table_schema in ('build', 'computed') and table_type = 'BASE TABLE' order by 1, 2"
        ):
            if relation not in LATENESS_TABLES and not LATENESS.search(column):
                columns.setdefault(relation, []).append(f'"{column}"')
        return {
            relation: Counter(self.rows(f"select row({', '.join(names)})::text from {relation}"))
            for relation, names in columns.items()
        }


LATENESS = re.compile(r"load_ids?$|_at$|^line$|_line$|known_|_basis$|payload|sha256")
LATENESS_TABLES = {"build.fct_loads", "build.fct_data_quality"}


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a small market and the book that lives in it: three shares, forty funds, the euro."""
    home = tmp_path_factory.mktemp("faults")
    scale.write(
        home / "market",
        home / "drop",
        accounts=2,
        instruments=3,
        years=1,
        last_day=BOOK_DAY,
        later_sessions=22,
    )
    days = scale.weekdays(date(2013, 1, 1), NIGHTS[-1].valuation_date)
    random = Random("navs")
    write_table(
        home / "market" / "navs.csv",
        ("scheme_code", "nav_date", "nav"),
        (
            (900_000 + n, day, f"{random.uniform(99, 101):.4f}")
            for n in range(SCHEMES)
            for place, day in enumerate(days)
            if n not in SELDOM or place % 2 == n % 2
        ),
    )
    write_table(
        home / "market" / "schemes.csv",
        ("scheme_code", "isin", "scheme_name", "category", "fund_house"),
        ((900_000 + n, "", f"Fund {n}", "Equity Scheme - Flexi Cap Fund", "Faults") for n in range(SCHEMES)),
    )
    write_table(
        home / "market" / "splits.csv",
        ("ticker", "execution_date", "split_from", "split_to"),
        [("SYN0003", NIGHTS[16].valuation_date, 1, 2)],
    )
    write_coins(home / "market")
    for name, text in BOOKS.items():
        (home / "drop" / f"{FIRST_NIGHT}T0000Z_{name}").write_text(text)
    return home


BOOKS = {
    "x1_accounts.csv": "account_key,portfolio_key,name,kind,currency,tax_regime,lot_method,cash_model,"
    "flow_timing,opened_on\nW1,P000000,Wallet,wallet,USD,us,fifo,implied,start,2013-01-01\n",
    "x2_owners.csv": "account_key,investor_key,valid_from,valid_to,share\nW1,I000000,2013-01-01,,1\n",
    "x3_wallets.csv": f"chain,address,account_key\nethereum,{ADDRESS},W1\nbitcoin,{COINS},W1\n",
    "x4_instruments.csv": "instrument_key,kind,name,currency,asset_class,sector,region,whole_units\n"
    "btc,crypto,Bitcoin,USD,crypto,none,global,false\neth,crypto,Ether,USD,crypto,none,global,false\n"
    "tok,crypto,Token,USD,crypto,none,global,false\n",
    "x5_aliases.csv": "scheme,alias,valid_from,valid_to,instrument_key\ncoingecko,bitcoin,2013-01-01,,btc\n"
    "kraken,BTC/USD,2013-01-01,,btc\nbinance,ETH/USD,2013-01-01,,eth\ncoinbase,ETH/USD,2013-01-01,,tok\n"
    f"contract,bitcoin:native,2013-01-01,,btc\ncontract,ethereum:{TOKEN},2013-01-01,,tok\n"
    "yahoo,SYN0001,2013-01-01,,SYN0001\nalphavantage,SYN0002,2013-01-01,,SYN0002\n",
    "x6_transactions.csv": "account_key,external_id,kind,trade_date,instrument,units,price,amount,currency\n"
    "W1,b1,buy,2013-02-25,btc,2,30,60,USD\nW1,b2,buy,2013-02-25,eth,3,20,60,USD\n"
    "W1,b3,buy,2013-02-25,tok,4,10,40,USD\n",
}
"""A wallet in the first portfolio, whose coins have a price at one provider each."""


def write_coins(folder: Path) -> None:
    """Prices, candles, trades and balances of coins, changing from day to day."""
    random = Random("coins")
    days = [BOOK_DAY + timedelta(days=n) for n in range(-20, len(NIGHTS) + 2)]
    write_table(
        folder / "coins.csv",
        ("coin_id", "price_date", "price"),
        (("bitcoin", day, f"{random.uniform(29, 31):.6f}") for day in days),
    )
    write_table(
        folder / "candles.csv",
        ("pair", "opened_on", "open", "high", "low", "close", "volume"),
        (
            (pair, day, 30, 31.5, 28.5, f"{random.uniform(29, 31):.2f}", f"{random.uniform(1, 9):.5f}")
            for pair in ("XBTUSD", "ETHUSD", "ETH-USD")
            for day in days
        ),
    )
    write_table(
        folder / "trades.csv",
        ("trade_id", "pair", "traded_at", "side", "units", "price", "fee"),
        (
            (f"T{n}", "XBTUSD", f"{day}T10:00:00+00:00", "buy", "0.01", "30", "0.1")
            for n, day in enumerate(days)
        ),
    )
    write_table(
        folder / "wallets.csv",
        ("chain", "address", "asset", "from_date", "balance", "decimals"),
        (
            (chain, address, asset, day, 10**decimals + n, decimals)
            for chain, address, asset, decimals in (
                ("ethereum", ADDRESS, "native", 18),
                ("ethereum", ADDRESS, TOKEN, 6),
                ("bitcoin", COINS, "native", 8),
            )
            for n, day in enumerate(days)
        ),
    )


@pytest.fixture(scope="module")
def run(
    postgres: EmbeddedPostgres, migrated_template: str, market: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str, Sequence[Fault]], Run]]:
    """Runs the ingests of the thirty nights with some faults switched on, in a database of its own."""
    made: list[str] = []
    with pytest.MonkeyPatch.context() as patch, Sandbox(market / "market") as sandbox:
        patch.setattr(ingest, "GREAT_EXPECTATIONS", "plain")  # its import takes seconds

        def point_at(name: str) -> None:
            for variable, value in {
                "DSN": postgres.url(name),
                "STATE": str(tmp_path_factory.getbasetemp() / name),
                "DROP_FOLDER": str(market / "drop"),
                **{one.url_setting.upper(): sandbox.url for one in PROVIDERS.values()},
                "ETHEREUM_URL": f"{sandbox.url}/node",
                **{one.key_setting.upper(): "sandbox" for one in PROVIDERS.values() if one.key_setting},
                "KRAKEN_KEY": "sandbox",
                "KRAKEN_SECRET": "c2FuZGJveA==",
                "RECORDED": "true",
                "HTTP_ATTEMPTS": "2",
                "HTTP_BACKOFF_SECONDS": "0",
            }.items():
                patch.setenv(f"FOLIO_{variable}", value)

        def start(name: str, switched_on: Sequence[Fault]) -> Run:
            postgres.create_database(name, template=migrated_template)
            made.append(name)
            point_at(name)
            settings.cache_clear()
            for source, month in product(("polygon", "ecb", "amfi"), ("2013-01", "2013-02")):
                backfill.backfill_month(source, month, HISTORY_FROM, BOOK_DAY - timedelta(days=1))
            open_after: list[frozenset[str]] = []
            for fault in switched_on:
                sandbox.faults.switch_on(fault)
            stalling = {fault.as_of for fault in switched_on if fault.kind == "stall"}
            for night in NIGHTS:
                is_stalling = f"{night.instant:%Y-%m-%d}" in stalling
                patch.setenv("FOLIO_HTTP_TIMEOUT_SECONDS", "0.4" if is_stalling else "30")
                settings.cache_clear()
                for _, take_in in pipeline.ingests(night.id):
                    take_in()
                is_open = Run(postgres.url(name)).rows(
                    "select provider from ops.breakers where opened_at is not null"
                )
                open_after.append(frozenset(provider for (provider,) in is_open))
            sandbox.faults.switch_off()
            return Run(postgres.url(name), tuple(open_after))

        yield start
    settings.cache_clear()
    for name in made:
        postgres.drop_database(name)


@pytest.fixture(scope="module")
def calm(run: Callable[[str, Sequence[Fault]], Run]) -> Run:
    """The nights without a fault."""
    return run("folio_calm", [])


@pytest.fixture(scope="module")
def stormy(run: Callable[[str, Sequence[Fault]], Run]) -> Run:
    """The same nights with every fault."""
    return run("folio_stormy", [switched(*one) for one in faults()])


def test_every_source_has_every_fault() -> None:
    assert {dataset.source for dataset in DATASETS} == set(PROVIDERS) - NOT_OF_A_NIGHT
    kinds: dict[Dataset, set[str]] = {}
    for _, dataset, kind in faults():
        kinds.setdefault(dataset, set()).add(kind)
    assert {dataset: set(SAID) - found for dataset, found in kinds.items()} == {
        dataset: set(dataset.never) for dataset in DATASETS
    }


def test_nothing_is_lost_and_nothing_doubled(calm: Run, stormy: Run) -> None:
    ours, theirs = stormy.versions(), calm.versions()
    for table in MOMENTS:
        expected = [row for row in theirs[table] if not stormy.missed(str(row[1]), row[0])]
        assert ours.pop(table) == expected
        assert 0 < len(expected) < len(theirs.pop(table))
    assert {name: len(rows) for name, rows in ours.items()} == {
        name: len(rows) for name, rows in theirs.items()
    }
    assert {name for name in theirs if ours[name] != theirs[name]} == set()
    assert {name for name in FILLED if len(theirs[name]) < 20} == set()
    assert theirs["polygon_splits"]


MOMENTS = ("wallet_balances", "exchange_balances")
FILLED = (
    "amfi_navs", "polygon_daily_bars", "ecb_fx_rates", "yahoo_daily_bars", "alphavantage_daily_bars",
    "coingecko_daily_prices", "exchange_candles", "exchange_trades",
)  # fmt: skip


def test_every_fault_is_written_down_with_its_reason(stormy: Run) -> None:
    really: dict[str, set[str]] = {}
    for n, dataset, kind in faults():
        if dataset == BARS_OF_ALL and NIGHTS[n].valuation_date.weekday() >= 5:
            continue  # no session, so no question
        found = stormy.rows(
            "select status, coalesce(reason, ''), rows_new + rows_changed from raw.loads"
            " where source = %s and dataset = %s and night = %s",
            dataset.source,
            dataset.name,
            NIGHTS[n].id,
        )
        assert found or dataset.each != "night", (n, dataset, kind)
        for status, reason, rows in found:
            if status == "superseded":
                continue  # asked again since, and there
            assert re.search(f"{SAID[kind]}|{NOT_ASKED}", reason), (n, dataset, kind, status, reason)
            # of an old answer what it has may be new: the day before may have been lost
            assert rows == 0 or kind == "other_day", (n, dataset, kind)
            if re.search(SAID[kind], reason):
                really.setdefault(dataset.source, set()).add(kind)
    for source in {dataset.source for dataset in DATASETS}:
        never = frozenset.intersection(*(one.never for one in DATASETS if one.source == source))
        assert set(SAID) - really[source] == never, source


def test_breakers_open_leave_a_finding_and_close_again(stormy: Run) -> None:
    sources = {dataset.source for dataset in DATASETS}
    assert stormy.open_after[OUTAGE[-1]] == sources
    assert stormy.open_after[LAST_FAULT + 1 :] == (frozenset(),) * (len(NIGHTS) - LAST_FAULT - 1)
    refused = stormy.rows(
        "select distinct source from raw.loads where reason like %s", "%not asked, because%"
    )
    assert {("polygon",), ("kraken",)} <= set(refused)  # those that have several questions a night
    findings = stormy.rows("select distinct subject from ops.check_results where check_name = 'source asked'")
    assert {subject for (subject,) in findings} == sources
    assert stormy.rows("select max(night) < %s from raw.loads where status = 'failed'", NIGHTS[-1].id) == [
        (True,)
    ]


@pytest.mark.exhaustive
@pytest.mark.timeout(1200)
def test_the_last_nights_figures_are_those_of_a_run_without_a_fault(calm: Run, stormy: Run) -> None:
    figures = []
    for one in (calm, stormy):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("FOLIO_DSN", one.dsn)
            settings.cache_clear()
            pipeline.run_night(NIGHTS[-1].id)
        figures.append(one.figures())
    settings.cache_clear()
    assert {name for name in figures[0] if figures[0][name] != figures[1].get(name)} == set()
    assert figures[0].keys() == figures[1].keys()
    valued = calm.rows(
        "select count(*) from build.fct_portfolio_values_daily where valuation_date = %s"
        " and value_portfolio is not null",
        NIGHTS[-1].valuation_date,
    )
    assert valued == [(1,)]
