"""What a sandbox says of coins and wallets: as CoinGecko, exchanges, an Ethereum node and Esplora would.

Its rows stand in the folder of demo data: `coins.csv` (coin_id, price_date, price), `candles.csv` (pair,
opened_on, open, high, low, close, volume), `trades.csv` (trade_id, pair, traded_at, side, units, price, fee)
and `wallets.csv` (chain, address, asset, from_date, balance in the smallest units, decimals). A day's price
and candle are known when the day is over in UTC. A pair is named as its exchange does: XBTUSD at Kraken,
where the trades are, BTCUSD at Binance, BTC-USD at Coinbase.
"""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from urllib.parse import parse_qsl

from folio.sources.sandbox.answers import Answer

CHART, CURRENT, COINS = "/market_chart", "/api/v3/simple/price", "/api/v3/coins/"
CANDLES, PAIRS = "/0/public/OHLC", "/0/public/AssetPairs"
HOLDINGS, TRADES = "/0/private/BalanceEx", "/0/private/TradesHistory"
KLINES = "/api/v3/klines"
PRODUCTS, PRODUCT_CANDLES = "/products/", "/candles"
ADDRESS = "/api/address/"
JSON = "application/json"

SECONDS_A_BLOCK = 12
GENESIS = datetime(2009, 1, 1, tzinfo=UTC)
"""First block of the sandbox's chain."""

BALANCE_OF, DECIMALS = "0x70a08231", "0x313ce567"
TRADES_A_PAGE = 50
FILES = ("coins.csv", "candles.csv", "trades.csv", "wallets.csv")


@dataclass(frozen=True)
class CoinData:
    """Answers as of an instant from the rows in a folder; an absent file is one without rows."""

    folder: Path

    def answer(
        self, path: str, query: Mapping[str, str], body: bytes, as_of: datetime | None
    ) -> Answer | None:
        """The answer to a question about coins or wallets; None where the path is nobody's here."""
        now = as_of or datetime.now(UTC)
        said: object
        if path == HOLDINGS:
            said = {"error": [], "result": self._holdings(now)}
        elif path == TRADES:
            asked = dict(parse_qsl(body.decode()))
            since, offset = int(asked.get("start", "0")), int(asked.get("ofs", "0"))
            said = {"error": [], "result": self._trades(since, offset, now)}
        elif body:
            said = self._node(json.loads(body), now)
        elif path == PAIRS:
            said = {"error": [], "result": {_long(pair): _listed(pair) for pair in self._traded_pairs()}}
        elif path == KLINES:
            said = self._klines(query, now)
        elif path.startswith(PRODUCTS) and path.endswith(PRODUCT_CANDLES):
            said = self._products(path.removeprefix(PRODUCTS).removesuffix(PRODUCT_CANDLES), query, now)
        elif path.startswith(COINS) and path.endswith(CHART):
            said = self._chart(path.removeprefix(COINS).removesuffix(CHART), int(query.get("days", "")), now)
        elif path.startswith(COINS):
            coin = path.removeprefix(COINS)
            said = {"id": coin, "symbol": coin[:3], "name": coin.title(), "platforms": {"": ""}}
        elif path == CURRENT:
            said = {
                coin: {query.get("vs_currencies", ""): points[-1][1]}
                for coin in query.get("ids", "").split(",")
                if (points := self._prices(coin, now))
            }
        elif path == CANDLES:
            said = self._candles(query.get("pair", ""), int(query.get("since", "0")), now)
        elif path.startswith(ADDRESS):
            said = self._address(path.removeprefix(ADDRESS), now)
        else:
            return None
        return Answer(200, JSON, json.dumps(said).encode(), now)

    def _chart(self, coin: str, days: int, now: datetime) -> object:
        """CoinGecko's daily chart: midnights after each day, and the price of the moment."""
        points = [point for point in self._prices(coin, now) if now - point[0] <= timedelta(days=days)]
        if not points:
            return {"error": "coin not found"}
        series = [[_milliseconds(stamp), price] for stamp, price in [*points, (now, points[-1][1])]]
        return {"prices": series, "market_caps": series, "total_volumes": series}

    def _prices(self, coin: str, now: datetime) -> list[tuple[datetime, float]]:
        """Midnight after each day that is over, and the day's price."""
        rows = [row for row in self._rows("coins.csv") if row["coin_id"] == coin]
        stamped = [
            (_midnight(date.fromisoformat(row["price_date"])) + timedelta(days=1), float(row["price"]))
            for row in rows
        ]
        return sorted(point for point in stamped if point[0] <= now)

    def _candles(self, pair: str, since: int, now: datetime) -> object:
        """Kraken's daily candles after an instant, under the longer of its two names of a pair."""
        rows = [row for row in self._rows("candles.csv") if row["pair"] == pair]
        if not rows:
            return {"error": ["EQuery:Unknown asset pair"]}
        candles = [
            [
                opened,
                *(row[name] for name in ("open", "high", "low", "close")),
                row["close"],
                row["volume"],
                1,
            ]
            for row in rows
            if since < (opened := int(_midnight(date.fromisoformat(row["opened_on"])).timestamp()))
            and opened <= now.timestamp()
        ]
        return {"error": [], "result": {_long(pair): candles, "last": 0}}

    def _klines(self, query: Mapping[str, str], now: datetime) -> object:
        """Binance's candles opened between two instants in milliseconds, both included."""
        first, last = int(query.get("startTime", "0")), int(query.get("endTime", "0"))
        return [
            [stamp, *figures, stamp + 86_399_999, "0", 1, "0", "0", "0"]
            for opened, figures in self._opened(query.get("symbol", ""), now)
            if first <= (stamp := _milliseconds(opened)) <= last
        ]

    def _products(self, product: str, query: Mapping[str, str], now: datetime) -> object:
        """Coinbase's candles, newest first, as time, low, high, open, close and volume."""
        first, last = (datetime.fromisoformat(query[end]) for end in ("start", "end"))
        return [
            [int(opened.timestamp()), *(float(figures[place]) for place in (2, 1, 0, 3, 4))]
            for opened, figures in reversed(self._opened(product, now))
            if first <= opened <= last
        ]

    def _opened(self, pair: str, now: datetime) -> list[tuple[datetime, list[str]]]:
        """Candles of a pair opened by now: when, then open, high, low, close and volume."""
        return [
            (opened, [row[name] for name in ("open", "high", "low", "close", "volume")])
            for row in self._rows("candles.csv")
            if row["pair"] == pair and (opened := _midnight(date.fromisoformat(row["opened_on"]))) <= now
        ]

    def _trades(self, since: int, offset: int, now: datetime) -> object:
        """Kraken's page of the account's trades after an instant, newest first."""
        trades = [
            (row["trade_id"], stamp, row)
            for row in self._rows("trades.csv")
            if since < (stamp := datetime.fromisoformat(row["traded_at"]).timestamp()) <= now.timestamp()
        ]
        page = sorted(trades, key=lambda trade: -trade[1])[offset : offset + TRADES_A_PAGE]
        return {
            "count": len(trades),
            "trades": {
                name: {
                    "ordertxid": name,
                    "pair": _long(row["pair"]),
                    "time": stamp,
                    "type": row["side"],
                    "ordertype": "limit",
                    "price": row["price"],
                    "cost": f"{Decimal(row['price']) * Decimal(row['units']):f}",
                    "fee": row["fee"],
                    "vol": row["units"],
                }
                for name, stamp, row in page
            },
        }

    def _holdings(self, now: datetime) -> dict[str, dict[str, str]]:
        """Kraken's balances: what the trades known by now have left of each coin."""
        held: dict[str, Decimal] = {}
        for row in self._rows("trades.csv"):
            if datetime.fromisoformat(row["traded_at"]) <= now:
                units = Decimal(row["units"]) if row["side"] == "buy" else -Decimal(row["units"])
                coin = f"X{row['pair'][:3]}"
                held[coin] = held.get(coin, Decimal(0)) + units
        return {coin: {"balance": f"{units:f}", "hold_trade": "0"} for coin, units in sorted(held.items())}

    def _traded_pairs(self) -> list[str]:
        """Pairs of the account's trades."""
        return sorted({row["pair"] for row in self._rows("trades.csv")})

    def _node(self, asked: object, now: datetime) -> object:
        """A node's answers to a batch of questions or to one."""
        if isinstance(asked, list):
            return [self._node(one, now) for one in asked]
        assert isinstance(asked, dict)
        said: dict[str, object] = {"jsonrpc": "2.0", "id": asked["id"]}
        newest = int((now - GENESIS).total_seconds()) // SECONDS_A_BLOCK
        match asked["method"], asked["params"]:
            case "eth_blockNumber", _:
                return {**said, "result": hex(newest)}
            case "eth_getBalance", [address, block]:
                held = self._held("ethereum", address, "native", _at(block))
                return {**said, "result": hex(held[0] if held else 0)}
            case "eth_call", [{"to": token, "data": data}, block]:
                address = f"0x{data[-40:]}" if data.startswith(BALANCE_OF) else None
                held = self._held("ethereum", address, token, _at(block))
                if not any(row["asset"] == token for row in self._rows("wallets.csv")):
                    return {**said, "result": "0x"}
                value = 0 if held is None else held[1] if data == DECIMALS else held[0]
                return {**said, "result": f"0x{value:064x}"}
        return {**said, "error": {"code": -32601, "message": "the method does not exist"}}

    def _address(self, address: str, now: datetime) -> object:
        """What Esplora says of an address."""
        held = self._held("bitcoin", address, "native", now)
        stats = {"funded_txo_sum": 2 * held[0] if held else 0, "spent_txo_sum": held[0] if held else 0}
        return {"address": address, "chain_stats": stats, "mempool_stats": stats}

    def _held(self, chain: str, address: str | None, asset: str, at: datetime) -> tuple[int, int] | None:
        """Balance and decimals of an asset at an address, of any address where none is named."""
        found = [
            row
            for row in self._rows("wallets.csv")
            if (row["chain"], row["asset"]) == (chain, asset)
            and address in (None, row["address"], row["address"].lower())
            and _midnight(date.fromisoformat(row["from_date"])) <= at
        ]
        last = max(found, key=lambda row: row["from_date"], default=None)
        return (int(last["balance"]), int(last["decimals"])) if last else None

    def _rows(self, name: str) -> list[dict[str, str]]:
        """Rows of a file of the folder."""
        return self._files.get(name, [])

    @cached_property
    def _files(self) -> dict[str, list[dict[str, str]]]:
        """Rows of every file that is there."""
        found = {}
        for path in (self.folder / name for name in FILES):
            if path.exists():
                with path.open(newline="") as file:
                    found[path.name] = list(csv.DictReader(file))
        return found


def _long(pair: str) -> str:
    """The longer of Kraken's two names of a pair of coin and currency."""
    return f"X{pair[:3]}Z{pair[3:]}"


def _listed(pair: str) -> dict[str, str]:
    """What Kraken's list says of a pair."""
    return {"altname": pair, "base": f"X{pair[:3]}", "quote": f"Z{pair[3:]}"}


def _at(block: str) -> datetime:
    """Instant of a block."""
    return GENESIS + timedelta(seconds=int(block, 16) * SECONDS_A_BLOCK)


def _midnight(day: date) -> datetime:
    """Beginning of a day in UTC."""
    return datetime.combine(day, time(), UTC)


def _milliseconds(instant: datetime) -> int:
    """Milliseconds since 1970."""
    return int(instant.timestamp() * 1000)
