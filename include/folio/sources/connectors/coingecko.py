"""CoinGecko: daily prices of coins, their current prices, and what a coin is called on each chain."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from folio.errors import PayloadError
from folio.sources import exact
from folio.sources.landing import Batch, Load, Rejected
from folio.sources.payloads import Payload
from folio.sources.session import ProviderSession

CHART_PATH = "/api/v3/coins/{coin}/market_chart"
CURRENT_PATH = "/api/v3/simple/price"
COIN_PATH = "/api/v3/coins/{coin}"

NATIVE = "native"
"""Chain of a coin that is no token of another chain."""

WITHOUT_EXTRAS = dict.fromkeys(
    ("localization", "tickers", "market_data", "community_data", "developer_data", "sparkline"), "false"
)


@dataclass(frozen=True)
class CoinGecko:
    """Fetches from CoinGecko; a key, where there is one, travels in the session's own header."""

    http: ProviderSession

    def fetch_prices(self, coin: str, currency: str, first: date, today: date) -> Payload:
        """Daily prices from a day on; the free plan gives the last 365 days.

        Stamps are the midnights after the days, and a last one is the moment.
        """
        days = (today - first).days + 1
        asked = {"vs_currency": currency.lower(), "days": str(days), "interval": "daily"}
        return self.http.get(CHART_PATH.format(coin=coin), asked)

    def fetch_current(self, coins: Iterable[str], currency: str) -> Payload:
        """Prices of coins as they are now."""
        return self.http.get(CURRENT_PATH, {"ids": ",".join(coins), "vs_currencies": currency.lower()})

    def fetch_coin(self, coin: str) -> Payload:
        """Symbol, name and contracts of a coin."""
        return self.http.get(COIN_PATH.format(coin=coin), WITHOUT_EXTRAS)


def slot_of(coin: str, currency: str, first: date, last: date) -> str:
    """Slot of daily prices: coin, quote currency and days, which the answer itself does not say."""
    return f"{coin}/{currency.upper()}@{first}..{last}"


def parse_prices(body: bytes, load: Load) -> Batch:
    """Daily prices, for raw.coingecko_daily_prices; line counts the prices.

    A stamp of midnight is the close of the day before. A stamp within a day is the price of a day that is
    not over, or of a finer chart: it is left out, and so are days outside the slot.

    Raises
    ------
    PayloadError
        CoinGecko complains, the body is no market chart, or it holds prices but none of a midnight.
    """
    coin, currency, first, last = _slot_parts(load.slot)
    chart = _answer(body)
    points = _series(chart, "prices")
    capitalisations, volumes = _by_stamp(chart, "market_caps"), _by_stamp(chart, "total_volumes")
    rows: list[tuple[object, ...]] = []
    rejected: list[Rejected] = []
    midnights = 0
    for line, point in enumerate(points, start=1):
        try:
            stamp, price = _point(point)
            if stamp.time() != time():
                continue
            midnights += 1
            day = stamp.date() - timedelta(days=1)
            if first <= day <= last:
                known = (
                    exact.positive(price, "price"),
                    _known(capitalisations.get(stamp), "market_cap"),
                    _known(volumes.get(stamp), "total_volume"),
                )
                rows.append((day, coin, currency, *known, line))
        except ValueError as fault:
            rejected.append(Rejected(line, str(fault), exact.text(point)))
    if points and not midnights and not rejected:
        raise PayloadError(f"none of the {len(points)} prices is of a midnight: this is no daily chart")
    return Batch("coingecko_daily_prices", rows, rejected)


def parse_current(body: bytes, load: Load) -> Batch:
    """Prices at the fetch, for raw.coingecko_current_prices: a version each time they are asked for."""
    rows: list[tuple[object, ...]] = []
    rejected: list[Rejected] = []
    line = 0
    answer = _answer(body)
    for coin, prices in answer.items():
        if not isinstance(prices, dict):
            raise PayloadError(f"no prices of coins: {coin!r} is {exact.text(prices)[:80]}")
        for currency, price in prices.items():
            line += 1
            try:
                rows.append((coin, currency.upper(), exact.positive(price, "price"), line))
            except ValueError as fault:
                rejected.append(Rejected(line, str(fault), f"{coin} {currency} {price}"))
    return Batch("coingecko_current_prices", rows, rejected)


def parse_coin(body: bytes, load: Load) -> Batch:
    """What a coin is called on each chain, for raw.coingecko_coins; its own chain has no contract."""
    coin = _answer(body)
    said = [coin.get(name) for name in ("id", "symbol", "name")]
    if not all(isinstance(text, str) and text for text in said):
        raise PayloadError("no coin: id, symbol or name is missing")
    platforms = coin.get("platforms")
    if not isinstance(platforms, dict):
        raise PayloadError("no coin: it has no platforms")
    identifier, symbol, name = said
    contracts = {chain: address for chain, address in platforms.items() if chain and address}
    decimals = coin.get("detail_platforms") or {}
    rows = [
        (identifier, chain, symbol, name, address, (decimals.get(chain) or {}).get("decimal_place"), line)
        for line, (chain, address) in enumerate((contracts or {NATIVE: None}).items(), start=1)
    ]
    return Batch("coingecko_coins", rows)


def _answer(body: bytes) -> dict[str, Any]:
    """CoinGecko's answer; PayloadError where it is a complaint, which may come with status 200."""
    answer = exact.mapping(body)
    status = answer.get("status")
    complaint = answer.get("error") or (status.get("error_message") if isinstance(status, dict) else None)
    if complaint:
        raise PayloadError(f"CoinGecko complains: {exact.text(complaint)[:200]}")
    return answer


def _series(chart: Mapping[str, Any], name: str) -> list[Any]:
    """One series of a chart; PayloadError where there is none."""
    series = chart.get(name)
    if not isinstance(series, list):
        raise PayloadError(f"no market chart: it has no {name}")
    return series


def _by_stamp(chart: Mapping[str, Any], name: str) -> dict[datetime, object]:
    """Values of a series beside the prices, by instant; a point that cannot be read has none."""
    found: dict[datetime, object] = {}
    for point in _series(chart, name):
        try:
            stamp, value = _point(point)
        except ValueError:
            continue
        found[stamp] = value
    return found


def _point(point: object) -> tuple[datetime, object]:
    """Instant and value of one point; ValueError where it is none."""
    if not isinstance(point, list) or len(point) != 2:
        raise ValueError("no pair of instant and value")
    return exact.instant(point[0], "stamp"), point[1]


def _known(value: object, name: str) -> Decimal | None:
    """A figure beside the price, where it is known."""
    return None if value is None else exact.not_negative(value, name)


def _slot_parts(slot: str) -> tuple[str, str, date, date]:
    """Coin, currency, first and last day of a slot."""
    pair, _, days = slot.rpartition("@")
    coin, _, currency = pair.rpartition("/")
    first, _, last = days.partition("..")
    return coin, currency, date.fromisoformat(first), date.fromisoformat(last)
