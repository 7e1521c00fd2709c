"""Backfill: take in history month by month, each slot once, whatever ran before."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

from folio.errors import LoadError
from folio.jobs import crypto_prices, share_prices
from folio.jobs.ingest import PARSERS, open_source
from folio.quality import expectations
from folio.settings import settings
from folio.sources import landing
from folio.sources.connectors import amfi, ecb, polygon
from folio.sources.landing import Ask, Load
from folio.sources.payloads import Payload
from folio.sources.session import ProviderSession

SOURCES = ("amfi", "polygon", "ecb", *share_prices.SCHEMES, *crypto_prices.SOURCES)

_histories: dict[str, Payload] = {}
"""The ECB's history by base URL: one file holds all months, so a process fetches it once."""

HISTORY_GOOD_FOR = timedelta(hours=1)


def months(source: str, first: date | str, last: date | str) -> list[str]:
    """Keys of the mapped tasks of a range of days, both included: the months it touches, as `2009-01`.

    A source that answers with all it has is asked once, under the first month.

    Raises
    ------
    LoadError
        The source has no history, a day cannot be read, or the range ends before it begins.
    """
    begin, end = _day(first), _day(last)
    if source not in SOURCES:
        raise LoadError(f"{source!r} has no history to backfill; known are {', '.join(SOURCES)}")
    if end < begin:
        raise LoadError(f"the range ends on {end}, before it begins on {begin}")
    count = (end.year - begin.year) * 12 + end.month - begin.month + 1
    if source in share_prices.ASKED_ONCE:
        count = 1
    return [
        f"{begin.year + (begin.month - 1 + n) // 12:04d}-{(begin.month - 1 + n) % 12 + 1:02d}"
        for n in range(count)
    ]


def spans(source: str, first: date | str, last: date | str, most: int = 12) -> list[list[str]]:
    """Months of a range in at most `most` runs of consecutive ones: one mapped task each.

    A task costs more to start than a month to take in, so long ranges take several months a task.
    """
    wanted = months(source, first, last)
    size = -(-len(wanted) // most)
    return [wanted[place : place + size] for place in range(0, len(wanted), size)]


def backfill_months(source: str, wanted: list[str], first: date | str, last: date | str) -> list[Load]:
    """Take in several months; LoadError names the loads that failed or are held, once all were tried."""
    loads = [load for month in wanted for load in backfill_month(source, month, first, last)]
    bad = [load for load in loads if load.status != "loaded"]
    if bad:
        raise LoadError("; ".join(str(load) for load in bad))
    return loads


def backfill_month(
    source: str, month: str, first: date | str | None = None, last: date | str | None = None
) -> list[Load]:
    """Take in one month of a source's history, cut to the days from `first` to `last` where given.

    AMFI and the ECB give one load a month, with slot `2009-01`, or `2009-01-01..2009-01-15` for a part of
    one; Polygon gives one a weekday, with the day as slot, the same that a night would take in; the others
    give one an instrument that the books name. When a value of the past was first seen is not on record, so
    these loads have known_basis `assumed`.
    """
    if source in share_prices.ASKED_ONCE:
        return share_prices.histories(source, _day(first or f"{month}-01"), _day(last or date.today()))
    begin, end = ecb.slot_days(month)
    whole = (begin, end)
    begin = max(begin, _day(first)) if first else begin
    end = min(end, _day(last)) if last else end
    months(source, begin, end)
    if source in crypto_prices.SOURCES:
        return crypto_prices.history(source, begin, end)
    if source in share_prices.SCHEMES:
        return share_prices.histories(source, begin, end)
    slot = month if (begin, end) == whole else f"{begin}..{end}"
    current = settings()
    with open_source(source, current) as (connection, http):
        if http is None:
            raise LoadError(f"{source} is switched off: set its key and URL before a backfill")
        return [
            landing.take_in(
                connection,
                ask,
                fetch,
                PARSERS[ask.source, ask.dataset],
                folder=current.payload_folder,
                check=expectations.checking("plain"),
                others=PARSERS,
            )
            for ask, fetch in _slots(source, slot, begin, end, http)
        ]


def _slots(
    source: str, slot: str, begin: date, end: date, http: ProviderSession
) -> Iterator[tuple[Ask, Callable[[], Payload]]]:
    """What to ask for, and how."""
    if source == "amfi":
        ask = Ask("amfi", "history", slot, None, http.shown(amfi.HISTORY_PATH), "assumed")
        yield ask, lambda: amfi.Amfi(http).fetch_history(begin, end)
    elif source == "ecb":
        ask = Ask("ecb", "history", slot, None, http.shown(ecb.HISTORY_PATH), "assumed")
        yield ask, lambda: _history(http)
    else:
        for day in _weekdays(begin, end):
            path = polygon.BARS_PATH.format(day=day)
            ask = Ask("polygon", "daily_bars", day.isoformat(), None, http.shown(path), "assumed")
            yield ask, lambda day=day: polygon.Polygon(http).fetch_bars(day)  # type: ignore[misc]


def _history(http: ProviderSession) -> Payload:
    """The ECB's history file, fetched once an hour at most by this process."""
    known = _histories.get(http.base_url)
    if known is None or known.observed_at < datetime.now(UTC) - HISTORY_GOOD_FOR:
        known = _histories[http.base_url] = ecb.Ecb(http).fetch_history()
    return known


def _weekdays(begin: date, end: date) -> Iterator[date]:
    """Days from Monday to Friday between two, both included."""
    for ordinal in range(begin.toordinal(), end.toordinal() + 1):
        day = date.fromordinal(ordinal)
        if day.weekday() < 5:
            yield day


def _day(text: date | str) -> date:
    """A day, given as one or in ISO form."""
    if isinstance(text, date):
        return text
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise LoadError(f"{text!r} is no day: write it as 2009-01-31") from None
