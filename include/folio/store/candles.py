"""Candles: full-resolution price history as sources said it, which raw and InfluxDB hold alike.

A candle is named by its source and the source's own code; which instrument a code means is dated and is
applied by whoever reads. A net asset value is a candle with a close and nothing else. Raw keeps decimals and
every version; InfluxDB keeps the version now known, in float64: 15 significant digits.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Literal, LiteralString, TypeAlias
from uuid import UUID

import psycopg
from psycopg import sql

from folio.store import influx
from folio.store.influx import BLOCK_LINES, Influx

Connection: TypeAlias = psycopg.Connection[Any]
Resolution: TypeAlias = Literal["day", "minute"]

FIELDS = ("open", "high", "low", "close", "volume")
MEASUREMENTS: Mapping[Resolution, str] = MappingProxyType({"day": "daily_prices", "minute": "minute_prices"})
"""InfluxDB's measurement of each resolution; tags `source` and `code`, fields FIELDS as far as given."""

DAY_OPENS: LiteralString = "({}::timestamp at time zone 'UTC')"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = 1_000
"""In nanoseconds, the unit of InfluxDB's timestamps."""

LAST_TIME = 2**63 - 2
"""InfluxDB's last timestamp, in the year 2262; its first is as long before 1970."""


@dataclass(frozen=True)
class CandleTable:
    """A raw table that holds candles: which of its columns say what, in SQL.

    `key` is what tells rows apart but for their versions; `codes` gives the source that each alias scheme of
    the books means; `alias` is the column that an alias names, of type `alias_type`, and `code` the text by
    which InfluxDB knows it (the alias, if empty); `time` is a date, which opens at midnight UTC, or an
    instant; `fields` are in the order of FIELDS, `null` where there is none; `only` tells rows of this
    resolution.
    """

    name: LiteralString
    resolution: Resolution
    key: tuple[LiteralString, ...]
    codes: Mapping[str, str]
    alias: LiteralString
    time: LiteralString
    source: LiteralString
    currency: LiteralString
    fields: tuple[LiteralString, ...] = FIELDS
    alias_type: Literal["text", "integer"] = "text"
    code: LiteralString = ""
    only: LiteralString = "true"

    @property
    def is_daily(self) -> bool:
        """Whether `time` is a date."""
        return not self.time.endswith("_at")

    def parts(self) -> dict[str, sql.Composable]:
        """The columns, as pieces of SQL."""
        time = sql.SQL(self.time)
        return {
            "table": sql.Identifier("raw", self.name),
            "measurement": sql.Literal(MEASUREMENTS[self.resolution]),
            "key": sql.SQL(", ").join(map(sql.SQL, self.key)),
            "source": sql.SQL(self.source),
            "alias": sql.SQL(self.alias),
            "alias_type": sql.SQL(self.alias_type),
            "code": sql.SQL(self.code or self.alias),
            "currency": sql.SQL(self.currency),
            "time": time,
            "opened_at": sql.SQL(DAY_OPENS).format(time) if self.is_daily else time,
            "only": sql.SQL(self.only),
            **{name: sql.SQL(column) for name, column in zip(FIELDS, self.fields, strict=True)},
        }


def _schemes(**codes: str) -> Mapping[str, str]:
    return MappingProxyType(codes)


EXCHANGES = _schemes(kraken="kraken", coinbase="coinbase", binance="binance")
EXCHANGE_KEY = ("opened_at", "exchange", "pair", "timeframe")

TABLES: tuple[CandleTable, ...] = (
    CandleTable(
        "amfi_navs",
        "day",
        ("nav_date", "scheme_code"),
        _schemes(amfi="amfi"),
        alias="scheme_code",
        alias_type="integer",
        code="scheme_code::text",
        time="nav_date",
        source="'amfi'",
        currency="'INR'",
        fields=("null", "null", "null", "nav", "null"),
    ),
    CandleTable(
        "polygon_daily_bars",
        "day",
        ("session_date", "ticker"),
        _schemes(ticker="polygon"),
        alias="ticker",
        time="session_date",
        source="'polygon'",
        currency="'USD'",
    ),
    CandleTable(
        "polygon_minute_bars",
        "minute",
        ("opened_at", "ticker"),
        _schemes(ticker="polygon"),
        alias="ticker",
        time="opened_at",
        source="'polygon'",
        currency="'USD'",
    ),
    CandleTable(
        "yahoo_daily_bars",
        "day",
        ("session_date", "symbol"),
        _schemes(yahoo="yahoo"),
        alias="symbol",
        time="session_date",
        source="'yahoo'",
        currency="currency",
    ),
    CandleTable(
        "alphavantage_daily_bars",
        "day",
        ("session_date", "symbol"),
        _schemes(alphavantage="alphavantage"),
        alias="symbol",
        time="session_date",
        source="'alphavantage'",
        currency="null",
    ),
    CandleTable(
        "coingecko_daily_prices",
        "day",
        ("price_date", "coin_id", "quote_currency"),
        _schemes(coingecko="coingecko"),
        alias="coin_id",
        code="coin_id || '/' || quote_currency",
        time="price_date",
        source="'coingecko'",
        currency="upper(quote_currency)",
        fields=("null", "null", "null", "price", "volume"),
    ),
    CandleTable(
        "exchange_candles",
        "day",
        EXCHANGE_KEY,
        EXCHANGES,
        alias="pair",
        time="opened_at",
        source="exchange",
        currency="split_part(pair, '/', 2)",
        only="timeframe = '1d'",
    ),
    CandleTable(
        "exchange_candles",
        "minute",
        EXCHANGE_KEY,
        EXCHANGES,
        alias="pair",
        time="opened_at",
        source="exchange",
        currency="split_part(pair, '/', 2)",
        only="timeframe = '1m'",
    ),
)
"""The raw tables whose rows are candles; each is readable by folio_api (a migration grants it)."""


@dataclass(frozen=True)
class Candle:
    """Prices of one day or minute, as a source said them; what it does not say is None."""

    opened_at: datetime
    open: Decimal | None
    high: Decimal | None
    low: Decimal | None
    close: Decimal | None
    volume: Decimal | None


Sums: TypeAlias = dict[tuple[str, str], tuple[float, ...]]
"""Count of candles, then sum of each field, by (source, code)."""


def tables(resolution: Resolution) -> Iterator[CandleTable]:
    """The raw tables with candles of a resolution."""
    return (table for table in TABLES if table.resolution == resolution)


# ---- read --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Named:
    """What a table's candles of one instrument are called, and their currency as far as it is known."""

    table: CandleTable
    source: str
    alias: str
    code: str
    currency: str | None


@dataclass(frozen=True)
class Span:
    """Candles of a name that open in [since, until)."""

    named: Named
    since: datetime
    until: datetime


def named(connection: Connection, table: CandleTable, scheme: str, alias: str) -> list[Named]:
    """Names under which a table holds candles of an alias: several where there are several currencies."""
    if not _may_hold(table, alias):
        return []
    query = sql.SQL(
        "select {code}, (array_agg({currency}::text order by {time} desc))[1] from {table}"
        " where {alias} = %(alias)s::{alias_type} and {source} = %(source)s and {only} group by 1 order by 1"
    ).format(**table.parts())
    source = table.codes[scheme]
    rows = connection.execute(query, {"alias": alias, "source": source})
    return [Named(table, source, alias, code, currency) for code, currency in rows]


def from_postgres(
    connection: Connection, span: Span, limit: int, known_at: datetime | None = None
) -> list[Candle]:
    """The first candles as known at an instant, or now, in raw's decimals; the oldest first."""
    table = span.named.table
    query = sql.SQL(
        """
        select {opened_at}, {open}, {high}, {low}, {close}, {volume}
        from (
            select distinct on ({time}) * from {table}
            where {alias} = %(alias)s::{alias_type} and {code} = %(code)s and {source} = %(source)s and {only}
                  and {time} >= %(since)s and {time} < %(until)s
                  and observed_at <= coalesce(%(known_at)s::timestamptz, 'infinity')
            order by {time}, observed_at desc, load_id desc
        ) as known
        where {close} is not null
        order by {time}
        limit %(limit)s
        """
    ).format(**table.parts())
    rows = connection.execute(
        query,
        {
            "alias": span.named.alias,
            "code": span.named.code,
            "source": span.named.source,
            "since": _opening_from(span.since, table),
            "until": _opening_from(span.until, table),
            "known_at": known_at,
            "limit": limit,
        },
    ).fetchall()
    return [Candle(row[0], *map(_plain, row[1:])) for row in rows]


def from_influx(bucket: Influx, span: Span, limit: int) -> list[Candle]:
    """The first candles as InfluxDB holds them; the oldest first."""
    fields = ", ".join(map(influx.name, FIELDS))
    found = bucket.query(
        f"SELECT {fields} FROM {influx.name(MEASUREMENTS[span.named.table.resolution])}"
        f" WHERE {_of_code(span.named.source, span.named.code)} AND {_between(span.since, span.until)}"
        f" ORDER BY time LIMIT {limit}"
    )
    return [
        Candle(_instant(time), *(_plain(Decimal(value)) if value is not None else None for value in values))
        for series in found
        for time, *values in series.rows
    ]


# ---- write -------------------------------------------------------------------------------------------------


def lines(connection: Connection, table: CandleTable, loads: Sequence[UUID]) -> Iterator[tuple[bytes, int]]:
    """Line protocol of the rows of some loads that are the version now known, as blocks of so many lines.

    Postgres writes the text: no Python object is made of a value. The transaction stays open meanwhile.
    """
    query = sql.SQL(
        r"""
        select {measurement} || ',code='
            || replace(replace(replace({code}, ',', '\,'), '=', '\='), ' ', '\ ')
            || ',source=' || {source} || ' '
            || concat_ws(',', 'open=' || {open}, 'high=' || {high}, 'low=' || {low}, 'close=' || {close},
                         'volume=' || {volume})
            || ' ' || {nanoseconds}
        from {table} as this
        where load_id = any(%(loads)s) and {only} and {close} is not null and not exists (
            select 1 from {table} as later
            where {same} and (later.observed_at, later.load_id) > (this.observed_at, this.load_id)
        )
        """
    ).format(nanoseconds=_nanoseconds(table), same=_same_key(table), **table.parts())
    connection.execute("set local cursor_tuple_fraction = 1")  # all rows are wanted, not the first ones soon
    with connection.cursor(name="lines") as cursor:
        cursor.execute(query, {"loads": list(loads)})
        while rows := cursor.fetchmany(BLOCK_LINES):
            yield "\n".join(line for (line,) in rows).encode(), len(rows)


def thinned(
    connection: Connection, table: CandleTable, loads: Sequence[UUID]
) -> list[tuple[str, str, datetime]]:
    """(source, code, opened_at) of candles now known to lack something that an earlier version had.

    A write would leave the old field on the point, so it has to be deleted first; a candle that was taken
    back altogether has no close and is not written again.
    """
    if not loads:
        return []
    gone = sql.SQL(" or ").join(
        sql.SQL("(this.{0} is null and earlier.{0} is not null)").format(sql.Identifier(column))
        for column in table.fields
        if column != "null"
    )
    query = sql.SQL(
        """
        select distinct {source}, {code}, {opened_at} from {table} as this
        where load_id = any(%(loads)s) and {only} and exists (
            select 1 from {table} as earlier where {same_earlier} and ({gone})
        ) and not exists (
            select 1 from {table} as later
            where {same} and (later.observed_at, later.load_id) > (this.observed_at, this.load_id)
        )
        """
    ).format(same_earlier=_same_key(table, "earlier"), same=_same_key(table), gone=gone, **table.parts())
    return connection.execute(query, {"loads": list(loads)}).fetchall()


def delete(
    bucket: Influx, resolution: Resolution, source: str, code: str, since: datetime, until: datetime
) -> None:
    """Delete the points of a code that open in [since, until)."""
    bucket.run(
        f"DELETE FROM {influx.name(MEASUREMENTS[resolution])}"
        f" WHERE {_of_code(source, code)} AND {_between(since, until)}"
    )


def delete_month(bucket: Influx, resolution: Resolution, source: str, code: str, month: date) -> None:
    """Delete the points of a code and month."""
    delete(bucket, resolution, source, code, _midnight(month), _midnight(_next(month)))


# ---- compare -----------------------------------------------------------------------------------------------


def months(connection: Connection, bucket: Influx, resolution: Resolution) -> list[date]:
    """First days of the months from the first candle that either side holds to the last."""
    found: list[date] = []
    for table in tables(resolution):
        query = sql.SQL("select min({time}), max({time}) from {table} where {only}")
        row = connection.execute(query.format(**table.parts())).fetchone() or ()
        found += [_first_day(at) if isinstance(at, datetime) else at for at in row if at is not None]
    for function in ("first", "last"):
        series = bucket.query(f'SELECT {function}("close") FROM {influx.name(MEASUREMENTS[resolution])}')
        found += [_first_day(_instant(row[0])) for one in series for row in one.rows]
    if not found:
        return []
    first, last = (12 * day.year + day.month - 1 for day in (min(found), max(found)))
    return [date(number // 12, number % 12 + 1, 1) for number in range(first, last + 1)]


def months_of(connection: Connection, resolution: Resolution, loads: Sequence[UUID]) -> list[date]:
    """First days of the months of which some loads hold candles."""
    found: set[date] = set()
    for table in tables(resolution):
        query = sql.SQL(
            "select distinct date_trunc('month', {time})::date from {table}"
            " where load_id = any(%(loads)s) and {only}"
        )
        rows = connection.execute(query.format(**table.parts()), {"loads": list(loads)})
        found |= {row[0] for row in rows}
    return sorted(found)


def sums_in_postgres(connection: Connection, resolution: Resolution, month: date) -> Sums:
    """Sums of the candles of a month, as raw knows them now."""
    found: Sums = {}
    for table in tables(resolution):
        query = sql.SQL(
            """
            select {source}, {code}, count(*)::float8, {sums}
            from (
                select distinct on ({key}) * from {table}
                where {time} >= %(since)s and {time} < %(until)s and {only}
                order by {key}, observed_at desc, load_id desc
            ) as known
            where {close} is not null
            group by 1, 2
            """
        ).format(
            sums=sql.SQL(", ").join(
                sql.SQL("coalesce(sum({}), 0)::float8").format(sql.SQL(column))
                if column != "null"
                else sql.SQL("0::float8")
                for column in table.fields
            ),
            **table.parts(),
        )
        rows = connection.execute(query, {"since": month, "until": _next(month)})
        found |= {(source, code): tuple(values) for source, code, *values in rows}
    return found


def sums_in_influx(bucket: Influx, resolution: Resolution, month: date) -> Sums:
    """Sums of the candles of a month, as InfluxDB holds them."""
    sums = ", ".join(f"sum({influx.name(each)})" for each in FIELDS)
    found = bucket.query(
        f'SELECT count("close"), {sums} FROM {influx.name(MEASUREMENTS[resolution])}'
        f" WHERE {_between(_midnight(month), _midnight(_next(month)))} GROUP BY source, code"
    )
    return {
        (series.tags["source"], series.tags["code"]): tuple(float(value or 0) for value in series.rows[0][1:])
        for series in found
    }


def loads_of(connection: Connection, source: str, code: str, table: CandleTable, month: date) -> list[UUID]:
    """Loads that hold versions of the candles of a code and month."""
    query = sql.SQL(
        "select distinct load_id from {table} where {code} = %(code)s and {source} = %(source)s"
        " and {time} >= %(since)s and {time} < %(until)s and {only}"
    ).format(**table.parts())
    wanted = {"code": code, "source": source, "since": month, "until": _next(month)}
    return [row[0] for row in connection.execute(query, wanted)]


# ---- pieces ------------------------------------------------------------------------------------------------


def _may_hold(table: CandleTable, alias: str) -> bool:
    """Whether an alias is of the type of the table's own."""
    return table.alias_type == "text" or (alias.isascii() and alias.isdigit() and len(alias) < 10)


def _same_key(table: CandleTable, other: LiteralString = "later") -> sql.Composable:
    """Condition under which a row `other` is a version of the same candle as the row `this`."""
    return sql.SQL(" and ").join(
        sql.SQL("{}.{} = this.{}").format(
            sql.Identifier(other), sql.Identifier(column), sql.Identifier(column)
        )
        for column in table.key
    )


def _nanoseconds(table: CandleTable) -> sql.Composable:
    """SQL of the time of a row as InfluxDB counts it."""
    time = sql.SQL(table.time)
    if table.is_daily:
        return sql.SQL("(({} - date '1970-01-01')::bigint * 86400000000000)").format(time)
    return sql.SQL("((extract(epoch from {}) * 1000000)::bigint * 1000)").format(time)


def _of_code(source: str, code: str) -> str:
    return f"source = {influx.text(source)} AND code = {influx.text(code)}"


def _between(since: datetime, until: datetime) -> str:
    low, high = (min(max(_nanosecond(each), -LAST_TIME), LAST_TIME) for each in (since, until))
    return f"time >= {low} AND time < {high}"


def _nanosecond(instant: datetime) -> int:
    return (instant - EPOCH) // timedelta(microseconds=1) * MICROSECOND


def _instant(nanosecond: int) -> datetime:
    return EPOCH + timedelta(microseconds=nanosecond // MICROSECOND)


def _first_day(instant: datetime) -> date:
    return instant.astimezone(UTC).date()


def _opening_from(instant: datetime, table: CandleTable) -> date | datetime:
    """The first opening at an instant or after it, in the type of the table's time."""
    if not table.is_daily:
        return instant
    day = _first_day(instant)
    return day if _midnight(day) == instant else day + timedelta(days=1)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _next(month: date) -> date:
    """First day of the month after."""
    return (month + timedelta(days=31)).replace(day=1)


def _plain(value: Decimal | None) -> Decimal | None:
    """A number without trailing zeros, so that both homes write it alike."""
    if value is None:
        return None
    whole = value.to_integral_value()
    return whole.quantize(Decimal(1)) if value == whole else value.normalize()
