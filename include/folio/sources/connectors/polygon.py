"""Polygon (Massive): unadjusted daily bars of all US tickers, and share splits."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from folio.errors import PayloadError
from folio.sources.landing import Batch, Load, Rejected
from folio.sources.payloads import Payload
from folio.sources.session import ProviderSession, UnusableAnswerError, redact

BARS_PATH = "/v2/aggs/grouped/locale/us/market/stocks/{day}"
SPLITS_PATH = "/v3/reference/splits"
PAGE_ROWS = 1000
MOST_PAGES = 200
"""An answer that leads on to more pages than this goes in circles."""

USABLE_STATUS = frozenset({"OK", "DELAYED"})
MOST_DECIMALS = 10


@dataclass(frozen=True)
class Polygon:
    """Fetches from Polygon; the key travels in the session's Authorization header."""

    http: ProviderSession

    def fetch_bars(self, day: date) -> Payload:
        """Bars of one session, of every ticker; a day without a session has none."""
        return self._pages(BARS_PATH.format(day=day), {"adjusted": "false"})

    def fetch_splits(self, first: date | None, last: date) -> Payload:
        """Splits executed up to a day, from a day on or from the first known."""
        asked = {"execution_date.lte": last.isoformat(), "order": "asc", "limit": str(PAGE_ROWS)}
        if first:
            asked["execution_date.gte"] = first.isoformat()
        return self._pages(SPLITS_PATH, asked)

    def _pages(self, path: str, parameters: Mapping[str, str]) -> Payload:
        """All pages of an answer as one JSON document `{"pages": [...]}`, byte for byte as they came."""
        payload = self.http.get(path, parameters)
        bodies = [payload.body]
        seen: set[str] = set()
        while following := _next_page(payload):
            if following in seen or len(bodies) >= MOST_PAGES:
                raise UnusableAnswerError(f"{redact(following)}: the pages go on without end", payload)
            seen.add(following)
            payload = self.http.get(following)
            bodies.append(payload.body)
        return Payload(b'{"pages":[' + b",".join(bodies) + b"]}", payload.observed_at, payload.origin)


def parse_bars(body: bytes, load: Load) -> Batch:
    """Bars of the session that is the load's slot, for raw.polygon_daily_bars; line counts the results."""
    day = date.fromisoformat(load.slot)
    rows: list[tuple[object, ...]] = []
    rejected: list[Rejected] = []
    for line, bar in _results(body):
        try:
            rows.append((*_bar(bar, day), line))
        except ValueError as fault:
            rejected.append(Rejected(line, str(fault), _text(bar)))
    return Batch("polygon_daily_bars", rows, rejected)


def parse_splits(body: bytes, load: Load) -> Batch:
    """Splits, for raw.polygon_splits; line counts the results over all pages."""
    rows: list[tuple[object, ...]] = []
    rejected: list[Rejected] = []
    for line, split in _results(body):
        try:
            row = (
                _ticker(split.get("ticker"), "ticker"),
                _date(split.get("execution_date"), "execution_date"),
                _positive(split.get("split_from"), "split_from"),
                _positive(split.get("split_to"), "split_to"),
                line,
            )
            rows.append(row)
        except ValueError as fault:
            rejected.append(Rejected(line, str(fault), _text(split)))
    return Batch("polygon_splits", rows, rejected)


def _bar(bar: Mapping[str, Any], day: date) -> tuple[object, ...]:
    """Key and values of one bar; ValueError says what is wrong with it."""
    ticker = _ticker(bar.get("T"), "T")
    stamp = bar.get("t")
    if isinstance(stamp, int):
        stamped = datetime.fromtimestamp(stamp / 1000, UTC).date()
        if stamped != day:
            raise ValueError(f"t is of {stamped}, not of the day asked for, {day}")
    prices = [None if bar.get(name) is None else _positive(bar[name], name) for name in ("o", "h", "l")]
    close = _positive(bar.get("c"), "c")
    opened, high, low = prices
    if high is not None and low is not None and not low <= close <= high:
        raise ValueError(f"c {close} lies outside l {low} to h {high}")
    volume = None if bar.get("v") is None else _number(bar["v"], "v")
    if volume is not None and volume < 0:
        raise ValueError(f"v is negative: {volume}")
    return (day, ticker, opened, high, low, close, volume)


def _results(body: bytes) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Results over all pages, numbered from 1; PayloadError where the body is not an answer of Polygon."""
    pages = _json(body).get("pages")
    if not isinstance(pages, list) or not pages:
        raise PayloadError("not a kept answer of Polygon: it has no pages")
    line = 0
    for page in pages:
        status = page.get("status") if isinstance(page, dict) else None
        if status not in USABLE_STATUS:
            raise PayloadError(f"Polygon answered with status {status!r}: {_complaint(page)}")
        results = page.get("results") or []
        if not isinstance(results, list):
            raise PayloadError("Polygon's results are no list")
        if "resultsCount" in page and page["resultsCount"] != len(results):
            raise PayloadError(f"Polygon says {page['resultsCount']} results and gives {len(results)}")
        for result in results:
            line += 1
            yield line, result if isinstance(result, dict) else {}


def _next_page(payload: Payload) -> str | None:
    """Address of the page after this one; UnusableAnswerError where the page is a complaint."""
    try:
        page = _json(payload.body)
    except PayloadError as fault:
        raise UnusableAnswerError(f"{payload.origin}: {fault}", payload) from None
    if page.get("status") not in USABLE_STATUS:
        raise UnusableAnswerError(
            f"{payload.origin}: HTTP 200 with status {page.get('status')!r}: {_complaint(page)}", payload
        )
    following = page.get("next_url")
    return following if isinstance(following, str) and following else None


def _json(body: bytes) -> dict[str, Any]:
    """A JSON object with exact decimals; PayloadError where the body is none."""
    try:
        document = json.loads(body, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, UnicodeDecodeError) as fault:
        raise PayloadError(f"not whole JSON: {fault}") from None
    if not isinstance(document, dict):
        raise PayloadError(f"JSON, but a {type(document).__name__} where an object is wanted")
    return document


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _complaint(page: object) -> str:
    """What Polygon says is wrong."""
    said = page.get("error") or page.get("message") if isinstance(page, dict) else page
    return " ".join(str(said).split())[:200]


def _number(value: object, name: str) -> Decimal:
    """Exact number of a JSON value; ValueError where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise ValueError(f"{name} is no number: {value!r}")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"{name} is no number: {value!r}") from None
    if not number.is_finite():
        raise ValueError(f"{name} is no number: {value!r}")
    return number


def _positive(value: object, name: str) -> Decimal:
    """Exact positive number with the decimals that raw keeps; ValueError where it is none."""
    number = _number(value, name)
    if number <= 0:
        raise ValueError(f"{name} is not positive: {number}")
    if round(number, MOST_DECIMALS) <= 0:
        raise ValueError(f"{name} is smaller than raw can keep: {number}")
    return number


def _ticker(value: object, name: str) -> str:
    """Ticker as text; ValueError where there is none."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name} is no ticker: {value!r}")
    return value.strip()


def _date(value: object, name: str) -> date:
    """Date of ISO text; ValueError where it is none."""
    try:
        return date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError(f"{name} is no date: {value!r}") from None


def _text(result: Mapping[str, Any]) -> str:
    """One result as JSON text."""
    return json.dumps(result, default=str, sort_keys=True)
