"""Yahoo's chart (v8): daily bars, dividends and splits of one symbol, as Yahoo restates them for splits."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from folio.errors import PayloadError
from folio.sources import exact
from folio.sources.landing import Batch, Load, Rejected
from folio.sources.payloads import Payload
from folio.sources.session import ProviderSession, UnusableAnswerError

CHART_PATH = "/v8/finance/chart/{symbol}"
PRICES = ("open", "high", "low", "close")

LATEST_CLOSE = time(20, 0)
"""By then, on its own clock, an exchange has closed whose hours the chart does not tell."""


@dataclass(frozen=True)
class Yahoo:
    """Fetches Yahoo's charts; no key is needed."""

    http: ProviderSession

    def fetch_chart(self, symbol: str, first: date, last: date) -> Payload:
        """Daily bars and events of the days between two (UTC), both included.

        Raises
        ------
        UnusableAnswerError
            HTTP 200, but the chart says that something is wrong.
        """
        payload = self.http.get(
            path_of(symbol),
            {
                "period1": str(_stamp(first)),
                "period2": str(_stamp(last + timedelta(days=1))),
                "interval": "1d",
                "events": "div,splits",
                "includePrePost": "false",
            },
        )
        try:
            _chart(payload.body)
        except PayloadError as fault:
            raise UnusableAnswerError(f"{payload.origin}: HTTP 200, but {fault}", payload) from None
        return payload


@dataclass(frozen=True)
class Chart:
    """A chart cut into its parts; the days are those of the exchange's own clock."""

    symbol: str
    currency: str | None
    clock: ZoneInfo
    session_ends: datetime | None
    stamps: Sequence[object]
    quotes: Mapping[str, Sequence[object]]
    events: Mapping[str, Mapping[str, object]]

    def day(self, stamp: object, name: str) -> date:
        """Day of the exchange at a Unix time; ValueError where it is none."""
        if isinstance(stamp, bool) or not isinstance(stamp, int):
            raise ValueError(f"{name} is no Unix time: {stamp!r}")
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=stamp)).astimezone(self.clock).date()

    def is_over(self, day: date, now: datetime) -> bool:
        """Whether the session of a day has ended at an instant."""
        ends = self.session_ends
        if ends is None or ends.astimezone(self.clock).date() != day:
            ends = datetime.combine(day, LATEST_CLOSE, self.clock)
        return now >= ends


def path_of(symbol: str) -> str:
    """Path of a symbol's chart."""
    return CHART_PATH.format(symbol=quote(symbol, safe=""))


def slot_of(symbol: str, when: str) -> str:
    """Slot of a symbol's chart: the symbol, and the night's instant or the days it was asked for."""
    return f"{symbol} {when}"


def parse_bars(body: bytes, load: Load) -> Batch:
    """Bars of the load's symbol, for raw.yahoo_daily_bars; line counts the time stamps.

    A stamp without prices, and a session that was not over when the chart was fetched, are rejected.
    """
    chart = _chart(body, load)
    now = load.observed_at or datetime.now(UTC)
    rows: list[tuple[object, ...]] = []
    rejected: list[Rejected] = []
    for line, stamp in enumerate(chart.stamps, start=1):
        said = {name: values[line - 1] for name, values in chart.quotes.items()}
        try:
            day = chart.day(stamp, "timestamp")
            if all(said.get(name) is None for name in PRICES):
                raise ValueError(f"no prices for {day}")
            if not chart.is_over(day, now):
                raise ValueError(f"the session of {day} was not over")
            opened, high, low, close = _prices(said)
            adjusted = said.get("adjclose")
            rows.append(
                (
                    day,
                    chart.symbol,
                    opened,
                    high,
                    low,
                    close,
                    None if adjusted is None else exact.number(adjusted, "adjclose"),
                    exact.volume(said.get("volume"), "volume"),
                    chart.currency,
                    line,
                )
            )
        except ValueError as fault:
            rejected.append(Rejected(line, str(fault), exact.text({"timestamp": stamp, **said})))
    return Batch("yahoo_daily_bars", rows, rejected)


def parse_dividends(body: bytes, load: Load) -> Batch:
    """Dividends of the load's symbol, for raw.yahoo_dividends; line counts the events."""

    def row(chart: Chart, event: Mapping[str, Any]) -> tuple[object, ...]:
        day = chart.day(event.get("date"), "date")
        return (chart.symbol, day, exact.price(event.get("amount"), "amount"), chart.currency)

    return _events("yahoo_dividends", "dividends", body, load, row)


def parse_splits(body: bytes, load: Load) -> Batch:
    """Splits of the load's symbol, for raw.yahoo_splits: `denominator` old shares became `numerator` new."""

    def row(chart: Chart, event: Mapping[str, Any]) -> tuple[object, ...]:
        return (
            chart.symbol,
            chart.day(event.get("date"), "date"),
            exact.price(event.get("numerator"), "numerator"),
            exact.price(event.get("denominator"), "denominator"),
        )

    return _events("yahoo_splits", "splits", body, load, row)


def _events(table: str, kind: str, body: bytes, load: Load, row_of: Any) -> Batch:
    """Events of one kind as rows of a raw table, in the order of their days."""
    chart = _chart(body, load)
    rows: list[tuple[object, ...]] = []
    rejected: list[Rejected] = []
    for line, event in enumerate(_dated(chart.events.get(kind) or {}), start=1):
        try:
            rows.append((*row_of(chart, event), line))
        except ValueError as fault:
            rejected.append(Rejected(line, str(fault), exact.text(event)))
    return Batch(table, rows, rejected)


def _dated(events: Mapping[str, object]) -> Iterator[Mapping[str, Any]]:
    """Events in the order of their Unix times, which are also their keys."""
    for key in sorted(events, key=lambda key: (int(key) if key.lstrip("-").isdigit() else 0, key)):
        event = events[key]
        yield event if isinstance(event, dict) else {"said": event}


def _prices(said: Mapping[str, object]) -> tuple[object, object, object, object]:
    """Open, high, low and close; Yahoo rounds each for itself, so a close may stand a hair outside the range.

    Its numbers are single precision: a close that leaves low to high by less than that is taken as said.
    """
    try:
        return exact.bar_prices(said, PRICES)
    except ValueError:
        opened, high, low, close = (
            None if said.get(name) is None else exact.price(said[name], name) for name in PRICES
        )
        if opened is None or high is None or low is None or close is None:
            raise
        hair = close / 1_000_000
        if not low - hair <= close <= high + hair:
            raise
        return opened, high, low, close


def _chart(body: bytes, load: Load | None = None) -> Chart:
    """The chart of an answer, of the symbol in the load's slot.

    Raises
    ------
    PayloadError
        The body is no chart, says that something is wrong, is of another symbol, or not of daily bars.
    """
    outer = exact.mapping(body).get("chart")
    if not isinstance(outer, dict):
        raise PayloadError("not a chart of Yahoo: it has no chart")
    if error := outer.get("error"):
        said = error if isinstance(error, dict) else {"description": error}
        raise PayloadError(f"Yahoo says {exact.in_short(said.get('description') or said.get('code'))!r}")
    results = outer.get("result")
    if not isinstance(results, list) or len(results) != 1 or not isinstance(results[0], dict):
        raise PayloadError("the chart has no result")
    return _cut(results[0], load.slot.partition(" ")[0] if load else None)


def _cut(result: Mapping[str, Any], wanted: str | None) -> Chart:
    """Parts of a chart's result, checked against each other."""
    meta = result.get("meta")
    symbol = meta.get("symbol") if isinstance(meta, dict) else None
    if not isinstance(meta, dict) or not isinstance(symbol, str) or not symbol:
        raise PayloadError("the chart names no symbol")
    if wanted is not None and symbol.upper() != wanted.upper():
        raise PayloadError(f"the chart is of {symbol!r}, not of {wanted!r}")
    if meta.get("dataGranularity", "1d") != "1d":
        raise PayloadError(f"the chart's bars are of {meta['dataGranularity']!r}, not of days")
    try:
        clock = ZoneInfo(str(meta.get("exchangeTimezoneName")))
    except (ZoneInfoNotFoundError, ValueError):
        raise PayloadError(
            f"the chart's time zone is not known: {meta.get('exchangeTimezoneName')!r}"
        ) from None
    stamps = result.get("timestamp") or []
    indicators = result.get("indicators") or {}
    quotes = {**_first(indicators, "quote"), **_first(indicators, "adjclose")}
    uneven = [name for name, values in quotes.items() if len(values) != len(stamps)]
    if uneven or (stamps and "close" not in quotes):
        raise PayloadError(
            f"the chart has {len(stamps)} times, but not as many of {', '.join(uneven) or 'close'}"
        )
    regular = (meta.get("currentTradingPeriod") or {}).get("regular") or {}
    ends = regular.get("end")
    currency = meta.get("currency")
    return Chart(
        wanted or symbol,
        currency if isinstance(currency, str) else None,
        clock,
        datetime.fromtimestamp(ends, UTC) if isinstance(ends, int) else None,
        stamps,
        quotes,
        result.get("events") or {},
    )


def _first(indicators: Mapping[str, Any], name: str) -> dict[str, list[object]]:
    """Columns of the first block of an indicator."""
    blocks = indicators.get(name) or [{}]
    columns = blocks[0] if isinstance(blocks, list) and isinstance(blocks[0], dict) else {}
    return {column: values for column, values in columns.items() if isinstance(values, list)}


def _stamp(day: date) -> int:
    """Unix time at which a day begins in UTC."""
    return int(datetime.combine(day, time(0), UTC).timestamp())
