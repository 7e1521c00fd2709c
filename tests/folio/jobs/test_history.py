"""Price history in a real InfluxDB: it holds what raw holds, through restatements, refusals and kills."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from folio.errors import InfluxAway, InfluxError, SettingsError
from folio.jobs import history
from folio.settings import settings
from folio.sources.tables import TABLES as RAW
from folio.store import candles
from folio.store import warehouse as connections
from folio.store.influx import Influx
from tests.landed_rows import landed

NIGHT = "2013-02-28T0300Z"
FIRST = date(2013, 2, 26)
MINUTE = datetime(2013, 2, 26, 14, 30, tzinfo=UTC)


def bar(day, ticker="AAPL", close="448.97", opened="443.82"):
    return (day, ticker, opened, "451.54", "437.66", close, "17870800")


def bars(days, ticker="AAPL"):
    return [bar(FIRST + timedelta(days=day), ticker, close=f"{400 + day}.25") for day in range(days)]


def points(bucket, measurement="daily_prices", fields="open, high, low, close, volume"):
    found = bucket.query(f"SELECT {fields} FROM {measurement} GROUP BY source, code ORDER BY time")
    return {
        (series.tags["source"], series.tags["code"]): [
            tuple(Decimal(value) if value is not None else None for value in row[1:]) for row in series.rows
        ]
        for series in found
    }


def checked():
    with connections.connect() as connection:
        return connection.execute(
            "select night, status, observed, note from ops.check_results where suite = 'history'"
        ).fetchall()


@pytest.fixture
def bucket(warehouse, influx):
    """An empty bucket beside an empty warehouse."""
    return influx


@pytest.fixture
def killed(warehouse, own_influx_engine, monkeypatch):
    """A bucket in an engine that the test may kill, and the engine."""
    for name, value in {"URL": own_influx_engine.url, "TOKEN": own_influx_engine.token}.items():
        monkeypatch.setenv(f"FOLIO_INFLUX_{name}", value)
    settings.cache_clear()
    return Influx.of(settings()), own_influx_engine


def test_every_table_of_candles_is_declared_as_raw_declares_it():
    for table in candles.TABLES:
        assert set(table.key) == set(RAW[table.name].key), table.name
        columns = {*RAW[table.name].columns, "null"}
        assert {*table.fields, table.alias, table.time} <= columns, table.name


def test_daily_bars_navs_and_minutes_are_written_under_their_source_and_code(bucket):
    landed("polygon_daily_bars", [bar(FIRST)])
    landed("amfi_navs", [(FIRST, 118550, "55.1234")], source="amfi")
    landed("polygon_minute_bars", [(MINUTE, "AAPL", "443.82", "444.1", "443.5", "444", "120500")])
    landed(
        "exchange_candles", [(MINUTE, "kraken", "BTC/USD", "1m", 30, 31, 29, "30.5", "0.25")], source="kraken"
    )
    written = history.write()
    assert (written.loads, written.points) == (4, 4)
    assert points(bucket) == {
        ("amfi", "118550"): [(None, None, None, Decimal("55.1234"), None)],
        ("polygon", "AAPL"): [tuple(map(Decimal, ("443.82", "451.54", "437.66", "448.97", "17870800")))],
    }
    assert set(points(bucket, "minute_prices")) == {("polygon", "AAPL"), ("kraken", "BTC/USD")}
    ((time, _),) = bucket.query("SELECT close FROM minute_prices WHERE code = 'AAPL'")[0].rows
    assert time == int(MINUTE.timestamp()) * 10**9
    assert history.compare() == []


def test_writing_again_writes_nothing(bucket):
    landed("polygon_daily_bars", bars(5))
    assert history.write().points == 5
    assert history.write() == history.Written(0, 0)


def test_a_restated_price_overwrites_its_point_and_a_late_old_payload_does_not(bucket):
    landed("polygon_daily_bars", [bar(FIRST)])
    history.write()
    landed("polygon_daily_bars", [bar(FIRST, close="444.57")], observed_at=datetime(2013, 3, 1, tzinfo=UTC))
    history.write()
    assert points(bucket, fields="close") == {("polygon", "AAPL"): [(Decimal("444.57"),)]}
    landed("polygon_daily_bars", [bar(FIRST, close="1")], observed_at=datetime(2013, 2, 26, 22, tzinfo=UTC))
    assert history.write() == history.Written(1, 0, (("day", date(2013, 2, 1)),))
    assert points(bucket, fields="close") == {("polygon", "AAPL"): [(Decimal("444.57"),)]}
    assert history.compare() == []


def test_a_field_that_a_restatement_took_away_is_gone(bucket):
    landed("polygon_daily_bars", [bar(FIRST), bar(FIRST + timedelta(days=1))])
    history.write()
    landed("polygon_daily_bars", [bar(FIRST, opened=None)], observed_at=datetime(2013, 3, 1, tzinfo=UTC))
    history.write()
    assert points(bucket, fields="open, close") == {
        ("polygon", "AAPL"): [(None, Decimal("448.97")), (Decimal("443.82"), Decimal("448.97"))]
    }
    assert history.compare() == []


def test_a_value_that_was_taken_back_is_deleted_and_one_told_again_is_back(bucket):
    for number, nav in enumerate(("55.1234", None, "55.2")):
        landed("amfi_navs", [(FIRST, 118550, nav)], datetime(2013, 2, 27, number, tzinfo=UTC), "amfi")
        history.write()
        held = points(bucket, fields="close")
        assert held == ({("amfi", "118550"): [(Decimal(nav),)]} if nav else {})
        assert history.compare() == []


def test_a_replaced_load_is_written_too(bucket):
    load = landed("polygon_daily_bars", bars(5))
    with connections.connect() as connection:
        connection.execute("update raw.loads set status = 'superseded' where load_id = %s", (load,))
    assert lacks(bucket)
    assert history.write().points == 5
    assert not lacks(bucket)


def test_books_are_no_history(bucket):
    landed(
        "book_instruments", [("AAPL", "equity", "Apple", "USD", "equity", "it", "US", True)], source="books"
    )
    assert history.write() == history.Written(0, 0)


def test_a_comparison_finds_a_wrong_a_missing_and_a_strange_point_and_mends_them(bucket):
    landed("polygon_daily_bars", [*bars(5), *bars(5, "IBM")])
    history.write()
    second = int(datetime(2013, 2, 27, tzinfo=UTC).timestamp()) * 10**9
    bucket.write([f"daily_prices,source=polygon,code=AAPL close=1 {second}"])
    bucket.run(f"DELETE FROM daily_prices WHERE code = 'IBM' AND time = {second}")
    bucket.write([f"daily_prices,source=polygon,code=NONE close=1 {second}"])
    found = {one.code: str(one) for one in history.compare(mend=True)}
    assert found == {
        "AAPL": "polygon AAPL 2013-02 (day): close 1203.75 in Postgres, 803.5 in InfluxDB",
        "IBM": "polygon IBM 2013-02 (day): candles 3 in Postgres, 2 in InfluxDB",
        "NONE": "polygon NONE 2013-02 (day): candles 0 in Postgres, 1 in InfluxDB",
    }
    assert checked()[0][1:3] == ("warned", "3 differences in 2 months")
    assert history.compare() == []
    assert set(points(bucket)) == {("polygon", "AAPL"), ("polygon", "IBM")}
    assert checked()[0][1:] == ("passed", "0 differences in 2 months", None)


def test_all_is_written_again_from_raw(bucket):
    landed("polygon_daily_bars", bars(5))
    history.write()
    before = points(bucket)
    bucket.write(["daily_prices,source=polygon,code=NONE close=1 1"])
    assert history.reload().points == 5
    assert points(bucket) == before


def test_an_engine_that_lost_its_data_gets_all_again(bucket):
    landed("polygon_daily_bars", bars(5))
    history.write()
    bucket.remove()
    assert history.write().points == 5
    assert history.compare() == []


def test_a_night_writes_and_compares_the_months_it_touched(bucket):
    landed("polygon_daily_bars", bars(5))
    assert history.write_night(NIGHT) == "5 points of 1 loads written to InfluxDB; 0 differences"
    assert checked() == [(NIGHT, "passed", "0 differences in 2 months", None)]


def test_a_night_goes_on_while_the_engine_is_away_and_the_next_one_writes_both(killed):
    _, engine = killed
    landed("polygon_daily_bars", bars(5))
    engine.kill()
    assert "does not answer" in history.write_night(NIGHT)
    ((night, status, observed, note),) = checked()
    assert (night, status, observed) == (NIGHT, "warned", "InfluxDB away")
    assert "Postgres" in note
    landed("polygon_daily_bars", bars(5, "IBM"))
    engine.start()
    assert (
        history.write_night("2013-03-01T0300Z") == "10 points of 2 loads written to InfluxDB; 0 differences"
    )


def test_an_engine_killed_in_mid_load_loses_nothing(killed, monkeypatch):
    """It dies after some blocks of the third of eight loads: what is written stays, the rest follows."""
    bucket, engine = killed
    for number in range(8):
        landed("polygon_daily_bars", bars(50, f"T{number}"))
    monkeypatch.setattr(history, "GROUP_ROWS", 50)
    monkeypatch.setattr(candles, "BLOCK_LINES", 20)
    write_block, blocks = Influx.write_block, []

    def killing(self, block, count):
        if len(blocks) == 7:
            engine.kill()
        blocks.append(count)
        write_block(self, block, count)

    with monkeypatch.context() as patch:
        patch.setattr(Influx, "write_block", killing)
        with pytest.raises(InfluxAway):
            history.write()
    assert lacks(bucket)
    engine.start()
    written = history.write()
    assert (written.loads, written.points) == (6, 300)
    assert not lacks(bucket)
    assert history.compare() == []
    assert sum(map(len, points(bucket).values())) == 400


def test_a_run_killed_before_it_remembers_writes_again(bucket, monkeypatch):
    landed("polygon_daily_bars", bars(5))

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(candles, "months_of", stop)
        with pytest.raises(KeyboardInterrupt):
            history.write()
    assert lacks(bucket)
    assert history.write().points == 5
    assert len(points(bucket)["polygon", "AAPL"]) == 5


def test_a_refusal_stops_a_write_and_is_a_finding_of_the_night(bucket):
    day = int(datetime(2013, 2, 26, tzinfo=UTC).timestamp()) * 10**9
    bucket.write([f'daily_prices,source=polygon,code=AAPL close="a text" {day}'])
    landed("polygon_daily_bars", bars(5))
    with pytest.raises(InfluxError, match="took only some points"):
        history.write()
    history.write_night(NIGHT)
    assert checked()[0][2] == "InfluxDB refused"
    assert history.reload().points == 5


def test_without_influxdb_a_night_goes_on_and_a_command_says_what_to_set(warehouse):
    assert history.write_night(NIGHT) == "no InfluxDB is configured: history is served from Postgres"
    assert checked() == []
    with pytest.raises(SettingsError, match="FOLIO_INFLUX_URL"):
        history.write()


def lacks(bucket):
    with connections.connect() as connection:
        return connection.execute("select history.influx_lacks(%s)", (bucket.target,)).fetchone() == (True,)
