"""Ingest jobs: take in what each source has for a night; a source at fault never stops it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from functools import cache, partial
from types import MappingProxyType
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from folio.errors import LoadError
from folio.jobs import price_repairs
from folio.jobs.nights import Night
from folio.quality import expectations
from folio.quality.removals import Snapshots
from folio.settings import Settings, settings
from folio.sources import landing, observations, payloads
from folio.sources.connectors import (
    alphavantage,
    amfi,
    coingecko,
    ecb,
    esplora,
    ethereum,
    exchanges,
    factors,
    mfapi,
    polygon,
    yahoo,
)
from folio.sources.landing import Ask, Load, Parse
from folio.sources.manners import DatabaseBreaker, DatabaseRateLimit
from folio.sources.payloads import Payload
from folio.sources.providers import PROVIDERS
from folio.sources.session import ProviderSession
from folio.store import warehouse

GREAT_EXPECTATIONS: expectations.Engine = "great_expectations"

PARSERS: Mapping[tuple[str, str], Parse] = MappingProxyType(
    {
        ("amfi", "navs"): amfi.parse_navs,
        ("amfi", "schemes"): amfi.parse_schemes,
        ("amfi", "history"): amfi.parse_navs,
        ("amfi", "observations"): observations.parse_navs,
        ("polygon", "daily_bars"): polygon.parse_bars,
        ("polygon", "splits"): polygon.parse_splits,
        ("polygon", "ticker_bars"): polygon.parse_ticker_bars,
        ("polygon", "minute_bars"): polygon.parse_minute_bars,
        ("polygon", "dividends"): polygon.parse_dividends,
        ("polygon", "tickers"): polygon.parse_tickers,
        ("polygon", "delisted_tickers"): polygon.parse_tickers,
        ("polygon", "ticker_details"): polygon.parse_ticker_details,
        ("mfapi", "history"): mfapi.parse_history,
        ("yahoo", "daily_bars"): yahoo.parse_bars,
        ("yahoo", "dividends"): yahoo.parse_dividends,
        ("yahoo", "splits"): yahoo.parse_splits,
        ("yahoo", "price_repairs"): price_repairs.parse_repairs,
        ("alphavantage", "daily_bars"): alphavantage.parse_bars,
        ("coingecko", "daily_prices"): coingecko.parse_prices,
        ("coingecko", "current_prices"): coingecko.parse_current,
        ("coingecko", "coins"): coingecko.parse_coin,
        **{
            (exchange, dataset): partial(parse, exchange)
            for exchange in exchanges.EXCHANGES
            for dataset, parse in exchanges.PARSERS.items()
        },
        ("ethereum", "balances"): ethereum.parse_balances,
        ("esplora", "balances"): esplora.parse_balances,
        ("factors", "factor_returns"): factors.parse_factors,
        ("factors", "risk_free_rates"): factors.parse_rates,
        ("ecb", "fx_rates"): ecb.parse_rates,
        ("ecb", "history"): ecb.parse_history,
    }
)
"""How the payload of each dataset of a provider is read."""

RETRY_DAYS = 31
"""Days before the night whose failed loads are made up for; an older gap takes a backfill."""

LATE_NAVS = timedelta(days=7)
"""A night's file brings NAVs of up to a week before: overseas funds of funds publish days late."""

SPLITS_AGAIN = timedelta(days=45)
"""Splits are announced, and corrected, weeks around their day: each night asks for these days again."""


def parser_of(source: str, dataset: str) -> Parse:
    """How a dataset of a source is read; LoadError where Folio has no connector for it."""
    parse = PARSERS.get((source, dataset))
    if parse is None:
        known = sorted({known for name, known in PARSERS if name == source})
        raise LoadError(
            f"no connector reads {source}/{dataset}"
            + (f"; of {source} it reads {', '.join(known)}" if known else "")
        )
    return parse


def _checking(snapshots: Snapshots | None = None) -> landing.Check:
    """The one check of a task by Great Expectations, whose results are kept for `folio quality docs`."""
    return expectations.checking(GREAT_EXPECTATIONS, snapshots, settings().quality_folder)


def fund_navs(night: str) -> list[Load]:
    """Take in AMFI's NAV file as of the night: its NAVs, and from the same payload its schemes."""
    this = Night.parse(night)
    with source_of_night("amfi", this) as (connection, http):
        if http is None:
            return []
        navs = take_in(
            connection,
            Ask("amfi", "navs", snapshot_slot(this), this.id, http.shown(amfi.NAVALL_PATH)),
            amfi.Amfi(http).fetch_navs,
            check=_checking(Snapshots(settings().payload_folder, amfi.parse_navs)),
        )
        loads = [navs, *schemes_of(connection, navs)]
        if navs.status != "failed":  # else it is at fault now, and the next night sees to all of them
            loads += _lost_navs(connection, this, amfi.Amfi(http))
        return loads


def market_prices(night: str) -> list[Load]:
    """Take in Polygon's bars of the night's day, of days that failed lately, and the splits.

    Weekends have no session and are not asked for.
    """
    this = Night.parse(night)
    with source_of_night("polygon", this) as (connection, http):
        if http is None:
            return []
        provider = polygon.Polygon(http)
        loads = []
        check = _checking()
        again = _days_to_retry(connection, this)
        for day in [*again, *_sessions(this.valuation_date)]:
            load = take_in(
                connection,
                Ask(
                    "polygon",
                    "daily_bars",
                    day.isoformat(),
                    this.id,
                    http.shown(polygon.BARS_PATH.format(day=day)),
                ),
                partial(provider.fetch_bars, day),
                check=check,
                refetch=day in again,
            )
            loads.append(load)
            if not load.repeated and load.status in ("loaded", "held"):
                check = expectations.checking("plain")  # one validation of Great Expectations a task
        first = _first_split_day(connection, this)
        loads.append(
            take_in(
                connection,
                Ask("polygon", "splits", snapshot_slot(this), this.id, http.shown(polygon.SPLITS_PATH)),
                lambda: provider.fetch_splits(first, this.instant.date()),
            )
        )
        return loads


def fx_rates(night: str) -> list[Load]:
    """Take in the ECB's rates as they stood at the night."""
    this = Night.parse(night)
    with source_of_night("ecb", this) as (connection, http):
        if http is None:
            return []
        day = this.valuation_date.isoformat()
        rates = take_in(
            connection,
            Ask("ecb", "fx_rates", day, this.id, http.shown(ecb.DAILY_PATH)),
            ecb.Ecb(http).fetch_daily,
            check=_checking(),
        )
        if rates.status == "failed":
            return [rates]
        return [rates, *_lost_rates(connection, this, ecb.Ecb(http))]


def books(night: str) -> list[Load]:
    """Take in the book files that wait in the drop folder."""
    from folio.books import intake

    return list(intake.files(Night.parse(night).id))


def accept(load_id: UUID) -> list[Load]:
    """Land the kept payload of a held load in spite of its checks, with what hangs on it.

    Raises
    ------
    LoadError
        The load is unknown, not held, replaced by a loaded attempt, or of a source that holds nothing.
    """
    with warehouse.connect() as connection:
        load = landing.find(connection, load_id)
        connection.rollback()
        parse = PARSERS.get((load.source, load.dataset))
        if parse is None:
            raise LoadError(
                f"{load.source}/{load.dataset} has no held loads: mend the file and drop it again"
            )
        accepted = landing.accept(
            connection, load_id, parse, folder=settings().payload_folder, others=PARSERS
        )
        return [accepted, *schemes_of(connection, accepted)]


def schemes_of(connection: psycopg.Connection[Any], navs: Load) -> list[Load]:
    """Take in the schemes of a NAV file whose NAVs are loaded, from the payload kept for them."""
    sha256, observed_at = navs.payload_sha256, navs.observed_at
    if (
        (navs.source, navs.dataset, navs.status) != ("amfi", "navs", "loaded")
        or not sha256
        or not observed_at
    ):
        return []
    folder = settings().payload_folder

    def fetch() -> Payload:
        return Payload(payloads.read(folder, sha256), observed_at, f"payload of load {navs.load_id}")

    ask = Ask("amfi", "schemes", navs.slot, navs.night, f"payload of load {navs.load_id}")
    return [take_in(connection, ask, fetch)]


@contextmanager
def open_source(
    provider: str, current: Settings, night: Night | None = None
) -> Iterator[tuple[psycopg.Connection[Any], ProviderSession | None]]:
    """Connection to the warehouse and session to a provider; None where the provider is switched off.

    A sandbox answers as of the night's instant, which is then also the time by which its breaker opens and
    closes; it has no rate limit. A provider left in peace for a part of the night is a finding of the night.
    """
    one = PROVIDERS[provider]
    base_url, key = one.base_url(current), one.key(current)
    rate = None if current.recorded else one.rate(current)
    with warehouse.connect() as connection:
        if one.missing(current) or base_url is None:
            yield connection, None
            return
        with ProviderSession(
            provider,
            base_url,
            current,
            key=key.get_secret_value() if key else None,
            key_in=one.key_in,
            as_of=night.instant if night else None,
            breaker=DatabaseBreaker(
                connection, provider, now=(lambda: night.instant) if current.recorded and night else None
            ),
            limit=DatabaseRateLimit(
                connection,
                provider,
                rate,
                longest_wait=timedelta(seconds=current.http_longest_wait_seconds),
            )
            if rate
            else None,
        ) as http:
            yield connection, http
            if night and http.not_asked:
                _record_peace(connection, night, provider, http.not_asked)


def _record_peace(connection: psycopg.Connection[Any], night: Night, provider: str, why: str) -> None:
    """Write down that a provider was left in peace."""
    expectations.record(
        connection,
        night.id,
        check_name="source asked",
        subject=provider,
        severity="warn",
        status="warned",
        observed="left in peace",
        expected="every question put",
        note=f"{why}. Later nights ask again for what this one did not get.",
    )
    connection.commit()


@contextmanager
def source_of_night(
    provider: str, night: Night
) -> Iterator[tuple[psycopg.Connection[Any], ProviderSession | None]]:
    """A provider for a night; a provider that is switched off is written down as a finding of the night."""
    with open_source(provider, settings(), night) as (connection, http):
        if http is None:
            wanted = PROVIDERS[provider].missing(settings())
            expectations.record(
                connection,
                night.id,
                check_name="source on",
                subject=provider,
                severity="warn",
                status="warned",
                observed="source off",
                expected=f"{wanted} set",
                note="Nothing was asked for; figures that need this source carry what is known.",
            )
            connection.commit()
        yield connection, http


def take_in(
    connection: psycopg.Connection[Any],
    ask: Ask,
    fetch: Callable[[], Payload],
    check: landing.Check | None = None,
    *,
    refetch: bool = False,
) -> Load:
    """Take in one slot with the parser of its dataset."""
    return landing.take_in(
        connection,
        ask,
        fetch,
        parser_of(ask.source, ask.dataset),
        folder=settings().payload_folder,
        check=check,
        others=PARSERS,
        refetch=refetch,
    )


def _lost_navs(connection: psycopg.Connection[Any], night: Night, provider: amfi.Amfi) -> list[Load]:
    """Take in from the history report what nights before did not get: the next file has the next NAVs.

    One report spans all of them, since loads of one night that overlap would say the same at one instant.
    """
    days = _lost_days(connection, night, "amfi", "navs", ("amfi_navs", "nav_date"), LATE_NAVS)
    if not days:
        return []
    first, last = days[0] - LATE_NAVS, days[-1]
    ask = Ask("amfi", "history", f"{first}..{last}", night.id, provider.http.shown(amfi.HISTORY_PATH))
    fetch = partial(provider.fetch_history, first, last)
    return [take_in(connection, ask, fetch, check=expectations.checking("plain"))]


def _lost_rates(connection: psycopg.Connection[Any], night: Night, provider: ecb.Ecb) -> list[Load]:
    """Take in from the history file, fetched once, the rates of days that nights before did not get."""
    history = cache(provider.fetch_history)
    request = provider.http.shown(ecb.HISTORY_PATH)
    return [
        take_in(
            connection,
            Ask("ecb", "history", f"{day}..{day}", night.id, request),
            history,
            check=expectations.checking("plain"),
        )
        for day in _lost_days(connection, night, "ecb", "fx_rates", ("ecb_fx_rates", "rate_date"))
    ]


def _lost_days(
    connection: psycopg.Connection[Any],
    night: Night,
    source: str,
    dataset: str,
    figures: tuple[str, str],
    before: timedelta = timedelta(0),
) -> list[date]:
    """Days lately before the night's that a night asked about in vain, and the history was not asked since.

    In vain: every attempt failed or is held, or the file that came on a weekday was an old one, with nothing
    of its day or later. A holiday looks alike; the history, which has nothing of it, settles it. What a later
    night brought of the day does not count: the next file still has the lost day's figure of whatever has no
    newer one. `figures` are the raw table and its day column; a history counts that began so long `before`
    the day.
    """
    table, column = figures
    rows = connection.execute(
        sql.SQL(
            """
            with asked as (
                select
                    left(night, 10)::date - 1 as day,
                    bool_and(status in ('failed', 'held')) as has_failed,
                    array_agg(load_id) as load_ids
                from raw.loads
                where source = %(source)s and dataset = %(dataset)s and night is not null
                group by day
            )
            select day from asked
            where day between %(first)s and %(last)s
                and (has_failed or (
                    extract(isodow from day) < 6
                    and not exists (
                        select from {table} as figures
                        where figures.{column} >= asked.day and figures.load_id = any(asked.load_ids)
                    )
                    and not exists (
                        select from {table} as figures
                        inner join raw.loads as brought using (load_id)
                        where figures.{column} = asked.day
                            and brought.source = %(source)s and brought.dataset <> %(dataset)s
                    )
                ))
                and not exists (
                    select from raw.loads as history
                    where history.source = %(source)s and history.dataset = 'history'
                        and history.status in ('loaded', 'held')
                        and case when history.slot like '%%..%%' then
                            split_part(history.slot, '..', 1)::date <= asked.day - %(before)s::integer
                            and split_part(history.slot, '..', 2)::date >= asked.day
                        end
                )
            order by day
            """
        ).format(table=sql.Identifier("raw", table), column=sql.Identifier(column)),
        {
            "source": source,
            "dataset": dataset,
            "first": night.valuation_date - timedelta(days=RETRY_DAYS),
            "last": night.valuation_date - timedelta(days=1),
            "before": before.days,
        },
    ).fetchall()
    connection.rollback()
    return [row[0] for row in rows]


def snapshot_slot(night: Night) -> str:
    """Slot of a snapshot feed: the night's instant."""
    return f"{night.instant:%Y-%m-%dT%H:%MZ}"


def _sessions(day: date) -> list[date]:
    """The day, unless it falls on a weekend."""
    return [day] if day.weekday() < 5 else []


def _days_to_retry(connection: psycopg.Connection[Any], night: Night) -> list[date]:
    """Days lately before the night's whose bars are to be asked for again.

    A day that failed is asked for until it is there; one that is held, or on which a weekday's answer was
    empty, once more: it may have been a holiday, or a broken answer.
    """
    rows = connection.execute(
        """
        select slot::date
        from raw.loads
        where source = 'polygon' and dataset = 'daily_bars' and night is not null
            and slot::date between %s and %s
        group by slot
        having bool_and(status = 'failed')
            or count(*) filter (where status <> 'failed') = 1
                and bool_or(status = 'held' or status = 'loaded' and rows_seen = 0)
        order by slot
        """,
        (night.valuation_date - timedelta(days=RETRY_DAYS), night.valuation_date - timedelta(days=1)),
    ).fetchall()
    connection.rollback()
    return [row[0] for row in rows]


def _first_split_day(connection: psycopg.Connection[Any], night: Night) -> date | None:
    """Day from which splits are asked for: all there are, until some load of them succeeded."""
    row = connection.execute(
        "select max(observed_at) from raw.loads"
        " where source = 'polygon' and dataset = 'splits' and status = 'loaded' and observed_at <= %s",
        (night.instant,),
    ).fetchone()
    connection.rollback()
    return (row[0] - SPLITS_AGAIN).date() if row and row[0] else None
