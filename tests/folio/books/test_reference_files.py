"""Reference files of funds, bonds and benchmarks: what they may say, and how a wrong row says so."""

import pytest
from typer.testing import CliRunner

from folio.books.known import Known
from folio.books.reading import read
from folio.commands.books import app

KNOWN = Known(portfolios=frozenset({"P1"}), instruments=frozenset({"fund-y", "bond-z", "index-w"}))


@pytest.mark.parametrize(
    ("header", "row", "table"),
    [
        (
            "instrument_key,valid_from,expense_ratio,riskometer,benchmark_key",
            "fund-y,2013-01-01,0.0105,very_high,index-w",
            "book_fund_terms",
        ),
        ("instrument_key,valid_from,expense_ratio", "fund-y,2013-01-01,0.0105", "book_fund_terms"),
        (
            "instrument_key,valid_from,held_days_below,exit_load",
            "fund-y,2013-01-01,365,0.01",
            "book_exit_loads",
        ),
        (
            "instrument_key,valid_from,constituent_code,constituent_name,weight",
            "fund-y,2013-01-31,US0378331005,Apple Inc.,0.3",
            "book_fund_constituents",
        ),
        (
            "instrument_key,coupon_rate,coupons_per_year,day_count,issued_on,matures_on,face_value",
            "bond-z,0.0225,2,act/act,2013-06-20,2023-09-07,100",
            "book_bond_terms",
        ),
        (
            "portfolio_key,benchmark_key,valid_from,benchmark_weight",
            "P1,index-w,2013-01-01,1",
            "book_benchmarks",
        ),
    ],
)
def test_a_good_row_is_read_by_its_kind(header: str, row: str, table: str) -> None:
    reading = read(f"{header}\n{row}\n".encode(), KNOWN)
    assert (reading.row.table, len(reading.accepted), reading.rejected) == (table, 1, ())


@pytest.mark.parametrize(
    ("header", "row", "reason"),
    [
        (
            "instrument_key,valid_from,expense_ratio",
            "fund-y,2013-01-01,",
            "expense_ratio, riskometer and benchmark_key: all empty",
        ),
        (
            "instrument_key,valid_from,expense_ratio",
            "fund-y,2013-01-01,1.05",
            "column expense_ratio: 1.05 is above 1: write a fraction",
        ),
        (
            "instrument_key,valid_from,benchmark_key",
            "fund-y,2013-01-01,nifty",
            "column benchmark_key: unknown instrument 'nifty'",
        ),
        (
            "instrument_key,valid_from,riskometer",
            "fund-y,2013-01-01,scary",
            "column riskometer: unknown value 'scary'",
        ),
        (
            "instrument_key,valid_from,held_days_below,exit_load",
            "fund-y,2013-01-01,a year,0.01",
            "column held_days_below: 'a year' is not a whole number",
        ),
        (
            "instrument_key,coupon_rate,coupons_per_year,day_count,issued_on,matures_on,face_value",
            "bond-z,0.02,3,act/act,2013-06-20,2023-09-07,100",
            "column coupons_per_year: 3 is none of 0, 1, 2, 4, 12",
        ),
        (
            "instrument_key,coupon_rate,coupons_per_year,day_count,issued_on,matures_on,face_value",
            "bond-z,0.02,2,act/act,2013-06-20,2013-06-20,100",
            "column matures_on: 2013-06-20 is not after issued_on 2013-06-20",
        ),
        (
            "portfolio_key,benchmark_key,valid_from,benchmark_weight",
            "P9,index-w,2013-01-01,1",
            "column portfolio_key: unknown portfolio 'P9'",
        ),
    ],
)
def test_a_bad_row_names_its_column(header: str, row: str, reason: str) -> None:
    (rejected,) = read(f"{header}\n{row}\n".encode(), KNOWN).rejected
    assert reason in rejected.reason


def test_the_template_of_a_kind_is_its_header() -> None:
    printed = CliRunner().invoke(app, ["template", "exit_loads"])
    assert (printed.exit_code, printed.stdout) == (0, "instrument_key,valid_from,held_days_below,exit_load\n")


def test_a_template_of_no_kind_names_the_kinds() -> None:
    refused = CliRunner().invoke(app, ["template", "colours"], env={"COLUMNS": "300"})
    assert refused.exit_code == 2
    assert "exit_loads" in refused.stderr
