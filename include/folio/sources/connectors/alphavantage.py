"""Alpha Vantage: unadjusted daily bars of one symbol, as JSON or CSV; complaints come with HTTP 200."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from folio.errors import PayloadError
from folio.sources import exact
from folio.sources.landing import Batch, Load, Rejected
from folio.sources.payloads import Payload
from folio.sources.session import ProviderSession, UnusableAnswerError

QUERY_PATH = "/query"
META, SERIES = "Meta Data", "Time Series (Daily)"
NAMES = {"open": "1. open", "high": "2. high", "low": "3. low", "close": "4. close"}
VOLUMES = ("5. volume", "6. volume")
CSV_HEADER = ["timestamp", "open", "high", "low", "close", "volume"]
NOTES = ("Error Message", "Information", "Note")
"""Members of an answer that say why there are no prices."""

ECHOED_KEY = re.compile(rb"(?i)(api ?key as )[^\s.\"]+")
"""Some of its notes repeat the caller's key."""

NEW_YORK = ZoneInfo("America/New_York")
SESSION_CLOSE = time(16, 0)


@dataclass(frozen=True)
class AlphaVantage:
    """Fetches from Alpha Vantage; the session adds the key as a query parameter and never shows it."""

    http: ProviderSession

    def fetch_bars(self, symbol: str, *, full: bool = False) -> Payload:
        """Bars of the last 100 sessions, or of twenty years.

        Raises
        ------
        UnusableAnswerError
            HTTP 200, but a note in place of prices; a key that the note repeats is masked in what is kept.
        """
        payload = self.http.get(
            QUERY_PATH,
            {
                "function": "TIME_SERIES_DAILY",
                "symbol": symbol,
                "outputsize": "full" if full else "compact",
                "datatype": "json",
            },
        )
        try:
            _series(payload.body)
        except PayloadError as fault:
            masked = Payload(_masked(payload.body), payload.observed_at, payload.origin)
            raise UnusableAnswerError(f"{payload.origin}: HTTP 200, but {fault}", masked) from None
        return payload


def slot_of(symbol: str, when: str) -> str:
    """Slot of a symbol's bars: the symbol, and the night's instant."""
    return f"{symbol} {when}"


def parse_bars(body: bytes, load: Load) -> Batch:
    """Bars of the load's symbol, for raw.alphavantage_daily_bars; line counts the days (CSV: the lines).

    A session that was not over when the answer was given is rejected.
    """
    symbol = load.slot.partition(" ")[0]
    now = load.observed_at or datetime.now(UTC)
    rows: list[tuple[object, ...]] = []
    rejected: list[Rejected] = []
    is_json = body.lstrip()[:1] in (b"{", b"[")
    clock, bars = _series(body, symbol) if is_json else _csv_series(body)
    for line, day_text, bar in bars:
        try:
            day = exact.day(day_text, "date")
            if now < datetime.combine(day, SESSION_CLOSE, clock):
                raise ValueError(f"the session of {day} was not over")
            prices = exact.bar_prices(bar, ("open", "high", "low", "close"))
            rows.append((day, symbol, *prices, exact.volume(bar.get("volume"), "volume"), line))
        except ValueError as fault:
            rejected.append(Rejected(line, str(fault), f"{day_text}: {exact.text(bar)}"))
    return Batch("alphavantage_daily_bars", rows, rejected)


Bars = Iterator[tuple[int, str, Mapping[str, object]]]


def _series(body: bytes, wanted: str | None = None) -> tuple[ZoneInfo, Bars]:
    """Clock and daily bars of a JSON answer.

    Raises
    ------
    PayloadError
        The body is no JSON object, holds a note in place of prices, another series, or another symbol.
    """
    answer = exact.mapping(body)
    for name in NOTES:
        if name in answer:
            said = _masked(str(answer[name]).encode()).decode()
            raise PayloadError(f"Alpha Vantage says {exact.in_short(said)!r}")
    series, meta = answer.get(SERIES), answer.get(META)
    if not isinstance(series, dict) or not isinstance(meta, dict):
        given = [name for name in answer if name != META]
        held = exact.in_short(", ".join(given)) or "nothing"
        raise PayloadError(f"not a daily time series of Alpha Vantage: it holds {held}")
    symbol = meta.get("2. Symbol")
    if wanted is not None and str(symbol).upper() != wanted.upper():
        raise PayloadError(f"Alpha Vantage answered about {symbol!r}, not about {wanted!r}")
    return _clock(meta), (
        (line, day, _bar(bar if isinstance(bar, dict) else {}))
        for line, (day, bar) in enumerate(series.items(), start=1)
    )


def _csv_series(body: bytes) -> tuple[ZoneInfo, Bars]:
    """Clock and daily bars of a CSV answer, which names neither symbol nor time zone."""
    rows = list(csv.reader(io.StringIO(body.decode("utf-8-sig", "replace"))))
    header = rows[0] if rows else []
    if header != CSV_HEADER:
        raise PayloadError(f"not a daily time series of Alpha Vantage: its header is {','.join(header)!r}")
    return NEW_YORK, (
        (line, row[0] if row else "", dict(zip(header[1:], row[1:], strict=False)))
        for line, row in enumerate(rows[1:], start=2)
    )


def _bar(bar: Mapping[str, Any]) -> dict[str, object]:
    """A bar under plain names."""
    volume = next((bar[name] for name in VOLUMES if name in bar), None)
    return {plain: bar.get(name) for plain, name in NAMES.items()} | {"volume": volume}


def _clock(meta: Mapping[str, Any]) -> ZoneInfo:
    """Time zone of the answer; New York where it names none that is known."""
    name = next((str(value) for label, value in meta.items() if label.endswith("Time Zone")), "")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return NEW_YORK


def _masked(body: bytes) -> bytes:
    """Bytes without a key that a note repeats."""
    return ECHOED_KEY.sub(rb"\1***", body)
