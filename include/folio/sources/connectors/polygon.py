"""Polygon (Massive): unadjusted daily bars of US tickers, splits, dividends and what it says of a ticker."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from folio.errors import PayloadError
from folio.sources import exact
from folio.sources.landing import Batch, Load, Rejected
from folio.sources.payloads import Payload
from folio.sources.session import ProviderSession, UnusableAnswerError, redact

BARS_PATH = "/v2/aggs/grouped/locale/us/market/stocks/{day}"
TICKER_BARS_PATH = "/v2/aggs/ticker/{ticker}/range/1/day/{first}/{last}"
MINUTE_BARS_PATH = "/v2/aggs/ticker/{ticker}/range/1/minute/{day}/{day}"
SPLITS_PATH = "/v3/reference/splits"
DIVIDENDS_PATH = "/v3/reference/dividends"
TICKERS_PATH = "/v3/reference/tickers"
PAGE_ROWS = 1000
MOST_PAGES = 200
"""An answer that leads on to more pages than this goes in circles."""

MINUTE = timedelta(minutes=1)
NEW_YORK = ZoneInfo("America/New_York")

USABLE_STATUS = frozenset({"OK", "DELAYED"})
PRICES = ("o", "h", "l", "c")


@dataclass(frozen=True)
class Polygon:
    """Fetches from Polygon; the key travels in the session's Authorization header."""

    http: ProviderSession

    def fetch_bars(self, day: date) -> Payload:
        """Bars of one session, of every ticker; a day without a session has none."""
        return self._pages(BARS_PATH.format(day=day), {"adjusted": "false"})

    def fetch_ticker_bars(self, ticker: str, first: date, last: date) -> Payload:
        """Bars of one ticker between two days, both included."""
        path = TICKER_BARS_PATH.format(ticker=quote(ticker, safe=""), first=first, last=last)
        return self._pages(path, {"adjusted": "false", "sort": "asc", "limit": "50000"})

    def fetch_minute_bars(self, ticker: str, day: date) -> Payload:
        """Bars of the minutes of a day, so far as it has gone."""
        path = MINUTE_BARS_PATH.format(ticker=quote(ticker, safe=""), day=day)
        return self._pages(path, {"adjusted": "false", "sort": "asc", "limit": "50000"})

    def fetch_splits(self, first: date | None, last: date) -> Payload:
        """Splits executed up to a day, from a day on or from the first known."""
        asked = {"execution_date.lte": last.isoformat(), "order": "asc", "limit": str(PAGE_ROWS)}
        if first:
            asked["execution_date.gte"] = first.isoformat()
        return self._pages(SPLITS_PATH, asked)

    def fetch_dividends(self, first: date | None, last: date) -> Payload:
        """Dividends that go ex up to a day, from a day on or from the first known."""
        asked = {"ex_dividend_date.lte": last.isoformat(), "order": "asc", "limit": str(PAGE_ROWS)}
        if first:
            asked["ex_dividend_date.gte"] = first.isoformat()
        return self._pages(DIVIDENDS_PATH, asked)

    def fetch_tickers(self, *, active: bool) -> Payload:
        """All share tickers listed now, or all that were delisted."""
        asked = {"market": "stocks", "active": str(active).lower(), "limit": str(PAGE_ROWS)}
        return self._pages(TICKERS_PATH, asked)

    def fetch_ticker_details(self, ticker: str) -> Payload:
        """What is known of one ticker today."""
        return self._pages(details_path(ticker), {})

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


def details_path(ticker: str) -> str:
    """Path of what is known of a ticker."""
    return f"{TICKERS_PATH}/{quote(ticker, safe='')}"


def parse_bars(body: bytes, load: Load) -> Batch:
    """Bars of the session that is the load's slot, for raw.polygon_daily_bars; line counts the results."""
    day = date.fromisoformat(load.slot)
    bars = _results(body, is_unadjusted=True)
    batch = _batch("polygon_daily_bars", bars, lambda bar: _bar(bar, _ticker(bar.get("T"), "T"), day, day))
    if batch.rejected and not batch.rows:
        raise PayloadError(f"not one of its bars is a bar of {day}: {batch.rejected[0].reason}")
    return batch


def parse_ticker_bars(body: bytes, load: Load) -> Batch:
    """Bars of the load's slot `AAPL 2023-01-03..2023-01-10`, for raw.polygon_daily_bars."""
    ticker, _, days = load.slot.partition(" ")
    first, last = (date.fromisoformat(day) for day in days.split(".."))
    bars = _results(body, is_unadjusted=True, ticker=ticker)
    return _batch("polygon_daily_bars", bars, lambda bar: _bar(bar, ticker, first, last))


def parse_minute_bars(body: bytes, load: Load) -> Batch:
    """Bars of the load's slot `AAPL 2023-01-03`, for raw.polygon_minute_bars, of minutes that are over."""
    ticker, _, day = load.slot.rpartition(" ")
    seen_until = load.observed_at or datetime.now(UTC)

    def opened_at(bar: Mapping[str, Any]) -> datetime:
        return datetime.fromtimestamp(int(exact.number(bar.get("t"), "t")) / 1000, UTC)

    def row(bar: Mapping[str, Any]) -> tuple[object, ...]:
        opened = opened_at(bar)
        if opened.astimezone(NEW_YORK).date() != date.fromisoformat(day):
            raise ValueError(f"t is of {opened:%Y-%m-%d %H:%MZ}, not of the day asked for, {day}")
        return (opened, ticker, *exact.bar_prices(bar, PRICES), exact.volume(bar.get("v"), "v"))

    def is_over(bar: Mapping[str, Any]) -> bool:
        return not isinstance(bar.get("t"), int) or opened_at(bar) + MINUTE <= seen_until

    bars = _results(body, is_unadjusted=True, ticker=ticker)
    return _batch("polygon_minute_bars", ((line, bar) for line, bar in bars if is_over(bar)), row)


def parse_splits(body: bytes, load: Load) -> Batch:
    """Splits, for raw.polygon_splits; line counts the results over all pages."""

    def row(split: Mapping[str, Any]) -> tuple[object, ...]:
        return (
            _ticker(split.get("ticker"), "ticker"),
            exact.day(split.get("execution_date"), "execution_date"),
            exact.price(split.get("split_from"), "split_from"),
            exact.price(split.get("split_to"), "split_to"),
        )

    return _batch("polygon_splits", _results(body), row)


def parse_dividends(body: bytes, load: Load) -> Batch:
    """Cash dividends, for raw.polygon_dividends; line counts the results over all pages."""

    def row(dividend: Mapping[str, Any]) -> tuple[object, ...]:
        return (
            _ticker(dividend.get("ticker"), "ticker"),
            exact.day(dividend.get("ex_dividend_date"), "ex_dividend_date"),
            _word(dividend, "dividend_type"),
            exact.price(dividend.get("cash_amount"), "cash_amount"),
            _text(dividend, "currency"),
            *(_day_or_none(dividend, name) for name in ("declaration_date", "record_date", "pay_date")),
            None
            if dividend.get("frequency") is None
            else int(exact.number(dividend["frequency"], "frequency")),
        )

    return _batch("polygon_dividends", _results(body), row)


def parse_tickers(body: bytes, load: Load) -> Batch:
    """The list of tickers, for raw.polygon_tickers; one company's ticker may be another's after it."""

    def row(listed: Mapping[str, Any]) -> tuple[object, ...]:
        delisted = listed.get("delisted_utc")
        return (
            _ticker(listed.get("ticker"), "ticker"),
            _text(listed, "composite_figi") or "",
            _word(listed, "name"),
            *(_text(listed, name) for name in ("market", "locale", "primary_exchange", "type")),
            _flag(listed, "active"),
            *(_text(listed, name) for name in ("currency_name", "cik", "share_class_figi")),
            None if delisted is None else exact.day(str(delisted)[:10], "delisted_utc"),
        )

    return _batch("polygon_tickers", _results(body), row)


def parse_ticker_details(body: bytes, load: Load) -> Batch:
    """What is said of one ticker, for raw.polygon_ticker_details."""

    def row(details: Mapping[str, Any]) -> tuple[object, ...]:
        delisted = details.get("delisted_utc")
        shares = details.get("weighted_shares_outstanding")
        return (
            _ticker(details.get("ticker"), "ticker"),
            _word(details, "name"),
            *(_text(details, name) for name in ("market", "locale", "primary_exchange", "type")),
            _flag(details, "active"),
            *(
                _text(details, name)
                for name in ("currency_name", "cik", "composite_figi", "share_class_figi")
            ),
            *(_text(details, name) for name in ("sic_code", "sic_description")),
            _day_or_none(details, "list_date"),
            None if delisted is None else exact.day(str(delisted)[:10], "delisted_utc"),
            exact.volume(shares, "weighted_shares_outstanding"),
        )

    return _batch("polygon_ticker_details", _results(body, is_one=True), row)


def _batch(
    table: str,
    results: Iterator[tuple[int, Mapping[str, Any]]],
    row_of: Callable[[Mapping[str, Any]], tuple[object, ...]],
) -> Batch:
    """Results as rows of a raw table; one that `row_of` finds fault with is rejected with the reason."""
    rows: list[tuple[object, ...]] = []
    rejected: list[Rejected] = []
    for line, result in results:
        try:
            rows.append((*row_of(result), line))
        except ValueError as fault:
            rejected.append(Rejected(line, str(fault), exact.text(result)))
    return Batch(table, rows, rejected)


def _bar(bar: Mapping[str, Any], ticker: str, first: date, last: date) -> tuple[object, ...]:
    """Key and values of one bar of a day asked for; ValueError says what is wrong with it."""
    stamp = bar.get("t")
    if isinstance(stamp, int):
        day = datetime.fromtimestamp(stamp / 1000, UTC).date()  # midnight or close in New York: one UTC date
        if not first <= day <= last:
            asked = (
                f"the day asked for, {first}" if first == last else f"the days asked for, {first} to {last}"
            )
            raise ValueError(f"t is of {day}, not of {asked}")
    elif first == last:
        day = first
    else:
        raise ValueError(f"t is no time: {stamp!r}")
    opened, high, low, close = exact.bar_prices(bar, PRICES)
    return (day, ticker, opened, high, low, close, exact.volume(bar.get("v"), "v"))


def _results(
    body: bytes, *, is_unadjusted: bool = False, is_one: bool = False, ticker: str | None = None
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Results over all pages, numbered from 1.

    Raises
    ------
    PayloadError
        The body is not a kept answer of Polygon, complains, counts other results than it gives, holds
        adjusted prices where `is_unadjusted` is asked, or speaks of another ticker than the one given.
    """
    pages = exact.mapping(body).get("pages")
    if not isinstance(pages, list) or not pages:
        raise PayloadError("not a kept answer of Polygon: it has no pages")
    return enumerate(
        [
            one if isinstance(one, dict) else {}
            for page in pages
            for one in _page_results(page, is_unadjusted=is_unadjusted, is_one=is_one, ticker=ticker)
        ],
        start=1,
    )


def _page_results(page: object, *, is_unadjusted: bool, is_one: bool, ticker: str | None) -> list[Any]:
    """Results of one page, checked."""
    if not isinstance(page, dict) or page.get("status") not in USABLE_STATUS:
        status = page.get("status") if isinstance(page, dict) else None
        raise PayloadError(f"Polygon answered with status {status!r}: {_complaint(page)}")
    if is_unadjusted and page.get("adjusted") is True:
        raise PayloadError("Polygon says that these prices are adjusted; Folio takes unadjusted ones")
    if ticker and page.get("ticker", ticker) != ticker:
        raise PayloadError(f"Polygon answered about {page['ticker']!r}, not about {ticker!r}")
    found = page.get("results")
    results = [found] if is_one else found or []
    if not isinstance(results, list) or (is_one and not isinstance(found, dict)):
        raise PayloadError(f"Polygon's results are no {'object' if is_one else 'list'}")
    if "resultsCount" in page and page["resultsCount"] != len(results):
        raise PayloadError(f"Polygon says {page['resultsCount']} results and gives {len(results)}")
    return results


def _next_page(payload: Payload) -> str | None:
    """Address of the page after this one; UnusableAnswerError where the page is a complaint."""
    try:
        page = exact.mapping(payload.body)
    except PayloadError as fault:
        raise UnusableAnswerError(f"{payload.origin}: {fault}", payload) from None
    if page.get("status") not in USABLE_STATUS:
        raise UnusableAnswerError(
            f"{payload.origin}: HTTP 200 with status {page.get('status')!r}: {_complaint(page)}", payload
        )
    following = page.get("next_url")
    return following if isinstance(following, str) and following else None


def _complaint(page: object) -> str:
    """What Polygon says is wrong."""
    said = page.get("error") or page.get("message") if isinstance(page, dict) else page
    return exact.in_short(said)


def _ticker(value: object, name: str) -> str:
    """Ticker as text; ValueError where there is none."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name} is no ticker: {value!r}")
    return value.strip()


def _text(result: Mapping[str, Any], name: str) -> str | None:
    """Text of a field; None where there is none."""
    value = result.get(name)
    return value.strip() or None if isinstance(value, str) else None


def _word(result: Mapping[str, Any], name: str) -> str:
    """Text of a field that must have one."""
    text = _text(result, name)
    if text is None:
        raise ValueError(f"{name} is missing: {result.get(name)!r}")
    return text


def _flag(result: Mapping[str, Any], name: str) -> bool:
    """Value of a field that is true or false."""
    value = result.get(name)
    if not isinstance(value, bool):
        raise ValueError(f"{name} is neither true nor false: {value!r}")
    return value


def _day_or_none(result: Mapping[str, Any], name: str) -> date | None:
    """Date of a field; None where it says none."""
    return None if not result.get(name) else exact.day(result[name], name)
