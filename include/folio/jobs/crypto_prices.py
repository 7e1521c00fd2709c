"""Ingest of what CoinGecko and exchanges say of crypto assets: each is asked only for what the books name.

A crypto day ends at 24:00 UTC, so a night's valuation date is over when the night is run. Each night asks
for the last days again, and for all since the last price known: what failed or was corrected heals, and what
is the same adds nothing.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any, LiteralString

import psycopg

from folio.errors import LoadError
from folio.jobs import aliases
from folio.jobs.ingest import RETRY_DAYS, open_source, source_of_night, take_in
from folio.jobs.nights import Night
from folio.quality import expectations
from folio.settings import settings
from folio.sources.connectors import coingecko, exchanges
from folio.sources.connectors.exchanges import Exchange
from folio.sources.landing import Ask, Load
from folio.sources.session import ProviderSession
from folio.store import warehouse

DAYS_AGAIN = timedelta(days=7)
"""Longer than any price may be carried."""

SOURCES = ("coingecko", *exchanges.EXCHANGES)
"""Sources of crypto prices, by the alias schemes that name instruments to them."""


def coin_prices(night: str) -> list[Load]:
    """Take in CoinGecko's prices of the last days of each instrument with a coin id, in its own currency.

    Once a month also what each coin is called on each chain.
    """
    this = Night.parse(night)
    with warehouse.connect() as connection:
        coins = _coins(connection, this)
    if not coins:
        return []
    loads: list[Load] = []
    today = this.instant.date() if settings().recorded else datetime.now(UTC).date()
    with source_of_night("coingecko", this) as (connection, http):
        if http is None:
            return []
        for coin, currency in coins:
            days = _days(connection, this, LAST_PRICE, (coin, currency.upper()))
            loads.append(_daily_prices(connection, http, coin, currency, days, today, this.id))
            ask = Ask(
                "coingecko",
                "coins",
                f"{coin} {this.valuation_date:%Y-%m}",
                this.id,
                http.shown(coingecko.COIN_PATH.format(coin=coin)),
            )
            loads.append(take_in(connection, ask, partial(coingecko.CoinGecko(http).fetch_coin, coin)))
    return loads


def exchange_candles(night: str) -> list[Load]:
    """Take in the daily candles of the last days of each pair that the books name, at its exchange."""
    this = Night.parse(night)
    loads: list[Load] = []
    for exchange in exchanges.EXCHANGES:
        with warehouse.connect() as connection:
            pairs = aliases.current(connection, exchange, this)
        if not pairs:
            continue
        with source_of_night(exchange, this) as (connection, http):
            if http is not None:
                for pair in pairs:
                    days = _days(connection, this, LAST_CANDLE, (exchange, pair))
                    loads.append(_candles(connection, http, exchange, pair, days, this.id))
    return loads


def history(source: str, first: date, last: date) -> list[Load]:
    """Take in a source's daily prices between two days, both included, of all that the books name then.

    When a value of the past was first seen is not on record: it counts as known once its day was over, with
    known_basis `assumed`. CoinGecko's free plan gives the last 365 days, Kraken its last 720 candles.

    Raises
    ------
    LoadError
        The source is switched off.
    """
    then = Night.at(datetime.combine(last + timedelta(days=1), time(), UTC))
    with warehouse.connect() as connection:
        coins = _coins(connection, then) if source == "coingecko" else []
        pairs = aliases.current(connection, source, then) if source != "coingecko" else []
    if not coins and not pairs:
        return []
    with open_source(source, settings()) as (connection, http):
        if http is None:
            raise LoadError(f"{source} is switched off: set its URL before a backfill")
        today = datetime.now(UTC).date()
        return [
            *(
                _daily_prices(connection, http, coin, currency, (first, last), today, None)
                for coin, currency in coins
            ),
            *(
                _candles(connection, http, exchange, pair, (first, last), None)
                for exchange in exchanges.EXCHANGES
                if exchange == source
                for pair in pairs
            ),
        ]


LAST_PRICE: LiteralString = (
    "select max(price_date) from raw.coingecko_daily_prices where coin_id = %s and quote_currency = %s"
    " and price_date between %s and %s"
)
LAST_CANDLE: LiteralString = (
    "select max((opened_at at time zone 'UTC')::date) from raw.exchange_candles"
    " where exchange = %s and pair = %s and timeframe = '1d'"
    " and (opened_at at time zone 'UTC')::date between %s and %s"
)


def _days(
    connection: psycopg.Connection[Any], night: Night, last_known: LiteralString, name: tuple[str, str]
) -> tuple[date, date]:
    """Days a night asks for: the last ones, and those since the last price known, which nights lost.

    What was not known for longer than nights make up for takes a backfill.
    """
    last = night.valuation_date
    lost_from = last - timedelta(days=RETRY_DAYS)
    row = connection.execute(last_known, (*name, lost_from, last)).fetchone()
    connection.rollback()
    usual = last - DAYS_AGAIN
    return (min(usual, row[0]) if row and row[0] else usual), last


def _daily_prices(
    connection: psycopg.Connection[Any],
    http: ProviderSession,
    coin: str,
    currency: str,
    days: tuple[date, date],
    today: date,
    night: str | None,
) -> Load:
    """Take in a coin's prices; of no night, they are history."""
    ask = Ask(
        "coingecko",
        "daily_prices",
        coingecko.slot_of(coin, currency, *days),
        night,
        http.shown(coingecko.CHART_PATH.format(coin=coin)),
        "observed" if night else "assumed",
    )
    fetch = partial(coingecko.CoinGecko(http).fetch_prices, coin, currency, days[0], today)
    return take_in(connection, ask, fetch, check=expectations.checking("plain"))


def _candles(
    connection: psycopg.Connection[Any],
    http: ProviderSession,
    exchange: Exchange,
    pair: str,
    days: tuple[date, date],
    night: str | None,
) -> Load:
    """Take in a pair's daily candles; of no night, they are history."""
    ask = Ask(
        exchange,
        "daily_candles",
        exchanges.slot_of(pair, *days),
        night,
        http.shown(),
        "observed" if night else "assumed",
    )
    fetch = partial(exchanges.Market(exchange, http).fetch_candles, pair, "1d", *days)
    return take_in(connection, ask, fetch, check=expectations.checking("plain"))


def _coins(connection: psycopg.Connection[Any], night: Night) -> list[tuple[str, str]]:
    """Coin ids that name an instrument on the night's day, each with the instrument's currency."""
    rows = connection.execute(
        """
        select distinct names.alias, instruments.currency
        from (
            select distinct on (scheme, alias, valid_from) alias, valid_from, valid_to, instrument_key
            from raw.book_instrument_aliases
            where scheme = 'coingecko'
            order by scheme, alias, valid_from, observed_at desc, load_id desc
        ) as names
        join (
            select distinct on (instrument_key) instrument_key, currency
            from raw.book_instruments order by instrument_key, observed_at desc, load_id desc
        ) as instruments using (instrument_key)
        where names.valid_from <= %(day)s and (names.valid_to is null or names.valid_to > %(day)s)
        order by 1, 2
        """,
        {"day": night.valuation_date},
    ).fetchall()
    connection.rollback()
    return [(coin, currency) for coin, currency in rows]
