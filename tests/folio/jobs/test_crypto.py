"""A night's crypto prices, wallet balances and factor files against a real sandbox and a real warehouse."""

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from folio.books import intake
from folio.jobs import backfill, crypto_prices, factor_files, wallets
from folio.settings import settings
from folio.sources.landing import Load
from folio.sources.sandbox import Fault, Sandbox
from folio.store import warehouse as warehouse_module

NIGHT, NEXT_NIGHT = "2026-03-03T0300Z", "2026-03-04T0300Z"
HOLDER = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
TOKEN = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
BITCOIN = "bc1q695z03z6kweljcvpwft7vfu6kd0guf24yaaht2"

MARKET = {
    "prices.csv": "ticker,session_date,open,high,low,close,volume\n",
    "coins.csv": "coin_id,price_date,price\nbitcoin,2026-03-01,64000.25\nbitcoin,2026-03-02,65000.5\n"
    "bitcoin,2026-03-03,66000\nmicro,2026-03-02,1.6446899669484214e-05\n",
    "candles.csv": "pair,opened_on,open,high,low,close,volume\n"
    "XBTUSD,2026-03-02,64000.1,65100.0,63900.5,65000.2,12.34567891\n"
    "XBTUSD,2026-03-03,65000.2,66100.0,64900.5,66000.7,10.1\n",
    "wallets.csv": "chain,address,asset,from_date,balance,decimals\n"
    f"ethereum,{HOLDER},native,2026-01-01,5106330700000000001,18\n"
    f"ethereum,{HOLDER},{TOKEN},2026-01-01,1234567,6\n"
    f"bitcoin,{BITCOIN},native,2026-01-01,144917484934,8\n",
}
BOOKS = {
    "1_investors.csv": "investor_key,household_key,tax_unit_key,name,email,residency,risk_profile\n"
    "I1,H1,T1,One,,DE,growth\n",
    "2_portfolios.csv": "portfolio_key,investor_key,name,currency,var_limit,drift_band\n"
    "P1,I1,Main,USD,,0.1\n",
    "3_accounts.csv": "account_key,portfolio_key,name,kind,currency,tax_regime,lot_method,cash_model,"
    "flow_timing,opened_on\nW1,P1,Wallet,wallet,USD,us,fifo,implied,start,2025-01-01\n",
    "4_wallets.csv": f"chain,address,account_key\nethereum,{HOLDER},W1\nbitcoin,{BITCOIN},W1\n"
    f"ethereum,{HOLDER.lower()},W1\n",
    "5_instruments.csv": "instrument_key,kind,name,currency,asset_class,sector,region,whole_units\n"
    "btc,crypto,Bitcoin,USD,crypto,none,global,false\nmicro,crypto,Micro,USD,crypto,none,global,false\n",
    "6_aliases.csv": "scheme,alias,valid_from,valid_to,instrument_key\n"
    "coingecko,bitcoin,2025-01-01,,btc\ncoingecko,micro,2025-01-01,,micro\nkraken,BTC/USD,2025-01-01,,btc\n"
    f"contract,ethereum:{TOKEN},2025-01-01,,micro\ncontract,bitcoin:native,2025-01-01,,btc\n",
}

Rows = Callable[[str], list[Any]]


@pytest.fixture
def sandbox(warehouse: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A sandbox that every provider's URL points to."""
    folder = tmp_path / "market"
    folder.mkdir()
    for name, text in MARKET.items():
        (folder / name).write_text(text)
    with Sandbox(folder) as running:
        for name in ("COINGECKO", "KRAKEN", "BINANCE", "COINBASE", "ESPLORA", "ETHEREUM"):
            monkeypatch.setenv(f"FOLIO_{name}_URL", running.url)
        for name, value in {
            "RECORDED": "true",
            "HTTP_ATTEMPTS": "1",
            "COINGECKO_KEY": "geckokey1234",
            "DROP_FOLDER": str(tmp_path / "drop"),
        }.items():
            monkeypatch.setenv(f"FOLIO_{name}", value)
        settings.cache_clear()
        yield running


@pytest.fixture
def books(sandbox: Sandbox) -> list[Load]:
    """Books that name a coin, a token, a pair and two wallet addresses."""
    drop = settings().drop
    drop.mkdir(parents=True)
    for name, text in BOOKS.items():
        (drop / f"2026-03-01T0000Z_{name}").write_text(text)
    return intake.files(NIGHT)


@pytest.fixture
def rows(warehouse: str) -> Rows:
    def fetch(query: str) -> list[Any]:
        with warehouse_module.connect(warehouse) as connection:
            return connection.execute(query).fetchall()  # type: ignore[arg-type]

    return fetch


def brief(loads: list[Load]) -> list[tuple[str, str, str, int]]:
    return [(f"{load.source}/{load.dataset}", load.slot, load.status, load.rows_seen) for load in loads]


def test_nobody_is_asked_for_what_no_book_names(sandbox: Sandbox) -> None:
    for job in (
        crypto_prices.coin_prices,
        crypto_prices.exchange_candles,
        wallets.wallet_balances,
        wallets.exchange_accounts,
        factor_files.factor_files,
    ):
        assert job(NIGHT) == []
    assert sandbox.requests == []


def test_a_night_takes_in_the_closes_of_coins_in_full(
    sandbox: Sandbox, books: list[Load], rows: Rows
) -> None:
    loads = crypto_prices.coin_prices(NIGHT)
    assert brief(loads) == [
        ("coingecko/daily_prices", "bitcoin/USD@2026-02-23..2026-03-02", "loaded", 2),
        ("coingecko/coins", "bitcoin 2026-03", "loaded", 1),
        ("coingecko/daily_prices", "micro/USD@2026-02-23..2026-03-02", "loaded", 1),
        ("coingecko/coins", "micro 2026-03", "loaded", 1),
    ]
    assert rows(
        "select coin_id, price_date::text, price::text from raw.coingecko_daily_prices order by 1, 2"
    ) == [
        ("bitcoin", "2026-03-01", "64000.25"),
        ("bitcoin", "2026-03-02", "65000.5"),
        ("micro", "2026-03-02", "0.000016446899669484214"),
    ]
    assert {headers.get("x-cg-demo-api-key") for _, headers in sandbox.requests} == {"geckokey1234"}
    again = crypto_prices.coin_prices(NEXT_NIGHT)
    assert [(load.rows_new, load.rows_same) for load in again if load.dataset == "daily_prices"] == [
        (1, 2),
        (0, 1),
    ]


def test_a_night_takes_in_the_candles_of_days_that_are_over(
    sandbox: Sandbox, books: list[Load], rows: Rows
) -> None:
    loads = crypto_prices.exchange_candles(NIGHT)
    assert brief(loads) == [("kraken/daily_candles", "BTC/USD@2026-02-23..2026-03-02", "loaded", 1)]
    assert rows("select opened_at::text, pair, close::text, volume::text from raw.exchange_candles") == [
        ("2026-03-02 00:00:00+00", "BTC/USD", "65000.2", "12.34567891")
    ]
    assert [load.rows_new for load in crypto_prices.exchange_candles(NEXT_NIGHT)] == [1]


def test_candles_of_mixed_units_are_held(sandbox: Sandbox, books: list[Load], tmp_path: Path) -> None:
    days = [f"2026-02-{day}" for day in range(23, 29)] + ["2026-03-01", "2026-03-02"]
    prices = (640 if number % 2 else 64000 for number in range(8))
    (tmp_path / "market" / "candles.csv").write_text(
        "pair,opened_on,open,high,low,close,volume\n"
        + "".join(f"XBTUSD,{day},{p},{p},{p},{p},1\n" for day, p in zip(days, prices, strict=True))
    )
    (load,) = crypto_prices.exchange_candles(NIGHT)
    assert load.status == "held"
    assert "jumps: 7 of 7 outside" in str(load.reason)


def test_a_complaint_inside_an_answer_is_a_failed_load_that_keeps_it(
    sandbox: Sandbox, books: list[Load], rows: Rows
) -> None:
    with warehouse_module.connect() as connection:
        connection.execute("update raw.book_instrument_aliases set alias = 'NOT/USD' where scheme = 'kraken'")
    (load,) = crypto_prices.exchange_candles(NIGHT)
    assert load.status == "failed"
    assert "EQuery:Unknown asset pair" in str(load.reason)
    assert load.payload_sha256 is not None


def test_history_is_known_from_when_each_day_was_over_and_is_asked_for_once(
    sandbox: Sandbox, books: list[Load], rows: Rows
) -> None:
    loads = backfill.backfill_month("kraken", "2026-03", "2026-03-02", "2026-03-03")
    assert [(load.status, load.rows_new, load.known_basis) for load in loads] == [("loaded", 2, "assumed")]
    assert rows("select observed_at::text, known_basis from raw.exchange_candles order by 1") == [
        ("2026-03-03 00:00:00+00", "assumed"),
        ("2026-03-04 00:00:00+00", "assumed"),
    ]
    asked = len(sandbox.requests)
    assert all(
        load.repeated for load in backfill.backfill_month("kraken", "2026-03", "2026-03-02", "2026-03-03")
    )
    assert len(sandbox.requests) == asked
    coins = backfill.backfill_month("coingecko", "2026-03", "2026-03-01", "2026-03-03")
    assert [(load.slot, load.status, load.rows_new) for load in coins] == [
        ("bitcoin/USD@2026-03-01..2026-03-03", "loaded", 3),
        ("micro/USD@2026-03-01..2026-03-03", "loaded", 1),
    ]
    assert backfill.backfill_month("binance", "2026-03") == []


def test_a_night_takes_in_what_wallets_hold_to_the_last_unit(
    sandbox: Sandbox, books: list[Load], rows: Rows
) -> None:
    rejected = rows("select reason from raw.rejected_rows")
    assert rejected == [
        (f"column address: {HOLDER.lower()!r} does not have the capitals of its checksum (EIP-55)",)
    ]
    loads = wallets.wallet_balances(NIGHT)
    assert brief(loads) == [
        ("ethereum/balances", "2026-03-02", "loaded", 2),
        ("esplora/balances", "2026-03-02", "loaded", 1),
    ]
    assert rows(
        "select chain, asset, balance::text, block_number > 0 from raw.wallet_balances order by 1, 2"
    ) == [
        ("bitcoin", "native", "1449.17484934", None),
        ("ethereum", TOKEN, "1.234567", True),
        ("ethereum", "native", "5.106330700000000001", True),
    ]


def test_a_source_that_is_off_says_so_only_where_it_is_needed(
    sandbox: Sandbox, books: list[Load], rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOLIO_ETHEREUM_URL", "")
    settings.cache_clear()
    assert brief(wallets.wallet_balances(NIGHT)) == [("esplora/balances", "2026-03-02", "loaded", 1)]
    assert rows("select subject, observed, expected from ops.check_results where status = 'warned'") == [
        ("ethereum", "source off", "FOLIO_ETHEREUM_URL set")
    ]


def test_a_wallet_at_fault_fails_its_load_and_not_the_other_chain(
    sandbox: Sandbox, books: list[Load]
) -> None:
    sandbox.faults.switch_on(Fault("/api/address", "cut"))
    loads = wallets.wallet_balances(NIGHT)
    assert [(load.source, load.status) for load in loads] == [("ethereum", "loaded"), ("esplora", "failed")]


def test_a_balance_unlike_the_ledger_is_a_finding_until_they_agree(
    sandbox: Sandbox, books: list[Load], rows: Rows, warehouse: str
) -> None:
    wallets.wallet_balances(NIGHT)
    with warehouse_module.connect(warehouse) as connection:
        connection.execute("create schema if not exists build")
        connection.execute(
            "create table build.fct_positions as select a.id as account_id, i.id as instrument_id,"
            " 1449.17484934::numeric as units, null::date as valid_to from raw.identities as a,"
            " raw.identities as i where a.source_key = 'W1' and i.source_key = 'btc'"
        )
    assert wallets.compare_with_ledger(NIGHT) == 1
    found = "select subject, status, observed, expected from ops.check_results"
    assert rows(found) == [("W1 micro", "warned", "1.234567 at its addresses", "0 by the ledger")]
    with warehouse_module.connect(warehouse) as connection:
        connection.execute(
            "insert into build.fct_positions select a.id, i.id, 1.234567, null from raw.identities as a,"
            " raw.identities as i where a.source_key = 'W1' and i.source_key = 'micro'"
        )
    assert wallets.compare_with_ledger(NIGHT) == 0
    assert rows(found) == []


def test_dropped_files_of_factors_and_rates_load_once_and_others_say_what_is_known(
    sandbox: Sandbox, rows: Rows
) -> None:
    folder = settings().drop / factor_files.FOLDER
    folder.mkdir(parents=True)
    (folder / "rates.csv").write_text("DATE,PCREDIT8\n2026-01-02,4.5\n2026-02-02,4.25\n")
    (folder / "factors.csv.gz").write_bytes(
        gzip.compress(b"Date,Mkt-RF,SMB,HML,RF\n202601,1.25,0.1,-99.99,0.3\n")
    )
    (folder / "other.csv").write_text("Day,Rate\n2026-01-02,4.5\n")
    loads = factor_files.factor_files(NIGHT)
    assert [(load.dataset, load.status, load.rows_new) for load in loads] == [
        ("factor_returns", "loaded", 3),
        ("risk_free_rates", "failed", 0),
        ("risk_free_rates", "loaded", 2),
    ]
    assert "the header of no declared layout" in str(loads[1].reason)
    assert rows(
        "select factor, factor_return::text, observed_at::text from raw.factor_returns order by 1"
    ) == [
        ("market", "0.0125", "2026-03-17 03:00:00+00"),
        ("risk_free", "0.003", "2026-03-17 03:00:00+00"),
        ("size", "0.001", "2026-03-17 03:00:00+00"),
    ]
    assert all(load.repeated for load in factor_files.factor_files(NIGHT) if load.status == "loaded")
