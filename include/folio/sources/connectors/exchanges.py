"""Kraken, Binance and Coinbase: candles of pairs, and with read-only keys balances and trades.

`ccxt` writes and signs the requests and knows each exchange's layouts and names of currencies (XXBT is BTC).
What it asks goes through the provider's session, so the shared policy holds and every answer is kept as it
came; what it reads are those kept answers, without the network, with numbers as the text they were.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from pydantic import SecretStr

from folio.errors import PayloadError, SourceError
from folio.sources import exact
from folio.sources.landing import Batch, Load, Rejected
from folio.sources.payloads import Payload
from folio.sources.session import ProviderSession, UnusableAnswerError

Exchange: TypeAlias = Literal["kraken", "binance", "coinbase"]
Timeframe: TypeAlias = Literal["1d", "1h", "1m"]

EXCHANGES: tuple[Exchange, ...] = ("kraken", "binance", "coinbase")
LENGTHS: Mapping[Timeframe, timedelta] = MappingProxyType(
    {"1d": timedelta(days=1), "1h": timedelta(hours=1), "1m": timedelta(minutes=1)}
)
MOST_CANDLES: Mapping[Exchange, int] = MappingProxyType({"kraken": 720, "binance": 1000, "coinbase": 300})
"""Candles in one answer. Kraken gives its newest 720 whatever is asked: twelve hours of minutes."""

MOST_PAGES = 1000
TRADES_A_PAGE = 1000


@dataclass(frozen=True)
class Keys:
    """Read-only API key and secret of an exchange."""

    key: SecretStr
    secret: SecretStr


@dataclass(frozen=True)
class Market:
    """Asks an exchange for what everyone may see."""

    exchange: Exchange
    http: ProviderSession

    def fetch_candles(self, pair: str, timeframe: Timeframe, first: date, last: date) -> Payload:
        """Candles of a pair (BTC/USD) opened on the UTC days between two, as `{"pages": [...]}`."""
        asking = _Asking(self.exchange, self.http)
        begin, end = (datetime.combine(day, time(), UTC) for day in (first, last + timedelta(days=1)))
        step = LENGTHS[timeframe] * MOST_CANDLES[self.exchange]
        while begin < end:
            until = min(begin + step, end)
            with asking.in_shape():
                asking.candles(_name_of(self.exchange, pair), timeframe, begin, until - LENGTHS[timeframe])
            begin = until if self.exchange != "kraken" else end
        return asking.kept()


@dataclass(frozen=True)
class Account:
    """Asks an exchange for what belongs to the owner of the keys."""

    exchange: Exchange
    http: ProviderSession
    keys: Keys

    def fetch_balances(self) -> Payload:
        """Balances of all currencies now, as `{"pages": [...]}`."""
        asking = _Asking(self.exchange, self.http, self.keys)
        with asking.in_shape():
            asking.balances()
        return asking.kept()

    def fetch_trades(self, since: date, pairs: Sequence[str]) -> Payload:
        """Trades from a day on, as `{"pages": [...]}`; Binance tells them only pair by pair.

        Kraken's first page is its list of pairs, without which the names of its trades cannot be read.
        """
        asking = _Asking(self.exchange, self.http, self.keys)
        names = [_name_of(self.exchange, pair) for pair in pairs]
        with asking.in_shape():
            asking.trades(datetime.combine(since, time(), UTC), names)
        return asking.kept()


def slot_of(pair: str, first: date, last: date) -> str:
    """Slot of candles: pair and days, which the answers themselves do not say."""
    return f"{pair}@{first}..{last}"


@contextmanager
def _in_shape() -> Iterator[None]:
    """Raise PayloadError where an answer, though JSON, is not built as an exchange's are."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as fault:
        raise PayloadError(f"the answers are not built as an exchange's are: {fault!r}"[:300]) from None


def parse_daily_candles(exchange: Exchange, body: bytes, load: Load) -> Batch:
    """Candles of days, as `parse_candles` reads them."""
    return parse_candles(exchange, "1d", body, load)


def parse_minute_candles(exchange: Exchange, body: bytes, load: Load) -> Batch:
    """Candles of minutes, as `parse_candles` reads them."""
    return parse_candles(exchange, "1m", body, load)


@_in_shape()
def parse_candles(exchange: Exchange, timeframe: Timeframe, body: bytes, load: Load) -> Batch:
    """Candles for raw.exchange_candles; line counts them over all pages.

    Candles outside the days of the slot, and one that was not over when it was fetched, are left out.
    """
    pair, first, last = _slot_parts(load.slot)
    reader = _reader(exchange)
    begin, end = (datetime.combine(day, time(), UTC) for day in (first, last + timedelta(days=1)))
    seen_until = load.observed_at or datetime.now(UTC)
    rows: list[tuple[object, ...]] = []
    rejected: list[Rejected] = []
    candles = (one for page in _pages(exchange, body) for one in _candles(exchange, page))
    for line, candle in enumerate(candles, start=1):
        try:
            opened_at, *figures = _figures(reader.parse_ohlcv(candle), LENGTHS[timeframe])
        except (ValueError, IndexError, TypeError) as fault:
            rejected.append(Rejected(line, str(fault), exact.text(candle)))
            continue
        if begin <= opened_at < end and opened_at + LENGTHS[timeframe] <= seen_until:
            rows.append((opened_at, exchange, pair, timeframe, *figures, line))
    return Batch("exchange_candles", rows, rejected)


@_in_shape()
def parse_balances(exchange: Exchange, body: bytes, load: Load) -> Batch:
    """Balances on the day that is the load's slot, for raw.exchange_balances; empty currencies too."""
    day = date.fromisoformat(load.slot)
    reader = _reader(exchange)
    rows: list[tuple[object, ...]] = []
    rejected: list[Rejected] = []
    line = 0
    for page in _pages(exchange, body):
        if not _has_balances(exchange, page):
            raise PayloadError(f"no balances of {exchange}: {exact.text(page)[:120]}")
        said = (
            reader.parse_balance_custom(page, "spot")
            if exchange == "binance"
            else reader.parse_custom_balance(page)
            if exchange == "coinbase"
            else reader.parse_balance(page)
        )
        for currency, total in said["total"].items():
            line += 1
            try:
                amounts = [
                    exact.number(amount, name)
                    for name, amount in (
                        ("free", said["free"][currency]),
                        ("used", said["used"][currency]),
                        ("total", total),
                    )
                ]
                rows.append((day, exchange, currency, *amounts, line))
            except ValueError as fault:
                rejected.append(Rejected(line, f"{currency}: {fault}", exact.text(said[currency])))
    return Batch("exchange_balances", rows, rejected)


@_in_shape()
def parse_trades(exchange: Exchange, body: bytes, load: Load) -> Batch:
    """Own trades, for raw.exchange_trades; a trade of a pair that the exchange does not list is rejected."""
    reader = _reader(exchange)
    pages = _pages(exchange, body)
    listed = _listed(reader, pages[0]) if exchange == "kraken" else {}
    rows: list[tuple[object, ...]] = []
    rejected: list[Rejected] = []
    trades = (one for page in pages[1 if exchange == "kraken" else 0 :] for one in _trades(exchange, page))
    for line, trade in enumerate(trades, start=1):
        try:
            pair = _pair_of(exchange, reader, trade, listed)
            rows.append((*_trade(exchange, reader.parse_trade(trade, _structure(pair)), pair), line))
        except (ValueError, KeyError, TypeError) as fault:
            rejected.append(Rejected(line, str(fault), exact.text(trade)))
    return Batch("exchange_trades", rows, rejected)


PARSERS: Mapping[str, Callable[[Exchange, bytes, Load], Batch]] = MappingProxyType(
    {
        "daily_candles": parse_daily_candles,
        "minute_candles": parse_minute_candles,
        "balances": parse_balances,
        "trades": parse_trades,
    }
)
"""How each dataset of an exchange is read."""


# ---- asking ------------------------------------------------------------------------------------------------


class _Asking:
    """One round of questions to an exchange, written and signed by ccxt and sent by the session."""

    def __init__(self, exchange: Exchange, http: ProviderSession, keys: Keys | None = None) -> None:
        self.exchange = exchange
        self.payloads: list[Payload] = []
        self._ccxt = _ccxt(exchange, with_keys=keys is not None)
        if keys:
            self._ccxt.apiKey = keys.key.get_secret_value()
            self._ccxt.secret = keys.secret.get_secret_value()
        self._ccxt.urls["api"] = {
            name: _moved(url, http.base_url) for name, url in self._ccxt.urls["api"].items()
        }
        self._http = http
        self._ccxt.fetch = self._send

    @contextmanager
    def in_shape(self) -> Iterator[None]:
        """Raise UnusableAnswerError where an answer, though JSON, is not built as the exchange's are."""
        try:
            yield
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as fault:
            if not self.payloads:
                raise
            last = self.payloads[-1]
            raise UnusableAnswerError(
                f"{last.origin}: no answer of {self.exchange} is built like this: {fault!r}", last
            ) from None

    def candles(self, name: str, timeframe: Timeframe, begin: datetime, end: datetime) -> None:
        """Ask for candles opened between two instants, both included."""
        match self.exchange:
            case "kraken":
                minutes = LENGTHS[timeframe] // timedelta(minutes=1)
                since = int(begin.timestamp()) - 60 * minutes  # `since` itself is left out
                self._ask("publicGetOHLC", {"pair": name, "interval": minutes, "since": since})
            case "binance":
                span = {"startTime": _milliseconds(begin), "endTime": _milliseconds(end)}
                self._ask("publicGetKlines", {"symbol": name, "interval": timeframe, "limit": 1000, **span})
            case "coinbase":
                seconds = LENGTHS[timeframe] // timedelta(seconds=1)
                asked = {"id": name, "granularity": seconds}
                days = {"start": begin.isoformat(), "end": end.isoformat()}
                self._ask("publicGetProductsIdCandles", {**asked, **days})

    def balances(self) -> None:
        """Ask for the balances of the keys' account."""
        match self.exchange:
            case "kraken":
                self._ask("privatePostBalanceEx", {})
            case "binance":
                self._ask("privateGetAccount", {"omitZeroBalances": "true"})
            case "coinbase":
                self._by_cursor("v3PrivateGetBrokerageAccounts", {"limit": 250})

    def trades(self, since: datetime, names: Sequence[str]) -> None:
        """Ask for the trades of the keys' account."""
        match self.exchange:
            case "kraken":
                self._ask("publicGetAssetPairs", {})
                seen, count = 0, 1
                while seen < count:
                    page = self._ask(
                        "privatePostTradesHistory", {"start": int(since.timestamp()), "ofs": seen}
                    )
                    found, count = len(page["result"]["trades"]), int(page["result"]["count"])
                    seen = seen + found if found else count
            case "binance":
                for name in names:
                    following: dict[str, object] = {"startTime": _milliseconds(since)}
                    while True:
                        asked = {"symbol": name, "limit": TRADES_A_PAGE, **following}
                        page = self._ask("privateGetMyTrades", asked)
                        if len(page) < TRADES_A_PAGE:
                            break
                        following = {"fromId": int(page[-1]["id"]) + 1}
            case "coinbase":
                self._by_cursor(
                    "v3PrivateGetBrokerageOrdersHistoricalFills",
                    {"limit": 250, "start_sequence_timestamp": since.isoformat()},
                )

    def kept(self) -> Payload:
        """All answers as one document, observed when the last came; SourceError where nothing was asked."""
        if not self.payloads:
            raise SourceError(f"{self.exchange}: there was nothing to ask for")
        last = self.payloads[-1]
        return Payload(exact.paged(one.body for one in self.payloads), last.observed_at, last.origin)

    def _by_cursor(self, method: str, asked: Mapping[str, object]) -> None:
        """Ask for page after page, until there is no cursor to a next one."""
        page = self._ask(method, asked)
        while cursor := page.get("cursor"):
            page = self._ask(method, {**asked, "cursor": cursor})

    def _ask(self, method: str, asked: Mapping[str, object]) -> Any:
        """One question by ccxt's name of it; UnusableAnswerError where the exchange complains."""
        import ccxt

        if len(self.payloads) >= MOST_PAGES:
            raise UnusableAnswerError(f"{self.exchange}: the pages go on without end", self.payloads[-1])
        try:
            return getattr(self._ccxt, method)(dict(asked))
        except ccxt.BaseError as fault:
            if not self.payloads:
                raise SourceError(f"{self.exchange}: {method} was not asked: {fault}") from None
            raise UnusableAnswerError(f"{self.payloads[-1].origin}: {fault}", self.payloads[-1]) from None

    def _send(
        self, url: str, method: str = "GET", headers: Mapping[str, str] | None = None, body: str | None = None
    ) -> Any:
        """Stands in for ccxt's own HTTP: send by the session, keep the answer, give it as JSON."""
        if method == "POST":
            payload = self._http.post(url, (body or "").encode(), headers)
        else:
            payload = self._http.get(url, headers=headers)
        self.payloads.append(payload)
        try:
            answer = _as_text(payload.body)
        except PayloadError as fault:
            raise UnusableAnswerError(f"{payload.origin}: {fault}", payload) from None
        said = payload.body.decode("utf-8", "replace")
        self._ccxt.handle_errors(200, "OK", url, method, {}, said, answer, {}, None)
        return answer


def _moved(url: object, base_url: str) -> object:
    """An address of ccxt's on the host that the settings name."""
    if not isinstance(url, str):
        return url
    _, _, rest = url.partition("://")
    _, slash, path = rest.partition("/")
    return f"{base_url}{slash}{path}"


def _milliseconds(instant: datetime) -> int:
    """Milliseconds since 1970."""
    return int(instant.timestamp()) * 1000


# ---- reading -----------------------------------------------------------------------------------------------


def _ccxt(exchange: Exchange, *, with_keys: bool = False) -> Any:
    """The object that ccxt has for an exchange, with numbers as text; it never asks anything by itself."""
    import ccxt  # takes a second

    names = {"coinbase": "coinbase" if with_keys else "coinbaseexchange"}
    made = getattr(ccxt, names.get(exchange, exchange))({"enableRateLimit": False})
    made.number = str
    return made


@cache
def _reader(exchange: Exchange) -> Any:
    """The parsers that ccxt has of an exchange's answers."""
    reader = _ccxt(exchange)
    if exchange == "coinbase":  # its accounts speak another language than its candles
        accounts = _ccxt(exchange, with_keys=True)
        reader.parse_custom_balance, reader.parse_trade = accounts.parse_custom_balance, accounts.parse_trade
    return reader


def _as_text(body: bytes) -> Any:
    """JSON value with every number as the text it was; PayloadError where the body is not whole JSON."""
    try:
        return json.loads(body, parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError) as fault:
        raise PayloadError(f"not whole JSON: {fault}") from None


def _pages(exchange: Exchange, body: bytes) -> list[Any]:
    """Answers kept in a payload; PayloadError where one is a complaint of the exchange."""
    import ccxt

    kept = _as_text(body)
    pages = kept.get("pages") if isinstance(kept, dict) else None
    if not isinstance(pages, list) or not pages:
        raise PayloadError(f"not a kept answer of {exchange}: it has no pages")
    for page in pages:
        said = json.dumps(page)
        try:
            _reader(exchange).handle_errors(200, "OK", "", "GET", {}, said, page, {}, None)
        except ccxt.BaseError as fault:
            raise PayloadError(f"{exchange} complains: {fault}"[:400]) from None
    return pages


def _candles(exchange: Exchange, page: Any) -> list[Any]:
    """Candles in an answer; PayloadError where it holds none of one pair."""
    candles = page
    if exchange == "kraken":
        result = page.get("result") if isinstance(page, dict) else None
        found = {name: rows for name, rows in (result or {}).items() if name != "last"}
        if len(found) != 1:
            raise PayloadError(f"no candles of one pair: the answer names {len(found)}")
        candles = next(iter(found.values()))
    if not isinstance(candles, list) or not all(isinstance(one, list) for one in candles):
        raise PayloadError(f"no candles of {exchange}: {exact.text(candles)[:120]}")
    return candles


def _figures(candle: Sequence[Any], length: timedelta) -> tuple[Any, ...]:
    """Opening instant, open, high, low, close and volume; ValueError says what is wrong."""
    opened_at = exact.instant(candle[0], "opening instant")
    if (opened_at - datetime(1970, 1, 1, tzinfo=UTC)) % length:
        raise ValueError(f"{opened_at} is not where a candle of {length} opens")
    named = zip(("open", "high", "low", "close"), candle[1:5], strict=True)
    opened, high, low, close = (exact.positive(value, name) for name, value in named)
    if not low <= min(opened, close) or not max(opened, close) <= high:
        raise ValueError(f"open {opened} or close {close} lies outside low {low} to high {high}")
    return opened_at, opened, high, low, close, exact.not_negative(candle[5], "volume")


def _has_balances(exchange: Exchange, page: Any) -> bool:
    """Whether an answer is one on spot balances."""
    if not isinstance(page, dict):
        return False
    match exchange:
        case "kraken":
            result = page.get("result")
            return isinstance(result, dict) and all(
                isinstance(one, dict) and "balance" in one for one in result.values()
            )
        case "binance":
            return isinstance(page.get("balances"), list)
        case "coinbase":
            return isinstance(page.get("accounts"), list)


def _trades(exchange: Exchange, page: Any) -> Iterator[dict[str, Any]]:
    """Trades in an answer, each with its id; PayloadError where it holds none of an account."""
    match exchange:
        case "kraken":
            trades = (page.get("result") or {}).get("trades") if isinstance(page, dict) else None
            found = (
                [{**one, "id": name} for name, one in trades.items()] if isinstance(trades, dict) else None
            )
        case "binance":
            own = isinstance(page, list) and all(isinstance(one, dict) and "isBuyer" in one for one in page)
            found = page if own else None
        case "coinbase":
            found = page.get("fills") if isinstance(page, dict) else None
    if not isinstance(found, list):
        raise PayloadError(f"no trades of an account at {exchange}: {exact.text(page)[:120]}")
    yield from found


def _listed(reader: Any, page: Any) -> dict[str, str]:
    """Pairs by every name Kraken has for them, from its list of pairs."""
    result = page.get("result") if isinstance(page, dict) else None
    if not isinstance(result, dict) or not all(
        isinstance(one, dict) and {"base", "quote"} <= one.keys() for one in result.values()
    ):
        raise PayloadError(f"no list of Kraken's pairs: {exact.text(page)[:120]}")
    pairs = {}
    for name, said in result.items():
        base, quote = (reader.safe_currency_code(said[side]) for side in ("base", "quote"))
        pairs.update(dict.fromkeys((name, said.get("altname", name)), f"{base}/{quote}"))
    return pairs


def _pair_of(exchange: Exchange, reader: Any, trade: Mapping[str, Any], listed: Mapping[str, str]) -> str:
    """Unified pair of a trade; ValueError where it cannot be told."""
    match exchange:
        case "kraken":
            name = str(trade["pair"])
            if name not in listed:
                raise ValueError(f"pair {name!r} is none that Kraken lists")
            return listed[name]
        case "binance":
            symbol = str(trade["symbol"])
            for quote in BINANCE_QUOTES:
                if symbol.endswith(quote) and symbol != quote:
                    return "/".join(map(reader.safe_currency_code, (symbol.removesuffix(quote), quote)))
            raise ValueError(f"symbol {symbol!r} ends in no currency that Binance quotes in")
        case "coinbase":
            base, dash, quote = str(trade["product_id"]).partition("-")
            if not dash:
                raise ValueError(f"product {base!r} is no pair")
            return "/".join(map(reader.safe_currency_code, (base, quote)))


BINANCE_QUOTES = (
    "FDUSD", "USDT", "USDC", "TUSD", "BUSD", "BTC", "ETH", "BNB", "EUR", "GBP", "TRY", "BRL", "JPY", "AUD",
    "USD", "DAI",
)  # fmt: skip
"""Currencies Binance quotes in; its symbols run base and quote together."""


def _structure(pair: str) -> dict[str, Any]:
    """What ccxt needs to know of a market to read a trade."""
    base, _, quote = pair.partition("/")
    return {
        "symbol": pair, "base": base, "quote": quote, "type": "spot", "spot": True, "contract": False,
        "contractSize": None, "inverse": False, "linear": None, "settle": None, "margin": False,
        "swap": False, "future": False, "option": False, "id": pair,
    }  # fmt: skip


def _trade(exchange: Exchange, trade: Mapping[str, Any], pair: str) -> tuple[object, ...]:
    """Key and values of one trade; ValueError says what is wrong."""
    if not trade["id"]:
        raise ValueError("a trade without an id")
    if trade["side"] not in ("buy", "sell"):
        raise ValueError(f"side is neither buy nor sell: {trade['side']!r}")
    fee = trade.get("fee") or {}
    price, units = exact.positive(trade["price"], "price"), exact.positive(trade["amount"], "amount")
    return (
        exchange,
        pair,
        trade["id"],
        trade["side"],
        exact.instant(trade["timestamp"], "time"),
        units,
        price,
        exact.number(trade["cost"], "cost"),
        None if fee.get("cost") is None else exact.number(fee["cost"], "fee"),
        fee.get("currency") or pair.partition("/")[2],
    )


def _name_of(exchange: Exchange, pair: str) -> str:
    """What an exchange calls a pair such as BTC/USD; SourceError where it is no pair."""
    base, slash, quote = pair.partition("/")
    if not slash or not base or not quote:
        raise SourceError(f"{exchange}: {pair!r} is no pair such as BTC/USD")
    match exchange:
        case "kraken":
            return "".join(KRAKEN_NAMES.get(one, one) for one in (base, quote))
        case "binance":
            return base + quote
        case "coinbase":
            return f"{base}-{quote}"


KRAKEN_NAMES = MappingProxyType({"BTC": "XBT", "DOGE": "XDG"})
"""Currencies that Kraken's short names of pairs spell differently; the longer ones (XXBTZUSD) come back."""


def _slot_parts(slot: str) -> tuple[str, date, date]:
    """Pair, first and last day of a slot."""
    pair, _, days = slot.rpartition("@")
    first, _, last = days.partition("..")
    return pair, date.fromisoformat(first), date.fromisoformat(last)
