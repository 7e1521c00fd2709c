"""Price history by resolution: the same answer from InfluxDB and from Postgres."""

from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from folio.jobs import history
from folio.settings import settings
from folio.store import candles, roles
from folio.store import warehouse as connections
from folio.store.influx import Influx
from tests.landed_rows import landed

HISTORY = "/api/v1/market/history/AAPL"
FIRST = date(2013, 2, 25)
MINUTE = datetime(2013, 2, 26, 14, 30, tzinfo=UTC)
FETCHED = datetime(2013, 2, 27, 3, tzinfo=UTC)


def bar(day, close="448.97", ticker="AAPL"):
    return (day, ticker, "443.82", None, "437.6600000000", close, "17870800")


@pytest.fixture
def told(served):
    """What sources said of Apple: under an older ticker to February 26, and then under its own."""
    apple = served_instrument()
    later = date(2013, 2, 26)
    landed(
        "book_instrument_aliases",
        [
            ("ticker", "OLD", date(2000, 1, 1), later, "apple", False),
            ("ticker", "AAPL", later, None, "apple", False),
            ("kraken", "AAPL/EUR", later, None, "apple", False),
        ],
        source="books",
    )
    load = landed(
        "polygon_daily_bars",
        [
            *(bar(FIRST + timedelta(days=day), f"{440 + day}.0123456789") for day in range(4)),
            *(bar(FIRST - timedelta(days=day), f"{430 + day}.5", "OLD") for day in range(-3, 3)),
        ],
        observed_at=FETCHED,
    )
    landed("polygon_minute_bars", [(MINUTE, "AAPL", 443, 444, 442, "443.5", 1000)], observed_at=FETCHED)
    landed(
        "exchange_candles",
        [
            (MINUTE, "kraken", "AAPL/EUR", "1m", "330.1", "331", "330", "330.5", "0.12345678"),
            (datetime(2013, 2, 26, tzinfo=UTC), "kraken", "AAPL/EUR", "1d", 1, 2, 1, "1.5", "1234567"),
        ],
        source="kraken",
    )
    with connections.connect() as connection:
        connection.execute("insert into raw.identities values ('instrument', 'apple', %s, %s)", [apple, load])


def served_instrument():
    with connections.connect() as connection:
        found = connection.execute("select instrument_id from history.dim_instruments where ticker = 'AAPL'")
        return found.fetchone()[0]


def ask(client, **parameters):
    answer = client.get(HISTORY, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer


def test_candles_follow_the_dated_names_of_an_instrument(told, asha):
    rows = ask(asha, resolution="day").json()["data"]
    assert [(row["opened_at"][:10], row["source"], row["close"]) for row in rows] == [
        ("2013-02-23", "polygon", "432.5"),
        ("2013-02-24", "polygon", "431.5"),
        ("2013-02-25", "polygon", "430.5"),
        ("2013-02-26", "kraken", "1.5"),
        ("2013-02-26", "polygon", "441.0123456789"),
        ("2013-02-27", "polygon", "442.0123456789"),
        ("2013-02-28", "polygon", "443.0123456789"),
    ]
    assert rows[4] == {
        "opened_at": "2013-02-26T00:00:00Z",
        "open": "443.82",
        "high": None,
        "low": "437.66",
        "close": "441.0123456789",
        "volume": "17870800",
        "currency": "USD",
        "source": "polygon",
    }


@pytest.mark.parametrize(
    "asked",
    [
        {"resolution": "day"},
        {"resolution": "minute"},
        {"resolution": "day", "start_date": "2013-02-26", "end_date": "2013-02-27"},
        {"resolution": "day", "as_of": "2013-02-25"},
        {"resolution": "day", "limit": 2, "offset": 3},
        {"resolution": "day", "limit": 3, "offset": 6},
    ],
    ids=str,
)
def test_influxdb_and_postgres_give_the_same_answer(influx, told, asha, asked, caplog):
    from_postgres = ask(asha, **asked)
    assert from_postgres.json()["data"]
    history.write()
    assert ask(asha, **asked).json() == from_postgres.json()
    csv = {"Accept": "text/csv"}
    lines = asha.get(HISTORY, params=asked, headers=csv).text.count("\n")
    assert lines == 1 + len(from_postgres.json()["data"])
    assert "read from Postgres" not in caplog.text


def closes(client, **asked):
    return {row["close"] for row in ask(client, resolution="minute", **asked).json()["data"]}


def overwrite(bucket):
    """Tell InfluxDB another price than raw, to see who answers."""
    time = int(MINUTE.timestamp()) * 10**9
    bucket.write([f"minute_prices,source=polygon,code=AAPL close=999 {time}"])


def test_influxdb_answers_once_it_holds_all_that_has_landed(influx, told, asha):
    history.write()
    overwrite(influx)
    assert "999" in closes(asha)
    landed("polygon_minute_bars", [(MINUTE, "IBM", 1, 1, 1, 1, 1)])
    assert closes(asha) == {"443.5", "330.5"}


def test_what_was_known_at_an_instant_is_read_from_postgres(influx, told, asha, served):
    history.write()
    overwrite(influx)
    instant = served.second.instant.isoformat()
    assert closes(asha, known_at=instant) == {"443.5", "330.5"}
    assert closes(asha, known_at=served.first.instant.isoformat()) == {"443.5", "330.5"}
    landed("polygon_minute_bars", [(MINUTE, "AAPL", 1, 1, 1, 7, 1)], datetime(2013, 3, 9, tzinfo=UTC))
    history.write()
    assert closes(asha, known_at=instant) == {"443.5", "330.5"}
    assert closes(asha) == {"7", "330.5"}


def test_an_engine_that_went_away_is_answered_for_by_postgres(own_influx_engine, monkeypatch, told, asha):
    for name, value in {"URL": own_influx_engine.url, "TOKEN": own_influx_engine.token}.items():
        monkeypatch.setenv(f"FOLIO_INFLUX_{name}", value)
    settings.cache_clear()
    history.write()
    asha.app.state.influx = Influx.of(settings())
    before = ask(asha, resolution="day").json()
    own_influx_engine.kill()
    assert ask(asha, resolution="day").json() == before


def test_candles_change_between_publications_and_are_not_kept_by_callers(told, asha):
    answer = ask(asha, resolution="day")
    assert "ETag" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"
    assert "ETag" in ask(asha).headers


def test_an_instrument_without_candles_and_an_unknown_resolution(served, asha):
    assert ask(asha, resolution="minute").json()["data"] == []
    assert asha.get(HISTORY, params={"resolution": "hour"}).status_code == 422


def test_history_needs_a_key_as_all_else_does(client):
    assert client.get(HISTORY, params={"resolution": "day"}).status_code == 401


def test_the_api_reads_every_table_of_candles_and_no_other_of_raw(served):
    with psycopg.connect(roles.login_dsn(connections.url(), roles.API)) as connection:
        readable = connection.execute(
            "select relname from pg_class where relnamespace = 'raw'::regnamespace"
            " and relkind in ('r', 'v') and has_table_privilege(oid, 'select') order by 1"
        ).fetchall()
    assert [name for (name,) in readable] == sorted({table.name for table in candles.TABLES})
