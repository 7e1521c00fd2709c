"""The ECB's rates: both spellings of the files, gaps, and lines that cannot be read."""

import gzip
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from folio.errors import PayloadError
from folio.sources.connectors.ecb import parse_history, parse_rates, slot_days
from folio.sources.landing import Load
from folio.sources.sandbox.answers import zipped

DAILY = "Date, USD, INR, \n26 February 2013, 1.3077, 70.7860, \n"
HISTORY = """Date,USD,INR,CYP,
2013-02-27,1.3097,70.6510,N/A,
2013-02-26,1.3077,70.7860,N/A,
2007-12-31,1.4721,N/A,0.585274,
"""

LoadAt = Callable[..., Load]


@pytest.mark.parametrize("body", [DAILY.encode(), zipped("eurofxref.csv", DAILY)])
def test_the_daily_file_is_read_plain_and_zipped(load_at: LoadAt, body: bytes) -> None:
    assert parse_rates(body, load_at(2013, 2, 27)).rows == [
        (date(2013, 2, 26), "USD", Decimal("1.3077"), 2),
        (date(2013, 2, 26), "INR", Decimal("70.7860"), 2),
    ]


def test_history_gives_the_days_of_its_slot_without_what_was_not_quoted(load_at: LoadAt) -> None:
    month = parse_history(HISTORY.encode(), load_at(2014, 1, 1, slot="2007-12"))
    assert month.rows == [
        (date(2007, 12, 31), "USD", Decimal("1.4721"), 4),
        (date(2007, 12, 31), "CYP", Decimal("0.585274"), 4),
    ]
    part = parse_history(HISTORY.encode(), load_at(2014, 1, 1, slot="2013-02-01..2013-02-26"))
    assert {row[0] for row in part.rows} == {date(2013, 2, 26)}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("2013-02-26,0,70.786,\n", "USD: rate is not positive: '0'"),
        ("2013-02-26,1.3O77,70.786,\n", "USD: rate is no number: '1.3O77'"),
        ("2013-02-26,NaN,70.786,\n", "USD: rate is not positive: 'NaN'"),
        ("2013-02-31,1.3077,N/A,\n", "USD: date cannot be read: '2013-02-31'"),
        ("2013-03-05,1.3077,N/A,\n", "USD: date 2013-03-05 lies ahead of 2013-02-27"),
        ("2013-02-26,1.30", "not as many fields as the header has"),
        ("2013-02-26,N/A,N/A,9\n", "a column without a name: '' is no currency code"),
    ],
)
def test_a_quote_that_cannot_be_read_is_rejected(load_at: LoadAt, lines: str, said: str) -> None:
    batch = parse_rates(f"Date,USD,INR,\n{lines}".encode(), load_at(2013, 2, 27))
    assert [(one.line, one.reason) for one in batch.rejected] == [(2, said)]


@pytest.mark.parametrize(
    "body", [b"x", b"Date,JPY\n", b"Date,USD\n", b"PK\x03\x04cut", zipped("rates.txt", DAILY)]
)
def test_what_holds_no_rates_is_no_payload(load_at: LoadAt, body: bytes) -> None:
    with pytest.raises(PayloadError):
        parse_rates(body, load_at(2013, 2, 27))


def test_a_slot_is_a_month_or_a_range() -> None:
    assert slot_days("2008-02") == (date(2008, 2, 1), date(2008, 2, 29))
    assert slot_days("2013-02-01..2013-02-26") == (date(2013, 2, 1), date(2013, 2, 26))


@pytest.mark.shared_data
def test_the_whole_history_is_read_without_a_rejection(shared: Path, load_at: LoadAt) -> None:
    body = gzip.decompress((shared / "data" / "fx" / "eurofxref-hist.csv.gz").read_bytes())
    batch = parse_history(body, load_at(2026, 11, 1, slot="1999-01-01..2026-10-31"))
    assert not batch.rejected
    lines = [line.split(",") for line in body.decode().splitlines()[1:]]
    assert len(batch.rows) == sum(cell not in ("", "N/A") for line in lines for cell in line[1:])  # type: ignore[arg-type]
