"""What a sandbox says of coins and wallets: as CoinGecko, Kraken, an Ethereum node and Esplora would.

Its rows stand in the folder of demo data: `coins.csv` (coin_id, price_date, price), `candles.csv` (pair,
opened_on, open, high, low, close, volume) and `wallets.csv` (chain, address, asset, from_date, balance in
the smallest units, decimals). A day's price and candle are known when the day is over in UTC.
"""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path

from folio.sources.sandbox.answers import Answer

CHART, CURRENT, COINS = "/market_chart", "/api/v3/simple/price", "/api/v3/coins/"
CANDLES = "/0/public/OHLC"
ADDRESS = "/api/address/"
JSON = "application/json"

SECONDS_A_BLOCK = 12
GENESIS = datetime(2009, 1, 1, tzinfo=UTC)
"""First block of the sandbox's chain."""

BALANCE_OF, DECIMALS = "0x70a08231", "0x313ce567"


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
        if body:
            said = self._node(json.loads(body), now)
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
        return {"error": [], "result": {f"X{pair[:3]}Z{pair[3:]}": candles, "last": 0}}

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
        for path in (self.folder / name for name in ("coins.csv", "candles.csv", "wallets.csv")):
            if path.exists():
                with path.open(newline="") as file:
                    found[path.name] = list(csv.DictReader(file))
        return found


def _at(block: str) -> datetime:
    """Instant of a block."""
    return GENESIS + timedelta(seconds=int(block, 16) * SECONDS_A_BLOCK)


def _midnight(day: date) -> datetime:
    """Beginning of a day in UTC."""
    return datetime.combine(day, time(), UTC)


def _milliseconds(instant: datetime) -> int:
    """Milliseconds since 1970."""
    return int(instant.timestamp() * 1000)
