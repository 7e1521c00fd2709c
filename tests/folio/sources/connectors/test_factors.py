"""Files of factors and rates: one declared layout each, in one declared unit."""

import gzip
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from folio.errors import PayloadError
from folio.sources.connectors.factors import LAYOUTS, RateLayout, parse_factors, parse_rates
from folio.sources.landing import Load

LoadAt = Callable[..., Load]

FRENCH = "Date,Mkt-RF,SMB,HML,RF\n"


def test_percent_become_fractions_and_months_their_last_day(load_at: LoadAt) -> None:
    body = gzip.compress(f"{FRENCH}202402,5.06,-0.24,-99.99,0.42\n".encode())
    assert parse_factors(body, load_at(2024, 4, 1)).rows == [
        (date(2024, 2, 29), "french_3_factors", "month", name, Decimal(value), 2)
        for name, value in (("market", "0.0506"), ("size", "-0.0024"), ("risk_free", "0.0042"))
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("202413,1,1,1,1", "month must be in 1..12"),
        ("2024-02,1,1,1,1", "month cannot be read: '2024-02'"),
        ("202402,1,1,1", "not as many cells as the header has"),
        ("202402,1,n/a,1,1", "SMB is no number: 'n/a'"),
    ],
)
def test_a_bad_line_is_rejected_and_the_others_stay(load_at: LoadAt, line: str, reason: str) -> None:
    batch = parse_factors(f"{FRENCH}{line}\n202403,1,1,1,1\n".encode(), load_at(2024, 4, 1))
    assert [(one.line, one.reason) for one in batch.rejected] == [(2, reason)]
    assert {row[0] for row in batch.rows} >= {date(2024, 3, 31)}  # type: ignore[union-attr]


@pytest.mark.parametrize("unit", ["percent", "fraction"])
def test_numbers_of_another_unit_than_declared_are_refused(load_at: LoadAt, unit: str) -> None:
    months = [f"{2000 + n // 12}{n % 12 + 1:02d}" for n in range(36)]
    value = {"percent": "2.5", "fraction": "0.025"}[unit]
    body = (FRENCH + "".join(f"{month},{value},0,0,0.1\n" for month in months)).encode()
    if unit == "percent":
        assert len(parse_factors(body, load_at(2024, 4, 1)).rows) == 4 * 36  # type: ignore[arg-type]
    else:
        with pytest.raises(PayloadError, match=r"declared in percent, but a typical number is 0\.025"):
            parse_factors(body, load_at(2024, 4, 1))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "no declared layout"),
        (b"Date,Mkt-RF,SMB,HML\n", "no declared layout"),
        (FRENCH.encode(), "no line stands below the header"),
        (b"\x1f\x8bnot gzip", "cannot be read as text"),
        (b"DATE,PCREDIT8\n2024-01-01,5\n", "holds rates, not returns of factors"),
    ],
)
def test_a_file_of_no_layout_or_of_another_kind_is_refused(load_at: LoadAt, body: bytes, reason: str) -> None:
    with pytest.raises(PayloadError, match=reason):
        parse_factors(body, load_at(2024, 4, 1))


def test_rates_keep_their_tenor_and_leave_out_what_is_empty(load_at: LoadAt) -> None:
    header = "Time Period,1month,3month,6month,1year,2year,3year,5year,7year,10year,20year,30year\n"
    batch = parse_rates(
        f"{header}1990-01-02 00:00:00+00:00,,0.0783,,,,,,,,,0.08\n".encode(), load_at(2024, 4, 1)
    )
    assert batch.rows == [
        (date(1990, 1, 2), "USD", "us_treasury_curve", 3, Decimal("0.0783"), 2),
        (date(1990, 1, 2), "USD", "us_treasury_curve", 360, Decimal("0.08"), 2),
    ]


def test_no_two_layouts_give_a_currency_the_same_tenor() -> None:
    given = [
        (layout.currency, months)
        for layout in LAYOUTS
        if isinstance(layout, RateLayout)
        for months in layout.tenors.values()
    ]
    assert len(given) == len(set(given))  # else fct_risk_free_rates would have two rates for a day
