"""Polygon's bars of minutes: of the day asked for, of minutes that are over, and as they came."""

import json
import uuid
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from folio.errors import PayloadError
from folio.sources.connectors import polygon
from folio.sources.landing import Load

OPENED = datetime(2026, 3, 3, 14, 30, tzinfo=UTC)
FETCHED = datetime(2026, 3, 3, 14, 32, 30, tzinfo=UTC)
LOAD = Load(
    *(
        uuid.uuid4(),
        "polygon",
        "minute_bars",
        "BRK.B 2026-03-03",
        1,
        None,
        "",
        "running",
        None,
        None,
        FETCHED,
    ),
    *("observed", 0, 0, 0, 0, 0, None),
)


def bar(minute, **changed):
    stamp = int(OPENED.timestamp() + 60 * minute) * 1000
    return {"o": 264.1, "h": 264.9, "l": 264, "c": 264.55, "v": 1200, "t": stamp} | changed


def parse(*bars, **changed):
    page = {"status": "OK", "ticker": "BRK.B", "adjusted": False, "resultsCount": len(bars), "results": bars}
    return polygon.parse_minute_bars(json.dumps({"pages": [page | changed]}).encode(), LOAD)


def test_minutes_are_read_with_their_instant_and_one_not_yet_over_is_left_out():
    batch = parse(bar(0), bar(1), bar(2))
    prices = tuple(map(Decimal, ("264.1", "264.9", "264", "264.55", "1200")))
    assert [tuple(row) for row in batch.rows] == [
        (OPENED, "BRK.B", *prices, 1),
        (OPENED.replace(minute=31), "BRK.B", *prices, 2),
    ]
    assert batch.rejected == []


def test_a_minute_of_another_day_a_missing_time_and_crossed_prices_are_rejected_with_the_reason():
    batch = parse(bar(0), bar(-2000), bar(1, t=None), bar(1, l=265))
    assert [row[-1] for row in batch.rows] == [1]
    assert [one.line for one in batch.rejected] == [2, 3, 4]
    assert "not of the day asked for, 2026-03-03" in batch.rejected[0].reason


@pytest.mark.parametrize("changed", [{"adjusted": True}, {"ticker": "AAPL"}, {"resultsCount": 3}])
def test_an_answer_to_another_question_is_refused(changed):
    with pytest.raises(PayloadError):
        parse(bar(0), **changed)
