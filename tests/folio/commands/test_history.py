"""`folio history`: says what it wrote, names what differs, and ends with 1 where it did not mend it."""

from datetime import UTC, date, datetime

import pytest
from typer.testing import CliRunner

from folio.commands import history
from tests.landed_rows import landed

BAR = (date(2013, 2, 26), "AAPL", "443.82", "451.54", "437.66", "448.97", "17870800")
NOON = int(datetime(2013, 2, 26, 12, tzinfo=UTC).timestamp()) * 10**9


@pytest.fixture
def run(warehouse, influx):
    """Runs the command with words and gives its status and what it said."""

    def invoke(*words):
        done = CliRunner().invoke(history.app, words)
        return done.exit_code, done.output.strip()

    return invoke


def test_what_has_landed_is_written_checked_mended_and_written_again(run, influx):
    landed("polygon_daily_bars", [BAR])
    assert run("write") == (0, "1 points of 1 loads written to InfluxDB")
    assert run("check") == (0, "InfluxDB holds what raw holds.")
    influx.write([f"daily_prices,source=polygon,code=AAPL close=1 {NOON}"])
    difference = "polygon AAPL 2013-02 (day): candles 1 in Postgres, 2 in InfluxDB"
    assert run("check") == (1, difference)
    assert run("check", "--mend") == (0, f"{difference}\n1 months of a code were mended.")
    assert run("check") == (0, "InfluxDB holds what raw holds.")
    assert run("reload") == (0, "1 points of 1 loads written to InfluxDB")
