"""Real inputs of coins, exchanges, chains, factors and exchange rates, read through their connectors."""

import json
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from folio.errors import FolioError
from folio.jobs.ingest import parser_of
from folio.settings import Settings
from folio.sources import exact
from folio.sources.connectors import coingecko, ecb, esplora, ethereum, exchanges, factors
from folio.sources.connectors.exchanges import Exchange, Timeframe
from folio.sources.landing import Batch, Load
from folio.sources.session import ProviderSession
from tests.real_inputs.expectations import Expectation, body_of, json_of, no_connector_reads, refused

pytestmark = pytest.mark.shared_data

OBSERVED_AT = datetime(2027, 1, 1, tzinfo=UTC)
SETTINGS = Settings(http_attempts=1, http_backoff_seconds=0, _env_file=None)
DAY = "2026-11-20"

Row = tuple[object, ...]


def load_of(slot: str) -> Load:
    """A running load of a slot, observed after all recordings."""
    return Load(
        load_id=uuid.uuid5(uuid.NAMESPACE_DNS, slot), source="", dataset="", slot=slot, attempt=1, night=None,
        request="", status="running", payload_sha256=None, payload_bytes=None, observed_at=OBSERVED_AT,
        known_basis="observed", rows_seen=0, rows_new=0, rows_changed=0, rows_same=0, rows_rejected=0,
        reason=None,
    )  # fmt: skip


def rows_of(batch: Batch) -> list[Row]:
    """Rows of a batch, in order."""
    return list(batch.rows)  # type: ignore[arg-type]


@contextmanager
def replayed(path: Path) -> Iterator[str]:
    """A real server on loopback that gives recorded answers to the recorded questions; its base URL."""
    recorded = json_of(path)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            question = (parts.path.rstrip("/"), dict(parse_qsl(parts.query)))
            for one in recorded:
                if (one["path"].rstrip("/"), dict(map(tuple, one["query"]))) == question:
                    return self._give(one["status"], one["body"].encode())
            return self._give(404, b'{"error":"nothing was recorded for this question"}')

        def _give(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# ---- exchanges ---------------------------------------------------------------------------------------------


def read_candles(exchange: Exchange, timeframe: Timeframe, slot: str) -> Callable[[Path], Batch]:
    return lambda path: exchanges.parse_candles(
        exchange, timeframe, exact.paged([body_of(path)]), load_of(slot)
    )


def candles(
    exchange: Exchange, timeframe: Timeframe, slot: str, count: int, first: str, *figures: str
) -> Expectation:
    """Expect so many whole candles, and of the earliest the opening instant and the five figures."""

    def check(path: Path) -> None:
        batch = read_candles(exchange, timeframe, slot)(path)
        assert list(batch.rejected) == []
        rows = sorted(rows_of(batch), key=lambda row: str(row[0]))
        assert len(rows) == count
        opened_at = datetime.fromisoformat(first).replace(tzinfo=UTC)
        pair = slot.partition("@")[0]
        assert rows[0][:-1] == (opened_at, exchange, pair, timeframe, *map(Decimal, figures))

    return check


def read_balances(exchange: Exchange) -> Callable[[Path], Batch]:
    return lambda path: exchanges.parse_balances(exchange, exact.paged([body_of(path)]), load_of(DAY))


KRAKEN_PAIRS = json.dumps(
    {
        "error": [],
        "result": {
            "XXBTZEUR": {"altname": "XBTEUR", "base": "XXBT", "quote": "ZEUR"},
            "XETHZEUR": {"altname": "ETHEUR", "base": "XETH", "quote": "ZEUR"},
        },
    }
).encode()


def read_kraken_trades(path: Path) -> Batch:
    """Trades of a recording, which holds either a whole answer or only its result."""
    said = json_of(path)
    answer = said if "result" in said else {"error": [], "result": said}
    kept = exact.paged([KRAKEN_PAIRS, json.dumps(answer).encode()])
    return exchanges.parse_trades("kraken", kept, load_of(DAY))


def kraken_trades(path: Path) -> None:
    batch = read_kraken_trades(path)
    when = (datetime(2016, 3, 26, 12, 14, 2, tzinfo=UTC), datetime(2016, 3, 3, 8, 40, 42, tzinfo=UTC))
    hundred, one, fee = Decimal(100), Decimal(1), Decimal("0.1")
    assert rows_of(batch) == [
        ("kraken", "BTC/EUR", "1", "buy", when[0], one, hundred, hundred, fee, "EUR", 1),
        ("kraken", "ETH/EUR", "2", "buy", when[1], one, hundred, hundred, fee, "EUR", 2),
    ]
    assert [(one.line, one.reason) for one in batch.rejected] == [
        (3, "pair 'IDONTEXISTZEUR' is none that Kraken lists"),
        (4, "pair 'XETHIDONTEXISTTOO' is none that Kraken lists"),
        (5, "pair '%$#%$#%$#%$#%$#%' is none that Kraken lists"),
    ]


def kraken_market_trades(path: Path) -> None:
    """What everyone traded is no answer on one account, and none of candles."""
    refused(read_kraken_trades, "no trades of an account at kraken")(path)
    batch = read_candles("kraken", "1m", "BTC/USDT@2024-03-13..2024-03-13")(path)
    assert rows_of(batch) == []
    assert "is not where a candle" in batch.rejected[0].reason


def kraken_ticker(path: Path) -> None:
    """Nearly a thousand pairs at a moment are no candles of one pair; asked for by address, over HTTP."""
    with (
        replayed(path) as url,
        ProviderSession("kraken", url, SETTINGS) as http,
    ):
        payload = http.get("/0/public/Ticker", {"assetVersion": "1"})
    with pytest.raises(FolioError, match=r"no candles of one pair: the answer names \d{3,}"):
        exchanges.parse_candles("kraken", "1d", exact.paged([payload.body]), load_of(f"0G/EUR@{DAY}..{DAY}"))


def binance_balances(path: Path) -> None:
    nothing = Decimal("0")
    assert rows_of(read_balances("binance")(path)) == [
        (date(2026, 11, 20), "binance", coin, Decimal(amount), nothing, Decimal(amount), line)
        for line, (coin, amount) in enumerate(
            (("BTC", "4723846.89208129"), ("LTC", "4763368.68006011")), start=1
        )
    ]


def binance_errors(path: Path) -> None:
    for one in json_of(path):
        kept = exact.paged([json.dumps(one["body"]).encode()])
        with pytest.raises(FolioError, match="1000ms ahead of the server's time"):
            exchanges.parse_balances("binance", kept, load_of(DAY))


# ---- coins and chains --------------------------------------------------------------------------------------


def microcap(path: Path) -> None:
    slot = coingecko.slot_of("microcap", "usd", date(2023, 12, 1), date(2023, 12, 31))
    batch = coingecko.parse_prices(body_of(path), load_of(slot))
    assert list(batch.rejected) == []
    assert [row[:4] for row in rows_of(batch)] == [
        (date(2023, 12, day), "microcap", "USD", Decimal(price))
        for day, price in (
            (8, "0.000016446899669484214"),
            (9, "0.000019116562906218465"),
            (10, "0.00001907096268974158"),
            (11, "0.00001793183990141821"),
            (12, "0.00002007992246841523"),
        )
    ]


def coins(path: Path) -> None:
    with (
        replayed(path) as url,
        ProviderSession("coingecko", url, SETTINGS) as http,
    ):
        provider = coingecko.CoinGecko(http)
        batches = [
            rows_of(coingecko.parse_coin(provider.fetch_coin(coin).body, load_of(coin)))
            for coin in ("bitcoin", "yearn-finance")
        ]
    assert batches[0] == [("bitcoin", "native", "btc", "Bitcoin", None, None, 1)]
    assert len(batches[1]) == 13
    contract = "0x0bc529c00c6401aef6d220be8c6ea1667f6ad93e"
    assert batches[1][0] == ("yearn-finance", "ethereum", "yfi", "yearn.finance", contract, 18, 1)


def current_prices(path: Path) -> None:
    with (
        replayed(path) as url,
        ProviderSession("coingecko", url, SETTINGS) as http,
    ):
        payload = coingecko.CoinGecko(http).fetch_current(("bitcoin", "dai", "binancecoin"), "ETH")
    assert rows_of(coingecko.parse_current(payload.body, load_of(""))) == [
        ("binancecoin", "ETH", Decimal("0.21387074"), 1),
        ("bitcoin", "ETH", Decimal("31.906046"), 2),
        ("dai", "ETH", Decimal("0.0003068"), 3),
    ]


def each_body_refused(read: Callable[[bytes], object], reason: str) -> Expectation:
    """Expect that every recorded body is refused."""

    def check(path: Path) -> None:
        for one in json_of(path):
            with pytest.raises(FolioError, match=reason):
                read(one["body"].encode())

    return check


def bitcoin(address: str, balance: str) -> Expectation:
    def check(path: Path) -> None:
        batch = esplora.parse_balances(exact.paged([body_of(path)]), load_of(DAY))
        assert rows_of(batch) == [
            (date(2026, 11, 20), "bitcoin", address, "native", Decimal(balance), None, 1)
        ]

    return check


def ether(address: str, balance: str, block: int) -> Expectation:
    """Expect one balance among recorded questions and answers; the others ask for something else."""

    def check(path: Path) -> None:
        recorded = json_of(path)
        kept = b'{"asked":[%s],"answers":[%s]}' % (
            ",".join(one["request_body"] for one in recorded).encode(),
            ",".join(one["body"] for one in recorded).encode(),
        )
        batch = ethereum.parse_balances(kept, load_of(DAY))
        assert list(batch.rejected) == []
        assert [row[:-1] for row in rows_of(batch)] == [
            (date(2026, 11, 20), "ethereum", address, "native", Decimal(balance), block)
        ]

    return check


def calls_of_contracts(path: Path) -> None:
    """Of ten recorded questions one asks for a balance; calls of other contracts are no balances."""
    recorded = json_of(path)
    asked, answers = [], []
    for place, one in enumerate(recorded, start=1):
        asked.append({"id": place, "method": one["method"], "params": one["params"]})
        answers.append({**json.loads(one["body"]), "id": place})
    kept = json.dumps({"asked": [asked], "answers": [answers]}).encode()
    batch = ethereum.parse_balances(kept, load_of(DAY))
    address = "0x50532e4Be195D1dE0c2E6DfA46D9ec0a4Fee6861"
    assert rows_of(batch) == [
        (date(2026, 11, 20), "ethereum", address, "native", Decimal("5.1063307"), 87042, 2)
    ]
    assert list(batch.rejected) == []


# ---- rates and factors -------------------------------------------------------------------------------------


def euro_history(path: Path) -> None:
    batch = ecb.parse_history(body_of(path), load_of("1999-01-04..2026-10-30"))
    quotes = {row[:2]: row[2] for row in rows_of(batch)}
    assert list(batch.rejected) == []
    assert len(quotes) == len(rows_of(batch)) == QUOTES
    assert len({day for day, _ in quotes}) == 7126
    assert quotes[date(2026, 10, 30), "INR"] == Decimal("106.084")
    assert quotes[date(1999, 1, 4), "CYP"] == Decimal("0.58231")
    assert (date(1999, 1, 4), "INR") not in quotes


QUOTES = 221_702
"""Cells of the table that hold a number and not N/A, below 41 currencies."""


def euro_latest(path: Path) -> None:
    batch = ecb.parse_rates(body_of(path), load_of("2026-10-30"))
    rows = rows_of(batch)
    assert (list(batch.rejected), len(rows)) == ([], 29)
    assert {row[0] for row in rows} == {date(2026, 10, 30)}
    assert rows[0][1:3] == ("USD", Decimal("1.1172"))
    assert rows[-1][1:3] == ("ZAR", Decimal("18.6455"))


def file_of(
    read: Callable[[bytes, Load], Batch], count: int, first: Mapping[Row, str], last: Mapping[Row, str]
) -> Expectation:
    """Expect so many rows, and the values of some by their key."""

    def check(path: Path) -> None:
        batch = read(body_of(path), load_of(path.name))
        values = {row[:-2]: row[-2] for row in rows_of(batch)}
        assert (list(batch.rejected), len(values), len(rows_of(batch))) == ([], count, count)
        for key, value in {**first, **last}.items():
            assert values[key] == Decimal(value)

    return check


def month(year: int, number: int, last: int, layout: str, factor: str) -> Row:
    return (date(year, number, last), layout, "month", factor)


FRENCH, WITH_PORTFOLIOS = "french_3_factors", "french_factors_and_portfolios"
CURVE, DISCOUNT = "us_treasury_curve", "us_fed_discount"

KRAKEN = "BTC/USD@2023-07-06..2023-07-06"
NO_CHART = "no market chart: it has no prices"

EXPECTED: dict[str, Expectation] = {
    "api/alchemy_prices/rotki__test_alchemy_api_errors_False_.json": no_connector_reads("alchemy_prices"),
    "api/binance/account_docs_example.json": binance_balances,
    "api/binance/error_bodies.json": binance_errors,
    "api/binance/exchangeInfo_symbol_BTCUSDT.json": refused(
        read_candles("binance", "1d", KRAKEN), "no candles of binance"
    ),
    "api/binance/klines_BTCUSDT_1d_testnet.json": candles(
        *("binance", "1d", "BTC/USDT@2026-06-01..2026-06-30", 5, "2026-06-03"),  # type: ignore[arg-type]
        *("67101.71", "76707.8", "802.04", "64463.6", "677.36109"),
    ),
    "api/bitcoin_balances/rotki__test_add_xpub_with_conversion_works_60-0_.json": no_connector_reads(
        "blockchain.info"
    ),
    "api/bitcoin_balances/rotki__test_get_xpub_balances_ignore_cache_behavior.json": no_connector_reads(
        "blockchain.info"
    ),
    "api/bitcoin_balances/rotki__test_p2pk_True-btc_accounts0_.json": no_connector_reads("blockcypher"),
    "api/bitcoin_blockchain_info/rotki__test_2input_1output_btc_accounts0_.json": no_connector_reads(
        "blockchain.info"
    ),
    "api/bitcoin_blockchain_info/rotki__test_op_return_True-btc_accounts0_.json": no_connector_reads(
        "blockcypher"
    ),
    "api/coinbase_exchange/ccxt__candles_BTC-USDT_1h.json": candles(
        *("coinbase", "1h", "BTC/USDT@2024-03-13..2024-03-13", 1, "2024-03-13T11:00"),  # type: ignore[arg-type]
        *("73243.33", "73402.47", "73241.5", "73370.65", "1.56794406"),
    ),
    "api/coinbase_exchange/ccxt__ticker_BTC-USDT.json": refused(
        read_candles("coinbase", "1h", "BTC/USDT@2024-03-13..2024-03-13"), "no candles of coinbase"
    ),
    "api/coinbase_v2/rotki__transactions_response.json": refused(
        lambda path: exchanges.parse_trades("coinbase", exact.paged([body_of(path)]), load_of(DAY)),
        "no trades of an account at coinbase",
    ),
    "api/coinbasepro/pricehist__2020-01-01--2020-10-16.json": candles(
        *("coinbase", "1d", "BTC/USD@2020-01-01..2020-10-16", 2, "2020-01-01"),  # type: ignore[arg-type]
        *("6400.02", "6471.44", "6388.91", "6410.22", "491.94797816"),
    ),
    "api/coinbasepro/pricehist__2020-10-17--2021-01-07.json": candles(
        *("coinbase", "1d", "BTC/USD@2020-10-17..2021-01-07", 2, "2020-10-17"),  # type: ignore[arg-type]
        *("9675.29", "9742.61", "9630.1", "9706.33", "385.03505036"),
    ),
    "api/coinbasepro/pricehist__currencies-partial.json": refused(
        read_candles("coinbase", "1d", KRAKEN), "no candles of coinbase"
    ),
    "api/coinbasepro/pricehist__recent.json": candles(
        *("coinbase", "1d", "BTC/USD@2021-01-01..2021-01-07", 7, "2021-01-01"),  # type: ignore[arg-type]
        *("23706.73", "24250", "23512.7", "24070.97", "1830.04655405"),
    ),
    "api/coindesk/pricehist__all-partial.json": no_connector_reads("coindesk"),
    "api/coindesk/pricehist__recent.json": no_connector_reads("coindesk"),
    "api/coindesk/pricehist__supported-currencies-partial.json": no_connector_reads("coindesk"),
    "api/coingecko/market_chart_microcap_scientific_notation.json": microcap,
    "api/coingecko/rotki__test_asset_data.json": coins,
    "api/coingecko/rotki__test_coingecko_historical_price.json": each_body_refused(
        lambda body: coingecko.parse_prices(body, load_of("ethereum/USD@2023-12-31..2023-12-31")), NO_CHART
    ),
    "api/coingecko/rotki__test_coingecko_query_multiple_current_prices.json": current_prices,
    "api/coinmarketcap/pricehist__crypto-partial.json": no_connector_reads("coinmarketcap"),
    "api/cryptocompare/rotki__test_price_queries_historical_price_oracles_order0-False-True_.json": (
        no_connector_reads("cryptocompare")
    ),
    "api/cryptocompare/rotki__test_query_multiple_current_prices.json": no_connector_reads("cryptocompare"),
    "api/cryptocompare/rotki__test_special_cases.json": no_connector_reads("cryptocompare"),
    "api/ecb/pricehist__eurofxref-hist-empty.xml": refused(
        lambda path: ecb.parse_history(body_of(path), load_of("2020-01")),
        "line 1 is not the header of the ECB's rates",
    ),
    "api/esplora/address_active.json": bitcoin("bc1q695z03z6kweljcvpwft7vfu6kd0guf24yaaht2", "1449.17484934"),
    "api/esplora/address_genesis.json": bitcoin("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "57.19999745"),
    "api/ethereum_rpc/rotki__blockchain_balances_subset.json": calls_of_contracts,
    "api/ethereum_rpc/rotki__test_binance_sc_nodes_prune_and_archive_status_binance_sc_accounts0-"
    "binance_sc_manager_connect_at_start0_.json": ether(
        "0xf29991AB7C30dC0dAfc4C39Bf1acD7d2534ecC85", "2.075405465759803932", 15364859
    ),
    "api/ethereum_rpc/rotki__test_contract_call_raises_on_non_checksum_token_address_"
    "ethereum_manager_connect_at_start0_.json": ether(
        "0x50532e4Be195D1dE0c2E6DfA46D9ec0a4Fee6861", "5.1063307", 87042
    ),
    "api/etherscan/rotki__error_bodies.json": no_connector_reads("etherscan"),
    "api/etherscan/rotki__test_has_activity.json": no_connector_reads("etherscan"),
    "api/kraken/ccxt__ticker_XBTUSDT.json": refused(
        read_candles("kraken", "1d", "BTC/USDT@2024-03-13..2024-03-13"), "no candles of kraken"
    ),
    "api/kraken/ccxt__trades_XBTUSDT.json": kraken_market_trades,
    "api/kraken/ohlc_XXBTZUSD_1m_docs.json": candles(
        *("kraken", "1m", KRAKEN, 1, "2023-07-06T19:20"),  # type: ignore[arg-type]
        *("30306.1", "30306.2", "30305.7", "30305.7", "3.39243896"),
    ),
    "api/kraken/rotki__kraken_futures_balances_response.json": refused(
        read_balances("kraken"), "no balances of kraken"
    ),
    "api/kraken/rotki__kraken_general_ledger_response.json": refused(
        read_kraken_trades, "no trades of an account at kraken"
    ),
    "api/kraken/rotki__kraken_specific_deposits_response.json": refused(
        read_kraken_trades, "no trades of an account at kraken"
    ),
    "api/kraken/rotki__kraken_specific_trades_history_response.json": kraken_trades,
    "api/kraken/rotki__test_kraken_query_single_current_price.json": kraken_ticker,
    "crypto/freqtrade_XRP_USDT_1h_futures.json": candles(
        *("binance", "1h", "XRP/USDT@2021-11-17..2021-11-30", 100, "2021-11-17T01:00"),  # type: ignore[arg-type]
        *("1.0801", "1.09758", "1.07654", "1.07925", "3153694.607359"),
    ),
    "crypto/freqtrade_kraken_BCHEUR_trades.csv": refused(
        lambda path: parser_of("kraken", "trades")(body_of(path), load_of(DAY)), "not whole JSON"
    ),
    "factors/fama_french_3factor_monthly_arch.csv.gz": file_of(
        factors.parse_factors,
        4 * 1109,
        {month(1926, 7, 31, FRENCH, "market"): "0.0296", month(1926, 7, 31, FRENCH, "value"): "-0.0287"},
        {month(2018, 11, 30, FRENCH, "risk_free"): "0.0018"},
    ),
    "factors/fama_french_mom_portfolios_monthly_linearmodels.csv.gz": file_of(
        factors.parse_factors,
        5 * 819,
        {
            month(1949, 1, 31, WITH_PORTFOLIOS, "market"): "0.0023",
            month(1949, 2, 28, WITH_PORTFOLIOS, "momentum"): "-0.0040999999999999995",
        },
        {month(2017, 3, 31, WITH_PORTFOLIOS, "risk_free"): "0.0003"},
    ),
    "factors/us_fed_discount_interest_rate_lean.csv": file_of(
        factors.parse_rates,
        56,
        {(date(2003, 1, 9), "USD", DISCOUNT, 0): "0.0225"},
        {(date(2023, 7, 27), "USD", DISCOUNT, 0): "0.055"},
    ),
    "factors/us_treasury_curves.csv.gz": file_of(
        factors.parse_rates,
        70_144,
        {(date(1990, 1, 2), "USD", CURVE, 3): "0.0783", (date(1990, 1, 2), "USD", CURVE, 360): "0.08"},
        {(date(2017, 3, 29), "USD", CURVE, 1): "0.0076"},
    ),
    "fx/eurofxref-hist.csv.gz": euro_history,
    "fx/eurofxref_latest.csv": euro_latest,
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_real_input_gives_what_is_expected(name: str, shared: Path) -> None:
    EXPECTED[name](shared / "data" / name)


def test_the_same_numbers_in_another_unit_than_declared_are_refused(shared: Path) -> None:
    path = shared / "data" / "factors" / "us_treasury_curves.csv.gz"
    header, *lines = body_of(path).decode().splitlines()
    percent = [
        ",".join([day, *(f"{Decimal(cell) * 100:f}" if cell else "" for cell in cells)])
        for day, *cells in (line.split(",") for line in lines[:100])
    ]
    with pytest.raises(FolioError, match="declared in fractions, but a typical number is 8"):
        factors.parse_rates("\n".join([header, *percent]).encode(), load_of(""))
