"""Ingest of what further providers say of shares and funds: each is asked only for what the books name.

Yahoo and Alpha Vantage are fallbacks: they are asked for the instruments that have an alias of theirs, and
a night in which none has asks them nothing. A symbol at fault never stops the others.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any

import psycopg

from folio.errors import LoadError
from folio.jobs import aliases, price_repairs
from folio.jobs.ingest import open_source, snapshot_slot, source_of_night, take_in
from folio.jobs.nights import Night
from folio.quality import expectations
from folio.settings import settings
from folio.sources import payloads
from folio.sources.connectors import alphavantage, mfapi, polygon, yahoo
from folio.sources.landing import Ask, Load
from folio.sources.payloads import Payload
from folio.sources.session import ProviderSession
from folio.store import warehouse

BARS_AGAIN = timedelta(days=30)
"""Each night asks a fallback for these days again: its corrections come days late."""

DIVIDENDS_AGAIN = timedelta(days=45)
DIVIDENDS_AHEAD = timedelta(days=90)
"""Dividends are announced before they go ex, and corrected after."""

HISTORIES = ("polygon", "mfapi", "yahoo", "alphavantage")
"""Providers that give the history of one instrument in one answer."""

SCHEMES = {"mfapi": "amfi", "yahoo": "yahoo", "alphavantage": "alphavantage"}
"""Providers that are asked instrument by instrument, and by which names."""

ASKED_ONCE = ("mfapi", "alphavantage")
"""Of these, those that answer with all they have, whatever the days."""


def yahoo_bars(night: str) -> list[Load]:
    """Take in Yahoo's bars of the last days, dividends and splits of each instrument with a Yahoo alias.

    Defects of a chart are findings of the night.
    """
    this = Night.parse(night)
    loads: list[Load] = []
    with _asked("yahoo", "yahoo", this) as asked:
        if asked is None:
            return []
        connection, http, symbols = asked
        first, last = this.valuation_date - BARS_AGAIN, this.valuation_date
        for symbol in symbols:
            slot = yahoo.slot_of(symbol, snapshot_slot(this))
            fetch = partial(yahoo.Yahoo(http).fetch_chart, symbol, first, last)
            request = http.shown(yahoo.path_of(symbol))
            bars = _take_in(connection, Ask("yahoo", "daily_bars", slot, this.id, request), fetch)
            loads += [bars, *_chart_events(connection, bars)]
            price_repairs.record_defects(connection, this, bars)
    return loads


def alphavantage_bars(night: str) -> list[Load]:
    """Take in Alpha Vantage's bars of each instrument with an alias of it: the last 100 sessions."""
    this = Night.parse(night)
    loads: list[Load] = []
    with _asked("alphavantage", "alphavantage", this) as asked:
        if asked is None:
            return []
        connection, http, symbols = asked
        for symbol in symbols:
            slot = alphavantage.slot_of(symbol, snapshot_slot(this))
            ask = Ask("alphavantage", "daily_bars", slot, this.id, http.shown(alphavantage.QUERY_PATH))
            fetch = partial(alphavantage.AlphaVantage(http).fetch_bars, symbol)
            loads.append(_take_in(connection, ask, fetch))
    return loads


def polygon_facts(night: str) -> list[Load]:
    """Take in Polygon's dividends, and once a month its lists of tickers and what it says of the books' own.

    Nothing is asked where the books name no US ticker.
    """
    this = Night.parse(night)
    loads: list[Load] = []
    month = f"{this.valuation_date:%Y-%m}"
    with _asked("polygon", "ticker", this) as asked:
        if asked is None:
            return []
        connection, http, tickers = asked
        provider = polygon.Polygon(http)
        today = this.instant.date()
        asks: list[tuple[str, str, str, Callable[[], Payload]]] = [
            (
                "dividends",
                snapshot_slot(this),
                polygon.DIVIDENDS_PATH,
                partial(provider.fetch_dividends, _first_day(connection, this), today + DIVIDENDS_AHEAD),
            ),
            ("tickers", month, polygon.TICKERS_PATH, partial(provider.fetch_tickers, active=True)),
            ("delisted_tickers", month, polygon.TICKERS_PATH, partial(provider.fetch_tickers, active=False)),
            *(
                (
                    "ticker_details",
                    f"{ticker} {month}",
                    polygon.details_path(ticker),
                    partial(provider.fetch_ticker_details, ticker),
                )
                for ticker in tickers
            ),
        ]
        for dataset, slot, path, fetch in asks:
            loads.append(
                _take_in(connection, Ask("polygon", dataset, slot, this.id, http.shown(path)), fetch)
            )
    return loads


def history(provider: str, name: str, first: date, last: date) -> list[Load]:
    """Take in the history of one instrument by the name a provider calls it, from its one answer.

    When a value of the past was first seen is not on record, so these loads have known_basis `assumed`.
    Alpha Vantage and mfapi.in give all they have, whatever the days.

    Raises
    ------
    LoadError
        The provider gives no history of one instrument, or is switched off.
    """
    if provider not in HISTORIES:
        raise LoadError(f"{provider!r} gives no history of one instrument; {', '.join(HISTORIES)} do")
    days = f"{first}..{last}"
    with open_source(provider, settings()) as (connection, http):
        if http is None:
            raise LoadError(f"{provider} is switched off: set its key and URL first")
        dataset, path, fetch = _one_history(http, provider, name, first, last)
        ask = Ask(provider, dataset, f"{name} {days}", None, http.shown(path), "assumed")
        load = _take_in(connection, ask, fetch)
        return [load, *_chart_events(connection, load)]


def histories(provider: str, first: date, last: date) -> list[Load]:
    """Take in the history of every instrument that the books name for a provider, on the last of the days."""
    with warehouse.connect() as connection:
        names = aliases.current(connection, SCHEMES[provider], _night_after(last))
    return [load for name in names for load in history(provider, name, first, last)]


def _night_after(day: date) -> Night:
    """The night that values a day."""
    return Night.at(datetime.combine(day + timedelta(days=1), time(3), UTC))


def _one_history(
    http: ProviderSession, provider: str, name: str, first: date, last: date
) -> tuple[str, str, Callable[[], Payload]]:
    """Dataset, path and fetch of a history."""
    match provider:
        case "polygon":
            path = polygon.TICKER_BARS_PATH.format(ticker=name, first=first, last=last)
            return "ticker_bars", path, partial(polygon.Polygon(http).fetch_ticker_bars, name, first, last)
        case "mfapi":
            path = mfapi.HISTORY_PATH.format(code=name)
            return "history", path, partial(mfapi.Mfapi(http).fetch_history, int(name))
        case "yahoo":
            fetch = partial(yahoo.Yahoo(http).fetch_chart, name, first, last)
            return "daily_bars", yahoo.path_of(name), fetch
        case _:
            fetch = partial(alphavantage.AlphaVantage(http).fetch_bars, name, full=True)
            return "daily_bars", alphavantage.QUERY_PATH, fetch


@contextmanager
def _asked(
    provider: str, scheme: str, night: Night
) -> Iterator[tuple[psycopg.Connection[Any], ProviderSession, list[str]] | None]:
    """A provider with the names the books have for it; None where they have none, or it is switched off.

    Only a provider that some instrument needs leaves the finding that it is off.
    """
    with warehouse.connect() as connection:
        names = aliases.current(connection, scheme, night)
    if not names:
        yield None
        return
    with source_of_night(provider, night) as (connection, http):
        yield None if http is None else (connection, http, names)


def _take_in(connection: psycopg.Connection[Any], ask: Ask, fetch: Callable[[], Payload]) -> Load:
    """Take in one slot, under the expectations of its dataset where it has some."""
    has_limits = (ask.source, ask.dataset) in expectations.LIMITS
    return take_in(connection, ask, fetch, check=expectations.checking("plain") if has_limits else None)


def _chart_events(connection: psycopg.Connection[Any], bars: Load) -> list[Load]:
    """Take in the dividends, splits and repairs of a chart whose bars are loaded, from the same payload."""
    sha256, observed_at = bars.payload_sha256, bars.observed_at
    is_chart = (bars.source, bars.dataset, bars.status) == ("yahoo", "daily_bars", "loaded")
    if not is_chart or not sha256 or not observed_at:
        return []
    origin = f"payload of load {bars.load_id}"

    def fetch() -> Payload:
        return Payload(payloads.read(settings().payload_folder, sha256), observed_at, origin)

    return [
        _take_in(connection, Ask("yahoo", dataset, bars.slot, bars.night, origin, bars.known_basis), fetch)
        for dataset in ("dividends", "splits", "price_repairs")
    ]


def _first_day(connection: psycopg.Connection[Any], night: Night) -> date | None:
    """Day from which dividends are asked for: all there are, until some load of them succeeded."""
    row = connection.execute(
        "select max(observed_at) from raw.loads"
        " where source = 'polygon' and dataset = 'dividends' and status = 'loaded' and observed_at <= %s",
        (night.instant,),
    ).fetchone()
    connection.rollback()
    return (row[0] - DIVIDENDS_AGAIN).date() if row and row[0] else None
