"""Minute prices by day: of chosen instruments, while their markets are open, for InfluxDB and who listens.

They are no night's: figures are of days. Every run asks for the day so far, so a run that failed or was late
leaves no gap.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import psycopg

from folio.errors import InfluxError
from folio.jobs import history
from folio.jobs.ingest import open_source, take_in
from folio.settings import settings
from folio.sources.connectors import exchanges, polygon
from folio.sources.landing import Ask, Load
from folio.store import warehouse

log = logging.getLogger(__name__)

CHANNEL = "folio_prices"
"""Postgres channel that is notified: `{"instruments": [ids], "at": instant}`, nothing personal."""

IDS_A_NOTICE = 100
"""A notice holds 8,000 bytes."""

OPENS, CLOSES = time(9, 30), time(16)
AFTER_CLOSE = timedelta(minutes=30)
"""Bars are delayed: the last ones of a session come after its close."""

BEFORE_MIDNIGHT = timedelta(hours=1)
"""Of a market that never closes, the last minutes of a day are over on the next."""


@dataclass(frozen=True)
class Quoted:
    """An instrument and a name under which a provider quotes it."""

    instrument_id: UUID
    scheme: str
    code: str


def take_in_minutes(at: datetime | None = None) -> list[Load]:
    """Take in the minutes of the day so far of the chosen instruments whose markets are open.

    What came is written to InfluxDB, where there is one (an engine that is away gets it from a later run),
    and told on CHANNEL.

    Parameters
    ----------
    at : the aware instant it is, for tests; else now.
    """
    now = at or datetime.now(UTC)
    with warehouse.connect() as connection:
        names = _chosen(connection, settings().intraday, now)
    loads: list[Load] = []
    told: list[UUID] = []
    for name in names:
        if not _is_open(name.scheme, now):
            continue
        load = _minutes(name, now)
        if load is None:
            continue
        loads.append(load)
        if load.status == "loaded" and load.rows_new + load.rows_changed:
            told.append(name.instrument_id)
    if told and settings().influx_url is not None:
        try:
            history.write()
        except InfluxError as error:
            log.warning("minute prices wait for InfluxDB: %s", error)
    with warehouse.connect() as connection:
        _tell(connection, told, now)
    return loads


def _chosen(connection: psycopg.Connection[Any], codes: Sequence[str], now: datetime) -> list[Quoted]:
    """Names, on a day, of the instruments of the codes, at the providers that give minutes."""
    rows = connection.execute(
        """
        select codes.instrument_id, codes.scheme, codes.code
        from history.instrument_codes as codes
        inner join raw.identities on identities.kind = 'instrument' and identities.id = codes.instrument_id
        where identities.source_key = any(%s) and codes.scheme = any(%s)
            and codes.valid_from <= %s and (codes.valid_to is null or codes.valid_to > %s)
        order by identities.source_key, codes.scheme, codes.code
        """,
        (list(codes), ["ticker", *exchanges.EXCHANGES], now.date(), now.date()),
    ).fetchall()
    connection.rollback()
    return [Quoted(*row) for row in rows]


def _is_open(scheme: str, now: datetime) -> bool:
    """Whether a provider's market is open or its last minutes may still come; exchanges never close."""
    if scheme != "ticker":
        return True
    there = now.astimezone(polygon.NEW_YORK)
    opens, closes = (datetime.combine(there.date(), each, polygon.NEW_YORK) for each in (OPENS, CLOSES))
    return there.weekday() < 5 and opens <= there <= closes + AFTER_CLOSE


def _minutes(name: Quoted, now: datetime) -> Load | None:
    """Take in the minutes of one name; None where its provider is switched off."""
    provider = "polygon" if name.scheme == "ticker" else name.scheme
    with open_source(provider, settings()) as (connection, http):
        if http is None:
            return None
        if name.scheme == "ticker":
            day = now.astimezone(polygon.NEW_YORK).date()
            path = polygon.MINUTE_BARS_PATH.format(ticker=name.code, day=day)
            ask = Ask(provider, "minute_bars", f"{name.code} {day}", None, http.shown(path))
            fetch = partial(polygon.Polygon(http).fetch_minute_bars, name.code, day)
        else:
            exchange = next(one for one in exchanges.EXCHANGES if one == name.scheme)
            days = ((now - BEFORE_MIDNIGHT).date(), now.date())
            slot = exchanges.slot_of(name.code, *days)
            ask = Ask(provider, "minute_candles", slot, None, http.shown())
            fetch = partial(exchanges.Market(exchange, http).fetch_candles, name.code, "1m", *days)
        return take_in(connection, ask, fetch, refetch=True)


def _tell(connection: psycopg.Connection[Any], instruments: Sequence[UUID], now: datetime) -> None:
    """Notify listeners of the instruments with new prices."""
    ids = sorted(map(str, set(instruments)))
    for place in range(0, len(ids), IDS_A_NOTICE):
        notice = json.dumps({"instruments": ids[place : place + IDS_A_NOTICE], "at": now.isoformat()})
        connection.execute("select pg_notify(%s, %s)", (CHANNEL, notice))
    connection.commit()
