"""Queries for funds, instruments and prices."""

import logging
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from api.answers import PageInfo
from api.instruments.schemas import Candle, Fund, Instrument, Price
from api.reading import Reading
from folio.errors import InfluxError
from folio.store import candles as store
from folio.store.candles import Named, Resolution, Span
from folio.store.influx import Influx

log = logging.getLogger(__name__)


def funds(reading: Reading, search: str | None) -> tuple[list[Fund], PageInfo]:
    """Funds whose name, code or ISIN holds every word sought, by name."""
    words = [
        "%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        for word in (search or "").split()
    ]
    return reading.page_of(
        """
        select * from {dim_funds} as funds
        where concat_ws(' ', scheme_name, scheme_code, isin_payout_or_growth, isin_reinvestment, fund_house)
              ilike all (%(words)s::text[])
        order by scheme_name, instrument_id
        """,
        Fund,
        words=words,
    )


def fund(reading: Reading, name: str) -> Fund | None:
    """The fund of an id, a scheme code or an ISIN."""
    found = reading.rows(
        """
        select * from {dim_funds} as funds
        where instrument_id::text = lower(%(name)s) or scheme_code::text = %(name)s
              or upper(%(name)s) in (isin_payout_or_growth, isin_reinvestment)
        order by instrument_id limit 1
        """,
        Fund,
        name=name,
    )
    return found[0] if found else None


def instrument(reading: Reading, name: str) -> Instrument | None:
    """The instrument of an id, a code, a ticker, an ISIN or an AMFI code, in this order."""
    found = reading.rows(
        """
        select * from {dim_instruments} as instruments
        where instrument_id::text = lower(%(name)s)
              or %(name)s in (instrument_code, ticker, isin, amfi_code::text)
        order by instrument_id::text = lower(%(name)s) desc, instrument_code = %(name)s desc,
                 ticker = %(name)s desc nulls last, instrument_id
        limit 1
        """,
        Instrument,
        name=name,
    )
    return found[0] if found else None


def latest_price(reading: Reading, instrument_id: UUID) -> Price | None:
    """Price on the latest day, on or before the day asked for."""
    found = reading.rows(
        "select * from {fct_prices_daily} as prices"
        " where instrument_id = %(instrument_id)s and valuation_date <= %(as_of)s"
        " order by valuation_date desc limit 1",
        Price,
        instrument_id=instrument_id,
        as_of=reading.as_of,
    )
    return found[0] if found else None


def prices(
    reading: Reading, instrument_id: UUID, start: date | None, end: date | None
) -> tuple[list[Price], PageInfo]:
    """Price of each day between two days, both included, the oldest first."""
    return reading.page_of(
        """
        select * from {fct_prices_daily} as prices
        where instrument_id = %(instrument_id)s
              and valuation_date <= least(%(as_of)s, coalesce(%(end)s::date, %(as_of)s))
              and (%(start)s::date is null or valuation_date >= %(start)s)
        order by valuation_date
        """,
        Price,
        instrument_id=instrument_id,
        start=start,
        end=end,
        as_of=reading.as_of,
    )


def candles(
    reading: Reading,
    bucket: Influx | None,
    instrument_id: UUID,
    resolution: Resolution,
    start: date | None,
    end: date | None,
) -> tuple[list[Candle], PageInfo]:
    """Candles of each source that opened between two days, both included, the oldest first.

    They are read from InfluxDB where it holds all that has landed, else from Postgres; and from Postgres as
    they were known at the answer's `known_at`, where one was asked for.
    """
    until = reading.as_of if reading.as_of < reading.publication.valuation_date else date.max
    until = min(until, end or date.max, date(9998, 1, 1))
    wanted = reading.page.offset + reading.page.limit + 1
    holds_all = reading.instant is None and bucket is not None and _holds_all(reading, bucket)
    found = []
    for span in _spans(reading, instrument_id, resolution, start, until):
        held = None
        if holds_all and bucket is not None:
            try:
                held = store.from_influx(bucket, span, wanted)
            except InfluxError as error:  # raw holds the same
                log.warning("history is read from Postgres: %s", error)
                holds_all = False
        if held is None:
            known_at = reading.known_at if reading.instant else None
            held = store.from_postgres(reading.connection, span, wanted, known_at)
        found += [
            Candle(**vars(candle), currency=span.named.currency, source=span.named.source) for candle in held
        ]
    found.sort(key=lambda candle: (candle.opened_at, candle.source, candle.currency or ""))
    return reading.page_within(found)


def _spans(
    reading: Reading, instrument_id: UUID, resolution: Resolution, start: date | None, end: date
) -> Iterator[Span]:
    """Under which names, and while which were the instrument's, its candles are held."""
    codes = reading.connection.execute(
        "select scheme, code, valid_from, valid_to from history.instrument_codes"
        " where instrument_id = %s order by scheme, code, valid_from",
        [instrument_id],
    ).fetchall()
    for scheme, code, valid_from, valid_to in codes:
        since = _midnight(max(start or date.min, valid_from))
        until = _midnight(min(end + timedelta(days=1), valid_to or date.max))
        for named in _named(reading, resolution, scheme, code):
            if since < until:
                yield Span(named, since, until)


def _named(reading: Reading, resolution: Resolution, scheme: str, alias: str) -> Iterator[Named]:
    for table in store.tables(resolution):
        if scheme in table.codes:
            yield from store.named(reading.connection, table, scheme, alias)


def _holds_all(reading: Reading, bucket: Influx) -> bool:
    """Whether everything that has landed is in the bucket."""
    row = reading.connection.execute("select history.influx_lacks(%s)", [bucket.target]).fetchone()
    return row == (False,)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
