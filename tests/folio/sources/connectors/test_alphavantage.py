"""Alpha Vantage: daily series as JSON and CSV, and notes that come with status 200 in their place."""

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from folio.errors import PayloadError
from folio.settings import Settings
from folio.sources.connectors import alphavantage
from folio.sources.landing import Load
from folio.sources.sandbox import Sandbox
from folio.sources.session import ProviderSession, UnusableAnswerError

LoadAt = Callable[..., Load]
BAR = {"1. open": "1.5", "2. high": "2", "3. low": "1", "4. close": "1.75", "5. volume": "100"}


def series(bars: dict[str, Any], symbol: str = "IBM") -> bytes:
    meta = {"2. Symbol": symbol, "5. Time Zone": "US/Eastern"}
    return json.dumps({"Meta Data": meta, "Time Series (Daily)": bars}).encode()


def of_ibm(load_at: LoadAt, *instant: int) -> Load:
    return load_at(*(instant or (2021, 2, 1)), source="alphavantage", slot="IBM 2021-02-01T03:00Z")


@pytest.mark.parametrize(
    "body",
    [series({"2021-01-11": BAR}), b"timestamp,open,high,low,close,volume\r\n2021-01-11,1.5,2,1,1.75,100\r\n"],
)
def test_bars_are_read_from_json_and_csv_alike(body: bytes, load_at: LoadAt) -> None:
    (row,) = alphavantage.parse_bars(body, of_ibm(load_at)).rows  # type: ignore[misc]
    assert row[:-1] == (
        date(2021, 1, 11), "IBM", Decimal("1.5"), Decimal(2), Decimal(1), Decimal("1.75"), Decimal(100),
    )  # fmt: skip


def test_a_session_under_way_and_a_bar_at_fault_are_rejected(load_at: LoadAt) -> None:
    bars = {"2021-01-12": BAR, "2021-01-11": BAR, "2021-01-08": {**BAR, "4. close": "0"}, "soon": BAR}
    batch = alphavantage.parse_bars(series(bars), of_ibm(load_at, 2021, 1, 12, 20))
    assert len(list(batch.rows)) == 1  # type: ignore[arg-type]
    assert [one.reason for one in batch.rejected] == [
        "the session of 2021-01-12 was not over",
        "close is not positive: 0",
        "date is no date: 'soon'",
    ]


def test_a_note_is_refused_without_the_key_that_it_repeats(load_at: LoadAt) -> None:
    note = {"Information": "We have detected your API key as S3CRET and our standard limit is 25 a day."}
    with pytest.raises(PayloadError, match=r"API key as \*\*\* and our standard") as told:
        alphavantage.parse_bars(json.dumps(note).encode(), of_ibm(load_at))
    assert "S3CRET" not in str(told.value)


def test_another_symbol_is_refused(load_at: LoadAt) -> None:
    with pytest.raises(PayloadError, match="about 'AAPL', not about 'IBM'"):
        alphavantage.parse_bars(series({}, "AAPL"), of_ibm(load_at))


def test_the_key_is_a_parameter_that_no_message_shows(demo_folder: Path, quick: Settings) -> None:
    with (
        Sandbox(demo_folder) as sandbox,
        ProviderSession("alphavantage", sandbox.url, quick, key="s3cret", key_in="query:apikey") as http,
    ):
        payload = alphavantage.AlphaVantage(http).fetch_bars("AAPL")
        assert "2013-02-27" in payload.body.decode()
        assert "apikey=s3cret" in sandbox.requests[0][0]
        assert "s3cret" not in payload.origin
        with pytest.raises(UnusableAnswerError, match="HTTP 200, but Alpha Vantage says") as told:
            alphavantage.AlphaVantage(http).fetch_bars("NONE")
        assert "s3cret" not in str(told.value) + told.value.payload.origin
