"""Exchanges through ccxt: what is asked and signed, what is kept, and what kept answers say."""

import base64
import hashlib
import hmac
import json
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr

from folio.errors import PayloadError, SourceError
from folio.settings import Settings
from folio.sources import exact
from folio.sources.connectors.exchanges import (
    Account,
    Exchange,
    Keys,
    Market,
    parse_balances,
    parse_candles,
    parse_trades,
    slot_of,
)
from folio.sources.landing import Load
from folio.sources.session import ProviderSession, UnusableAnswerError

LoadAt = Callable[..., Load]

KEY, SECRET = "public-part-of-a-key", base64.b64encode(b"private part of a key").decode()
KEYS = Keys(SecretStr(KEY), SecretStr(SECRET))
DAY = date(2024, 3, 13)


@dataclass
class Venue:
    """A real HTTP server that gives scripted answers in turn, and keeps what it was asked."""

    url: str = ""
    answers: list[bytes] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, str], str]] = field(default_factory=list)

    def paths(self) -> list[str]:
        """Path of each question, without its query."""
        return [urlsplit(path).path for _, path, _, _ in self.asked]


@pytest.fixture
def venue() -> Iterator[Venue]:
    found = Venue()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            found.asked.append((self.command, self.path, dict(self.headers), body))
            answer = found.answers.pop(0)
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


def session(venue: Venue, quick: Settings, exchange: str = "kraken") -> ProviderSession:
    return ProviderSession(exchange, venue.url, quick)


CANDLE = b"[1710288000,71000.1,73000.2,72000.3,72500.4,1.5e-7]"


@pytest.mark.parametrize(
    ("exchange", "answer", "path", "query"),
    [
        (
            "kraken",
            b'{"error":[],"result":{"XXBTZUSD":[],"last":1}}',
            "/0/public/OHLC",
            {"pair": "XBTUSD", "interval": "1440", "since": "1710201600"},
        ),
        (
            "binance",
            b"[ ]",
            "/api/v3/klines",
            {
                "symbol": "BTCUSD",
                "interval": "1d",
                "limit": "1000",
                "startTime": "1710288000000",
                "endTime": "1710288000000",
            },
        ),
        (
            "coinbase",
            b"[ ]",
            "/products/BTC-USD/candles",
            {
                "granularity": "86400",
                "start": "2024-03-13T00:00:00+00:00",
                "end": "2024-03-13T00:00:00+00:00",
            },
        ),
    ],
)
def test_candles_are_asked_by_the_exchanges_own_name_of_a_pair(
    venue: Venue, quick: Settings, exchange: Exchange, answer: bytes, path: str, query: dict[str, str]
) -> None:
    venue.answers = [answer]
    with session(venue, quick) as http:
        payload = Market(exchange, http).fetch_candles("BTC/USD", "1d", DAY, DAY)
    assert payload.body == exact.paged([answer])
    (asked,) = venue.asked
    assert (asked[0], urlsplit(asked[1]).path) == ("GET", path)
    assert {name: values[0] for name, values in parse_qs(urlsplit(asked[1]).query).items()} == query


def test_a_day_of_minutes_takes_as_many_answers_as_the_exchange_needs(venue: Venue, quick: Settings) -> None:
    venue.answers = [b"[%s]" % CANDLE] * 5
    with session(venue, quick) as http:
        payload = Market("coinbase", http).fetch_candles("BTC/USD", "1m", DAY, DAY)
    assert len(venue.asked) == 5  # 1440 minutes, 300 at a time
    assert payload.body == exact.paged([b"[%s]" % CANDLE] * 5)


def test_what_is_no_pair_is_not_asked_for(venue: Venue, quick: Settings) -> None:
    with (
        session(venue, quick) as http,
        pytest.raises(SourceError, match="'BTCUSD' is no pair such as BTC/USD"),
    ):
        Market("kraken", http).fetch_candles("BTCUSD", "1d", DAY, DAY)
    assert venue.asked == []


def test_candles_keep_every_digit_and_their_own_order_of_cells(load_at: LoadAt) -> None:
    batch = parse_candles(
        "coinbase",
        "1d",
        exact.paged([b"[%s]" % CANDLE]),
        load_at(2024, 3, 20, slot=slot_of("BTC/USD", DAY, DAY)),
    )
    (row,) = batch.rows  # type: ignore[misc]
    assert row[1:-1] == (
        *("coinbase", "BTC/USD", "1d"),
        *(Decimal("72000.3"), Decimal("73000.2"), Decimal("71000.1"), Decimal("72500.4"), Decimal("1.5e-7")),
    )


@pytest.mark.parametrize(
    ("candle", "reason"),
    [
        (
            "[1710288000,71000,73000,74000,72500,1]",
            "open 74000 or close 72500 lies outside low 71000 to high 73000",
        ),
        ("[1710288000,71000,73000,72000,0,1]", "close is not positive: 0"),
        ("[1710288000,71000,73000,72000,72500,-1]", "volume is negative: -1"),
        ('[1710288000,71000,73000,"NaN",72500,1]', "open is no number: 'NaN'"),
        (
            "[1710288060,71000,73000,72000,72500,1]",
            "2024-03-13 00:01:00+00:00 is not where a candle of 1 day",
        ),
    ],
)
def test_a_bad_candle_is_rejected_and_the_others_stay(load_at: LoadAt, candle: str, reason: str) -> None:
    body = exact.paged([b"[%s,%s]" % (candle.encode(), CANDLE)])
    batch = parse_candles("coinbase", "1d", body, load_at(2024, 3, 20, slot=slot_of("BTC/USD", DAY, DAY)))
    assert [(one.line, one.reason[: len(reason)]) for one in batch.rejected] == [(1, reason)]
    assert len(batch.rows) == 1  # type: ignore[arg-type]


def test_a_candle_that_was_not_over_at_the_fetch_is_left_out(load_at: LoadAt) -> None:
    slot = slot_of("BTC/USD", DAY, DAY)
    for hour, count in ((23, 0), (24, 1)):
        seen = load_at(2024, 3, 13, 23, slot=slot) if hour == 23 else load_at(2024, 3, 14, slot=slot)
        batch = parse_candles("coinbase", "1d", exact.paged([b"[%s]" % CANDLE]), seen)
        assert (len(batch.rows), len(batch.rejected)) == (count, 0)  # type: ignore[arg-type]


def test_kraken_is_asked_with_a_signature_of_nonce_path_and_body(
    venue: Venue, quick: Settings, load_at: LoadAt
) -> None:
    venue.answers = [b'{"error":[],"result":{"XXBT":{"balance":"1.50","hold_trade":"0.25"}}}']
    with session(venue, quick) as http:
        payload = Account("kraken", http, KEYS).fetch_balances()
    ((method, path, headers, body),) = venue.asked
    assert (method, path, headers["API-Key"]) == ("POST", "/0/private/BalanceEx", KEY)
    nonce = parse_qs(body)["nonce"][0]
    digest = hashlib.sha256((nonce + body).encode()).digest()
    signed = hmac.new(base64.b64decode(SECRET), path.encode() + digest, hashlib.sha512).digest()
    assert headers["API-Sign"] == base64.b64encode(signed).decode()
    batch = parse_balances("kraken", payload.body, load_at(2024, 3, 14, slot="2024-03-13"))
    assert batch.rows == [(DAY, "kraken", "BTC", Decimal("1.25"), Decimal("0.25"), Decimal("1.50"), 1)]


def test_binance_is_asked_with_a_key_in_a_header_and_a_signed_query(venue: Venue, quick: Settings) -> None:
    venue.answers = [b'{"balances":[]}']
    with session(venue, quick, "binance") as http:
        payload = Account("binance", http, KEYS).fetch_balances()
    ((_, path, headers, _),) = venue.asked
    query, _, signature = urlsplit(path).query.rpartition("&signature=")
    assert headers["X-MBX-APIKEY"] == KEY
    assert signature == hmac.new(SECRET.encode(), query.encode(), hashlib.sha256).hexdigest()
    assert signature not in payload.origin


def test_trades_of_kraken_come_page_by_page_with_the_list_of_its_pairs(
    venue: Venue, quick: Settings, load_at: LoadAt
) -> None:
    pairs = {"XXBTZUSD": {"altname": "XBTUSD", "base": "XXBT", "quote": "ZUSD"}}
    trade = {
        "ordertxid": "O", "postxid": "P", "pair": "XXBTZUSD", "time": 1710327959.1733, "type": "sell",
        "ordertype": "limit", "price": "73324.4", "cost": "7.33244", "fee": "0.0183", "vol": "0.0001",
    }  # fmt: skip

    def page(*names: str) -> bytes:
        trades = dict.fromkeys(names, trade)
        return json.dumps({"error": [], "result": {"trades": trades, "count": 3}}).encode()

    venue.answers = [json.dumps({"error": [], "result": pairs}).encode(), page("T1", "T2"), page("T3")]
    with session(venue, quick) as http:
        payload = Account("kraken", http, KEYS).fetch_trades(DAY, [])
    private = "/0/private/TradesHistory"
    assert venue.paths() == ["/0/public/AssetPairs", private, private]
    assert [parse_qs(body)["ofs"] for _, _, _, body in venue.asked[1:]] == [["0"], ["2"]]
    batch = parse_trades("kraken", payload.body, load_at(2024, 3, 14, slot="2024-03-13"))
    rows = list(batch.rows)  # type: ignore[call-overload]
    assert [row[:4] for row in rows] == [("kraken", "BTC/USD", f"T{n}", "sell") for n in (1, 2, 3)]
    assert rows[0][5:] == (
        *(Decimal("0.0001"), Decimal("73324.4"), Decimal("7.33244"), Decimal("0.0183"), "USD", 1),
    )


def test_trades_of_binance_are_asked_for_pair_by_pair(venue: Venue, quick: Settings, load_at: LoadAt) -> None:
    trade = {
        "symbol": "ETHBTC", "id": 28457, "orderId": 1, "price": "0.05000100", "qty": "12.00000000",
        "quoteQty": "0.600012", "commission": "0.001", "commissionAsset": "BNB", "time": 1710327959173,
        "isBuyer": True, "isMaker": False, "isBestMatch": True,
    }  # fmt: skip
    venue.answers = [b"[ ]", json.dumps([trade]).encode()]
    with session(venue, quick) as http:
        payload = Account("binance", http, KEYS).fetch_trades(DAY, ["BTC/USDT", "ETH/BTC"])
    assert [parse_qs(urlsplit(path).query)["symbol"] for _, path, _, _ in venue.asked] == [
        ["BTCUSDT"],
        ["ETHBTC"],
    ]
    (row,) = parse_trades("binance", payload.body, load_at(2024, 3, 14, slot="2024-03-13")).rows  # type: ignore[misc]
    assert row[:4] == ("binance", "ETH/BTC", "28457", "buy")
    assert row[5:-1] == (Decimal(12), Decimal("0.050001"), Decimal("0.600012"), Decimal("0.001"), "BNB")


def test_accounts_and_fills_of_coinbase_follow_the_cursor(
    venue: Venue, quick: Settings, load_at: LoadAt
) -> None:
    account = {
        "uuid": "u", "currency": "BTC", "type": "ACCOUNT_TYPE_CRYPTO",
        "available_balance": {"value": "1.23", "currency": "BTC"},
        "hold": {"value": "0.5", "currency": "BTC"},
    }  # fmt: skip
    venue.answers = [
        json.dumps({"accounts": [account], "has_next": True, "cursor": "next"}).encode(),
        json.dumps({"accounts": [], "has_next": False, "cursor": ""}).encode(),
    ]
    with session(venue, quick, "coinbase_accounts") as http:
        payload = Account("coinbase", http, KEYS).fetch_balances()
    assert venue.paths() == ["/api/v3/brokerage/accounts"] * 2
    assert "cursor=next" in venue.asked[1][1]
    batch = parse_balances("coinbase", payload.body, load_at(2024, 3, 14, slot="2024-03-13"))
    assert batch.rows == [(DAY, "coinbase", "BTC", Decimal("1.23"), Decimal("0.5"), Decimal("1.73"), 1)]


def test_a_complaint_inside_an_answer_is_raised_with_the_answer_and_without_secrets(
    venue: Venue, quick: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    venue.answers = [b'{"error":["EAPI:Invalid key"]}']
    with (
        session(venue, quick) as http,
        pytest.raises(UnusableAnswerError, match="EAPI:Invalid key") as raised,
    ):
        Account("kraken", http, KEYS).fetch_balances()
    assert raised.value.payload.body == b'{"error":["EAPI:Invalid key"]}'
    told = f"{raised.value} {caplog.text}"
    assert KEY not in told
    assert SECRET not in told


@pytest.mark.parametrize("exchange", ["kraken", "binance", "coinbase"])
@pytest.mark.parametrize("answer", [b'["x"]', b'{"result":{}}', b'"text"', b"{}", b"12345"])
def test_json_of_another_shape_fails_the_fetch_or_the_reading_and_nothing_else(
    venue: Venue, quick: Settings, exchange: Exchange, answer: bytes, load_at: LoadAt
) -> None:
    venue.answers = [answer] * 3
    with session(venue, quick) as http:
        try:
            kept = Account(exchange, http, KEYS).fetch_trades(DAY, ["BTC/USD"])
        except UnusableAnswerError as fault:
            assert fault.payload.body == answer
            return
    with pytest.raises(PayloadError):
        parse_trades(exchange, kept.body, load_at(2024, 3, 14, slot="2024-03-13"))


@pytest.mark.parametrize("exchange", ["kraken", "binance", "coinbase"])
@pytest.mark.parametrize(
    "body", [b"", b"<html></html>", b"{}", b'{"pages":[]}', b'{"pages":[{"status":"OK"}]}']
)
def test_what_is_no_answer_of_the_exchange_is_refused(
    exchange: Exchange, body: bytes, load_at: LoadAt
) -> None:
    with pytest.raises(PayloadError):
        parse_candles(exchange, "1d", body, load_at(2024, 3, 14, slot=slot_of("BTC/USD", DAY, DAY)))
    with pytest.raises(PayloadError):
        parse_balances(exchange, body, load_at(2024, 3, 14, slot="2024-03-13"))
    with pytest.raises(PayloadError):
        parse_trades(exchange, body, load_at(2024, 3, 14, slot="2024-03-13"))
