"""Minute prices of chosen instruments: asked for while markets are open, written to InfluxDB, and told."""

import json
from datetime import UTC, date, datetime

import psycopg
import pytest

from folio.jobs import intraday
from folio.settings import settings
from folio.sources.sandbox import Fault, Sandbox
from folio.store import warehouse as connections
from tests.landed_rows import landed

SESSION = datetime(2026, 3, 3, 15, 0, tzinfo=UTC)
EVENING = datetime(2026, 3, 3, 23, 0, tzinfo=UTC)
SATURDAY = datetime(2026, 3, 7, 15, 0, tzinfo=UTC)
MARKET = {
    "prices.csv": "ticker,session_date,open,high,low,close,volume\n"
    "AAPL,2026-03-03,264,266.5,263,265.25,1200\n",
    "candles.csv": "pair,opened_on,open,high,low,close,volume\n"
    "XBTUSD,2026-03-03,65000.2,66100.0,64900.5,66000.7,10.12345678\n",
    "coins.csv": "coin_id,price_date,price\n",
}
APPLE, BITCOIN = (f"00000000-0000-0000-0000-00000000000{number}" for number in (1, 2))


@pytest.fixture
def sandbox(warehouse, tmp_path, monkeypatch):
    """Providers with one bar each, and books that name a share and a coin, of which both are chosen."""
    folder = tmp_path / "market"
    folder.mkdir()
    for name, text in MARKET.items():
        (folder / name).write_text(text)
    names = [
        ("ticker", "AAPL", "apple"),
        ("kraken", "BTC/USD", "bitcoin"),
        ("coingecko", "bitcoin", "bitcoin"),
    ]
    load = landed(
        "book_instrument_aliases",
        [(scheme, code, date(2020, 1, 1), None, key, False) for scheme, code, key in names],
        source="books",
    )
    with connections.connect() as connection:
        for key, known_as in (("apple", APPLE), ("bitcoin", BITCOIN)):
            connection.execute(
                "insert into raw.identities values ('instrument', %s, %s, %s)", (key, known_as, load)
            )
    with Sandbox(folder) as running:
        for name, value in {
            "POLYGON_URL": running.url,
            "POLYGON_KEY": "sandbox",
            "KRAKEN_URL": running.url,
            "HTTP_ATTEMPTS": "1",
            "INTRADAY_INSTRUMENTS": "apple, bitcoin",
        }.items():
            monkeypatch.setenv(f"FOLIO_{name}", value)
        settings.cache_clear()
        yield running


@pytest.fixture
def listener(sandbox):
    """Hears what is told on the channel: a call gives the notices since the last."""
    with psycopg.connect(connections.url(), autocommit=True) as connection:
        connection.execute(f"listen {intraday.CHANNEL}")
        yield lambda: [json.loads(one.payload) for one in connection.notifies(timeout=0.2)]


def minutes():
    with connections.connect() as connection:
        return connection.execute(
            "select ticker, close from raw.polygon_minute_bars union all"
            " select pair, close from raw.exchange_candles where timeframe = '1m' order by 1"
        ).fetchall()


def brief(loads):
    return [(load.source, load.dataset, load.status, load.rows_new) for load in loads]


def test_minutes_of_open_markets_are_taken_in_and_told(listener):
    assert brief(intraday.take_in_minutes(SESSION)) == [
        ("polygon", "minute_bars", "loaded", 1),
        ("kraken", "minute_candles", "loaded", 1),
    ]
    assert [(name, str(close)) for name, close in minutes()] == [
        ("AAPL", "265.2500000000"),
        ("BTC/USD", "66000.7"),
    ]
    assert listener() == [{"instruments": [APPLE, BITCOIN], "at": "2026-03-03T15:00:00+00:00"}]


def test_the_day_is_asked_for_again_and_what_is_the_same_is_neither_kept_nor_told(listener):
    intraday.take_in_minutes(SESSION)
    listener()
    again = intraday.take_in_minutes(SESSION)
    assert [(load.status, load.rows_new, load.rows_same) for load in again] == [("loaded", 0, 1)] * 2
    assert len(minutes()) == 2
    assert listener() == []


@pytest.mark.parametrize("at", [EVENING, SATURDAY])
def test_shares_are_not_asked_for_while_their_market_is_closed(sandbox, at):
    assert [load.source for load in intraday.take_in_minutes(at)] == ["kraken"]


def test_a_source_at_fault_does_not_stop_the_others(sandbox):
    sandbox.faults.switch_on(Fault("/v2/aggs", "500"))
    assert [load.status for load in intraday.take_in_minutes(SESSION)] == ["failed", "loaded"]


def test_nothing_is_asked_for_where_nothing_is_chosen(sandbox, monkeypatch):
    monkeypatch.setenv("FOLIO_INTRADAY_INSTRUMENTS", "")
    settings.cache_clear()
    assert intraday.take_in_minutes(SESSION) == []
    assert sandbox.requests == []


def test_minutes_go_to_influxdb(influx, sandbox):
    intraday.take_in_minutes(SESSION)
    found = influx.query("SELECT close FROM minute_prices GROUP BY source, code")
    assert {tuple(sorted(series.tags.values())) for series in found} == {
        ("AAPL", "polygon"),
        ("BTC/USD", "kraken"),
    }


def test_an_engine_that_is_away_stops_no_minutes(own_influx_engine, sandbox, monkeypatch):
    own_influx_engine.kill()
    monkeypatch.setenv("FOLIO_INFLUX_URL", own_influx_engine.url)
    settings.cache_clear()
    assert [load.status for load in intraday.take_in_minutes(SESSION)] == ["loaded", "loaded"]
