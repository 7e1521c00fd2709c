"""AMFI's files: layouts, sections, odd values; every line is a row, a heading or rejected with a reason."""

import gzip
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folio.errors import PayloadError
from folio.sources.connectors import amfi
from folio.sources.landing import Batch, Load, TextColumns

SIX = "Scheme Code;ISIN Div Payout/ ISIN Growth;ISIN Div Reinvestment;Scheme Name;Net Asset Value;Date"
EIGHT = SIX.replace("Scheme Name;", "Scheme Name;Plan;Option;")
HISTORY = (
    "Scheme Code;Scheme Name;ISIN Div Payout/ISIN Growth;ISIN Div Reinvestment;"
    "Net Asset Value;Repurchase Price;Sale Price;Date"
)

LoadAt = Callable[..., Load]


def file(*lines: str, end: str = "\r\n") -> bytes:
    return "".join(line + end for line in lines).encode()


def rows(batch: Batch) -> list[tuple[str, ...]]:
    assert isinstance(batch.rows, TextColumns)
    return list(zip(*batch.rows.columns, strict=True))


def nav_line(nav: str, day: str = "25-Jul-2025", code: str = "100") -> str:
    return f"{code};INF209KA12Z1;-;Some Fund;{nav};{day}"


def reason(load: Load, line: str) -> str:
    batch = amfi.parse_navs(file(SIX, line), load)
    assert rows(batch) == []
    [rejected] = batch.rejected
    assert (rejected.line, rejected.content) == (2, line)
    return rejected.reason


def test_all_three_layouts_are_read_by_the_names_in_their_header(load_at: LoadAt) -> None:
    load = load_at(2025, 7, 26, 3)
    six = amfi.parse_navs(file(SIX, "100;INF209KA12Z1;-;Some Fund;107.9620;25-Jul-2025"), load)
    eight = amfi.parse_navs(
        file(EIGHT, "100;INF209KA12Z1;-;Some Fund;Direct Plan;IDCW;107.9620;25-Jul-2025"), load
    )
    history = amfi.parse_navs(file(HISTORY, "100;Some Fund;INF209KA12Z1;;107.9620;107;108;25-Jul-2025"), load)
    assert rows(six) == rows(eight) == rows(history) == [("2025-07-25", "100", "107.9620", "2")]


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_line_ends_and_a_byte_order_mark_do_not_matter(load_at: LoadAt, end: str) -> None:
    body = b"\xef\xbb\xbf" + file(SIX, " ", nav_line("10.5"), end=end)
    assert rows(amfi.parse_navs(body, load_at(2025, 7, 26))) == [("2025-07-25", "100", "10.5", "3")]


@pytest.mark.parametrize(
    ("text", "nav"),
    [
        ("10.", "10."),
        ("0.0001", "0.0001"),
        ("0010.50", "10.50"),
        (" 12.5 ", "12.5"),
        ("1,234.56", "1234.56"),
        ("12,34,567.8", "1234567.8"),
        (".5", "0.5"),
        ("+7", "7"),
        ("1000", "1000"),
    ],
)
def test_a_nav_in_an_odd_spelling_keeps_its_digits(load_at: LoadAt, text: str, nav: str) -> None:
    [(_, _, read, _)] = rows(amfi.parse_navs(file(SIX, nav_line(text)), load_at(2025, 7, 26)))
    assert Decimal(read) == Decimal(nav)
    assert set(read) <= set("0123456789.")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("N.A.", "no NAV: 'N.A.'"),
        ("NA", "no NAV: 'NA'"),
        ("#N/A", "no NAV: '#N/A'"),
        ("B.C.", "no NAV: 'B.C.'"),
        ("B. C.", "no NAV: 'B. C.'"),
        ("", "no NAV: ''"),
        ("#DIV/0!", "NAV is a spreadsheet's error: '#DIV/0!'"),
        ("0", "NAV is zero: '0'"),
        ("0.0000", "NAV is zero: '0.0000'"),
        ("-1.5", "NAV is negative: '-1.5'"),
        ("ten", "NAV is no number: 'ten'"),
        ("1.2.3", "NAV is no number: '1.2.3'"),
        ("1e5", "NAV is no number: '1e5'"),
        ("1.12345678901", "NAV has too many digits: '1.12345678901'"),
        ("\u0661\u0662", "NAV is no number: '\u0661\u0662'"),
    ],
)
def test_a_line_without_a_usable_nav_is_rejected_with_its_text(load_at: LoadAt, text: str, said: str) -> None:
    assert reason(load_at(2025, 7, 26), nav_line(text)) == said


def test_bad_codes_and_dates_and_cut_lines_are_rejected(load_at: LoadAt) -> None:
    load = load_at(2025, 7, 26, 3)
    assert reason(load, nav_line("1", code="10A")) == "scheme code is no number: '10A'"
    assert reason(load, nav_line("1", code="")) == "scheme code is no number: ''"
    assert reason(load, nav_line("1", "31-Feb-2025")) == "date cannot be read: '31-Feb-2025'"
    assert reason(load, nav_line("1", "2025-07-25")) == "date cannot be read: '2025-07-25'"
    cut = amfi.parse_navs(file(SIX, nav_line("1"), "100;INF209KA12Z1;-"), load)
    assert [(one.line, one.reason) for one in cut.rejected] == [(3, "3 fields where the header has 6")]


def test_a_nav_of_the_days_off_ahead_is_taken_and_one_after_them_is_rejected(load_at: LoadAt) -> None:
    load = load_at(2025, 8, 15, 3)  # a holiday, and a Friday: funds gave Sunday's NAV that morning
    assert len(rows(amfi.parse_navs(file(SIX, nav_line("1", "17-Aug-2025")), load))) == 1
    assert "lies ahead" in reason(load, nav_line("1", "23-Aug-2025"))


def test_text_that_is_no_heading_is_rejected_and_good_lines_still_load(load_at: LoadAt) -> None:
    body = file(SIX, "Open Ended Schemes(Income)", "Some Mutual Fund", "Server error", nav_line("1"), "1195")
    batch = amfi.parse_navs(body, load_at(2025, 7, 26))
    assert len(rows(batch)) == 1
    assert [(one.line, one.reason) for one in batch.rejected] == [
        (4, "neither a NAV nor a section heading"),
        (6, "neither a NAV nor a section heading"),
    ]


def test_a_header_that_a_report_repeats_is_no_row(load_at: LoadAt) -> None:
    batch = amfi.parse_navs(file(SIX, nav_line("1"), SIX, nav_line("2", code="101")), load_at(2025, 7, 26))
    assert [row[1] for row in rows(batch)] == ["100", "101"]
    assert not batch.rejected


@pytest.mark.parametrize(
    "body", [b"hello", b"a;b;c\r\n1;2;3", file(SIX), file("Date;Date;" + SIX), b"\x00\xff\xfe"]
)
def test_what_is_no_nav_file_is_no_payload(load_at: LoadAt, body: bytes) -> None:
    with pytest.raises(PayloadError):
        amfi.parse_navs(body, load_at(2025, 7, 26))


def test_schemes_carry_the_sections_they_stand_in_and_clean_isins(load_at: LoadAt) -> None:
    body = file(
        EIGHT,
        "Open Ended Schemes(Solution Oriented Scheme - Children\u00e2\u0080\u0099s Fund)",
        "A Mutual Fund",
        "1; inf209ka12z1 ;-;One ;Direct Plan;Growth;N.A.;25-Jul-2025",
        "2;Redeemed;IINF09KA12Z;Two;;;5;25-Jul-2025",
        "B Mutual Fund (IDF)",
        "3;-;INF209KA12Z1;Three;;;5;25-Jul-2025",
        "Close Ended Schemes(Income)",
        "4;-;;Four;;;5;25-Jul-2025",
        "x;-;;Five;;;5;25-Jul-2025",
        "6;-;;;;;5;25-Jul-2025",
    )
    batch = amfi.parse_schemes(body, load_at(2025, 7, 26))
    children = "Open Ended Schemes(Solution Oriented Scheme - Children\u2019s Fund)"
    assert list(batch.rows) == [  # type: ignore[arg-type]
        (1, "INF209KA12Z1", None, "One", "Direct Plan", "Growth", children, "A Mutual Fund", 4),
        (2, None, None, "Two", None, None, children, "A Mutual Fund", 5),
        (3, None, "INF209KA12Z1", "Three", None, None, children, "B Mutual Fund (IDF)", 7),
        (4, None, None, "Four", None, None, "Close Ended Schemes(Income)", None, 9),
    ]
    assert [(one.line, one.reason) for one in batch.rejected] == [
        (10, "scheme code is no number: 'x'"),
        (11, "no scheme name"),
    ]


@given(st.lists(st.text(alphabet="09.,;-AN#/ \u0661", max_size=12), min_size=1, max_size=20))
def test_whatever_stands_in_lines_each_is_a_row_or_rejected(lines: list[str]) -> None:
    told = [line for line in lines if line.strip()]
    body = file(SIX, nav_line("1"), *lines)
    load = Load(**{**dict.fromkeys(Load.__dataclass_fields__), "observed_at": None})  # type: ignore[arg-type]
    batch = amfi.parse_navs(body, load)
    assert len(rows(batch)) + len(batch.rejected) == 1 + len(told)


@pytest.mark.shared_data
def test_every_data_line_of_every_recorded_file_is_a_row_or_rejected(shared: Path, load_at: LoadAt) -> None:
    files = sorted((shared / "amfi" / "navall_raw").glob("*.gz")) or sorted(
        (shared / "data" / "amfi" / "navall_raw").glob("*.gz")
    )
    assert len(files) == 18
    for path in files:
        body = gzip.decompress(path.read_bytes())
        if b"<html>" in body:
            continue
        year, month, day = map(int, path.name[7:17].split("-"))
        lines = [line for line in body.split(b"\r\n")[1:] if b";" in line]
        load = load_at(year, month, day, 23)
        navs, schemes = amfi.parse_navs(body, load), amfi.parse_schemes(body, load)
        assert len(rows(navs)) + len(navs.rejected) == len(lines)
        assert len(list(schemes.rows)) + len(schemes.rejected) == len(lines)  # type: ignore[arg-type]
        naive = [line.split(b";") for line in lines]
        good = {
            (cells[0].decode(), cells[-2].decode())
            for cells in naive
            if cells[-2].strip(b"0.") not in (b"", b"N.A")
        }
        assert {(code, nav) for _, code, nav, _ in rows(navs)} == good


@pytest.mark.shared_data
def test_the_history_report_of_2006_is_read_with_its_spreadsheet_errors(
    shared: Path, load_at: LoadAt
) -> None:
    [path] = (shared / "data" / "amfi" / "nav_history_report").glob("*.txt")
    batch = amfi.parse_navs(path.read_bytes(), load_at(2026, 1, 1))
    assert len(rows(batch)) == 31
    assert [one.reason for one in batch.rejected] == [
        "NAV is zero: '0'",
        "NAV is a spreadsheet's error: '#DIV/0!'",
        "no NAV: '#N/A'",
        "no NAV: '#N/A'",
    ]
