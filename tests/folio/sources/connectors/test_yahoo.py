"""Yahoo's charts: days of the exchange, gaps, unfinished sessions, events, and complaints in any status."""

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from folio.errors import PayloadError
from folio.settings import Settings
from folio.sources.connectors import yahoo
from folio.sources.landing import Load
from folio.sources.sandbox import Sandbox
from folio.sources.session import ProviderSession, UnusableAnswerError

LoadAt = Callable[..., Load]
OPENING = 1609770600  # 2021-01-04 09:30 in New York


def chart(**changes: Any) -> bytes:
    """A chart of two sessions, with parts of its result replaced."""
    result = {
        "meta": {"symbol": "TSLA", "currency": "USD", "exchangeTimezoneName": "America/New_York"},
        "timestamp": [OPENING, OPENING + 86400],
        "indicators": {
            "quote": [
                {
                    "open": [1.0, 2.0],
                    "high": [2.0, 3.0],
                    "low": [0.5, 1.5],
                    "close": [1.5, 2.5],
                    "volume": [10, None],
                }
            ],
            "adjclose": [{"adjclose": [1.4, 2.4]}],
        },
        **changes,
    }
    return json.dumps({"chart": {"result": [result], "error": None}}).encode()


def of_tesla(load_at: LoadAt, *instant: int) -> Load:
    return load_at(*(instant or (2021, 2, 1)), source="yahoo", slot="TSLA 2021-02-01T03:00Z")


def test_bars_are_of_the_days_of_their_exchange(load_at: LoadAt) -> None:
    batch = yahoo.parse_bars(chart(), of_tesla(load_at))
    assert next(iter(batch.rows)) == (  # type: ignore[arg-type]
        date(2021, 1, 4), "TSLA", Decimal("1.0"), Decimal("2.0"), Decimal("0.5"), Decimal("1.5"),
        Decimal("1.4"), Decimal(10), "USD", 1,
    )  # fmt: skip
    tokyo = {"symbol": "TSLA", "currency": "JPY", "exchangeTimezoneName": "Asia/Tokyo"}
    rows = list(yahoo.parse_bars(chart(meta=tokyo), of_tesla(load_at)).rows)  # type: ignore[arg-type]
    assert [row[0] for row in rows] == [date(2021, 1, 4), date(2021, 1, 5)]


def test_a_day_without_prices_and_a_session_under_way_are_rejected(load_at: LoadAt) -> None:
    nothing = {name: [1.0, None] for name in ("open", "high", "low", "close", "volume")}
    batch = yahoo.parse_bars(chart(indicators={"quote": [nothing]}), of_tesla(load_at))
    assert [one.reason for one in batch.rejected] == ["no prices for 2021-01-05"]
    batch = yahoo.parse_bars(chart(), of_tesla(load_at, 2021, 1, 5, 20))
    assert [one.reason for one in batch.rejected] == ["the session of 2021-01-05 was not over"]


def test_a_close_outside_its_range_is_rejected_but_for_single_precision(load_at: LoadAt) -> None:
    quote = {"open": [1.0, 1.0], "high": [2.0, 2.0], "low": [0.5, 0.5], "close": [2.0000001, 2.1]}
    batch = yahoo.parse_bars(chart(indicators={"quote": [quote]}), of_tesla(load_at))
    assert [one.line for one in batch.rejected] == [2]


def test_events_are_rows_of_their_own(load_at: LoadAt) -> None:
    body = chart(
        events={
            "dividends": {"2": {"amount": 0.5, "date": OPENING}, "1": {"amount": 0, "date": OPENING}},
            "splits": {"1": {"date": OPENING, "numerator": 5.0, "denominator": 4.0}},
        }
    )
    dividends = yahoo.parse_dividends(body, of_tesla(load_at))
    assert list(dividends.rows) == [("TSLA", date(2021, 1, 4), Decimal("0.5"), "USD", 2)]  # type: ignore[arg-type]
    assert [one.reason for one in dividends.rejected] == ["amount is not positive: 0"]
    splits = yahoo.parse_splits(body, of_tesla(load_at))
    assert list(splits.rows) == [("TSLA", date(2021, 1, 4), Decimal("5.0"), Decimal("4.0"), 1)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{}", "it has no chart"),
        (b'{"chart":{"result":null,"error":{"code":"404","description":"No data"}}}', "says 'No data'"),
        (b'{"chart":{"result":[],"error":null}}', "no result"),
        (chart(meta={"symbol": "TSLA", "exchangeTimezoneName": "Mars/Base"}), "time zone is not known"),
        (chart(timestamp=[OPENING]), "1 times, but not as many of"),
        (chart(meta={"symbol": "IBM"}), "of 'IBM', not of 'TSLA'"),
        (b'{"chart"', "not whole JSON"),
    ],
)  # fmt: skip
def test_what_is_no_chart_of_the_symbol_is_refused(body: bytes, reason: str, load_at: LoadAt) -> None:
    with pytest.raises(PayloadError, match=reason):
        yahoo.parse_bars(body, of_tesla(load_at))


def test_a_symbol_is_asked_for_with_its_days_and_a_complaint_is_kept(
    demo_folder: Any, quick: Settings
) -> None:
    with Sandbox(demo_folder) as sandbox, ProviderSession("yahoo", sandbox.url, quick) as http:
        payload = yahoo.Yahoo(http).fetch_chart("AAPL", date(2013, 2, 26), date(2013, 2, 27))
        assert json.loads(payload.body)["chart"]["result"][0]["meta"]["symbol"] == "AAPL"
        assert "period1=1361836800&period2=1362009600" in sandbox.requests[0][0]
        with pytest.raises(UnusableAnswerError, match="No data found, symbol may be delisted") as told:
            yahoo.Yahoo(http).fetch_chart("^GSPC", date(2013, 2, 26), date(2013, 2, 27))
        assert told.value.payload.body
        assert "%5EGSPC" in sandbox.requests[1][0]
