"""Book files read line by line: what loads, what is rejected, and how twins are told apart."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folio.books.known import Alias, Known
from folio.books.reading import Reading, read
from folio.errors import PayloadError

KNOWN = Known(
    investors=frozenset({"I1"}),
    portfolios=frozenset({"P1"}),
    accounts={"A1": "EUR", "A2": "INR"},
    instruments=frozenset({"share-x", "fund-y"}),
    aliases={
        ("ticker", "XX"): (
            Alias("share-x", date(2010, 1, 1), date(2012, 1, 1)),
            Alias("fund-y", date(2012, 1, 1), None),
        ),
        ("amfi", "119551"): (Alias("fund-y", date(2000, 1, 1), None),),
        ("isin", "DOUBLE"): (
            Alias("share-x", date(2000, 1, 1), None),
            Alias("fund-y", date(2000, 1, 1), None),
        ),
    },
)
HEADER = "account_key,kind,trade_date,instrument,units,price,amount,currency,fee,tax"
OPTIONAL = "external_id,settlement_date,fx_rate,status"


def transactions(*lines: str, header: str = HEADER, known: Known = KNOWN) -> Reading:
    return read("\n".join((header, *lines)).encode(), known, latest=date(2013, 3, 1))


def column(reading: Reading, name: str) -> list[object]:
    place = reading.row.columns.index(name)
    return [accepted.values[place] for accepted in reading.accepted]


def reasons(reading: Reading) -> list[tuple[int, str]]:
    return [(rejected.line, rejected.reason) for rejected in reading.rejected]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("A1,deposit,2013-02-31,,,,10,EUR,,", "column trade_date: '2013-02-31' is not a day of the calendar"),
        ("A1,deposit,27/02/2013,,,,10,EUR,,", "column trade_date: '27/02/2013' is not a date of the form"),
        ("A1,deposit,20130227,,,,10,EUR,,", "column trade_date: '20130227' is not a date of the form"),
        ("A1,deposit,,,,,10,EUR,,", "column trade_date: empty"),
        ("A1,deposit,2013-03-02,,,,10,EUR,,", "column trade_date: 2013-03-02 lies after the file's own day"),
        ("A1,gift,2013-02-27,,,,10,EUR,,", "column kind: unknown value 'gift'"),
        ("A1,buy,2013-02-27,share-x,-5,2,10,EUR,,", "column units: -5 is negative"),
        ("A1,buy,2013-02-27,share-x,0,2,10,EUR,,", "column units: a buy of 0 units moves nothing"),
        ("A1,buy,2013-02-27,share-x,5,2,,EUR,,", "column amount: a buy cannot be booked without it"),
        ("A1,buy,2013-02-27,,5,2,10,EUR,,", "column instrument: a buy cannot be booked without it"),
        ("A1,buy,2013-02-27,share-x,NaN,2,10,EUR,,", "column units: 'NaN' is not a number"),
        ("A1,buy,2013-02-27,share-x,1e3,2,10,EUR,,", "column units: '1e3' is not a number"),
        ("A1,buy,2013-02-27,share-x,Infinity,2,10,EUR,,", "column units: 'Infinity' is not a number"),
        ('A1,deposit,2013-02-27,,,,"1,000",EUR,,', "column amount: '1,000' is not a number"),
        ("A1,deposit,2013-02-27,,,,0.123456789,EUR,,", "column amount: 0.123456789 has more than 8 decimals"),
        ("A1,deposit,2013-02-27,,,,123456789012345678901,EUR,,", "is too large"),
        ("A1,deposit,2013-02-27,,,,0,EUR,,", "column amount: a deposit of 0 moves nothing"),
        ("A1,deposit,2013-02-27,,3,,10,EUR,,", "column units: a deposit moves no units"),
        ("A9,deposit,2013-02-27,,,,10,EUR,,", "column account_key: unknown account 'A9'"),
        ("A1,deposit,2013-02-27,,,,10,XYZ,,", "column currency: 'XYZ' is not a currency"),
        ("A1,sell,2013-02-27,share-z,5,2,10,EUR,,", "column instrument: unknown instrument key 'share-z'"),
        (
            "A1,sell,2013-02-27,ticker:ZZ,5,2,10,EUR,,",
            "column instrument: unknown ticker alias 'ZZ' on 2013-02-27",
        ),
        ("A1,sell,2009-02-27,ticker:XX,5,2,10,EUR,,", "unknown ticker alias 'XX' on 2009-02-27"),
        ("A1,sell,2013-02-27,cusip:12,5,2,10,EUR,,", "'cusip' is none of the alias schemes"),
        ("A1,sell,2013-02-27,isin:DOUBLE,5,2,10,EUR,,", "means fund-y and share-x"),
        ("A1,deposit,2013-02-27,,,,10,EUR", "8 cells, the header has 10 columns"),
        ('A1,deposit,2013-02-27,,,,10,"EUR,,', "not a CSV line"),
    ],
)
def test_a_bad_line_is_rejected_with_line_column_and_reason_and_good_lines_load(
    line: str, reason: str
) -> None:
    good = "A1,deposit,2013-02-27,,,,10,EUR,,"
    reading = transactions(good, line, good)
    assert [accepted.line for accepted in reading.accepted] == [2, 4]
    [rejected] = reading.rejected
    assert (rejected.line, rejected.content) == (3, line)
    assert reason in rejected.reason


def test_a_line_with_two_faults_names_both() -> None:
    [(line, reason)] = reasons(transactions("A1,buy,2013-02-30,share-x,-5,2,10,EUR,,"))
    assert line == 2
    assert "column trade_date" in reason
    assert "column units" in reason


def test_an_instrument_may_be_a_key_or_an_alias_as_of_the_trade_date() -> None:
    reading = transactions(
        "A1,buy,2011-12-30,ticker:XX,5,2,10,EUR,,",
        "A1,buy,2012-01-02,ticker:XX,5,2,10,EUR,,",
        "A2,buy,2012-01-02,amfi:119551,5.123,2,10,INR,,",
        "A1,buy,2012-01-02,share-x,5,2,10,EUR,,",
    )
    assert column(reading, "instrument_key") == ["share-x", "fund-y", "fund-y", "share-x"]


def test_a_rate_of_a_currency_to_itself_must_be_one() -> None:
    header = f"{HEADER},{OPTIONAL}"
    reading = transactions(
        "A1,deposit,2013-02-27,,,,10,EUR,,,,,1,",
        "A1,deposit,2013-02-27,,,,10,EUR,,,,,1.1,",
        "A1,deposit,2013-02-27,,,,10,USD,,,,,0.76,",
        header=header,
    )
    assert reasons(reading) == [(3, "column fx_rate: 1.1 from EUR to the account's own EUR")]


def test_a_sale_may_name_its_lot_and_capital_is_returned_without_units() -> None:
    header = f"{HEADER},lot"
    reading = transactions(
        "A1,sell,2013-02-27,share-x,5,2,10,EUR,,,T-1",
        "A1,buy,2013-02-27,share-x,5,2,10,EUR,,,T-1",
        "A1,return_of_capital,2013-02-27,share-x,,,10,EUR,,,",
        "A1,return_of_capital,2013-02-27,share-x,5,,10,EUR,,,",
        header=header,
    )
    assert column(reading, "lot") == ["T-1", None]
    assert column(reading, "kind") == ["sell", "return_of_capital"]
    assert reasons(reading) == [
        (3, "column lot: a buy sells no lot; leave it empty"),
        (5, "column units: a return_of_capital moves no units; leave it empty"),
    ]


def test_true_twins_stay_two_and_equal_numbers_are_equal_however_written() -> None:
    twin = "A2,buy,2013-02-27,fund-y,5,2,10,INR,0,0"
    reading = transactions(twin, "A2,buy,2013-02-27,fund-y,5.000,2.0,10.00,INR,,", twin)
    keys = column(reading, "transaction_key")
    assert len(set(keys)) == 3
    assert {str(key).rsplit("|", 1)[0] for key in keys} == {str(keys[0]).rsplit("|", 1)[0]}
    assert sorted(str(key).rsplit("|", 1)[1] for key in keys) == ["1", "2", "3"]


def test_a_file_sent_again_or_in_another_order_has_the_same_keys() -> None:
    lines = [
        "A2,buy,2013-02-27,fund-y,5,2,10,INR,0,0,,,,pending",
        "A2,buy,2013-02-27,fund-y,5,2,10,INR,0,0,,,,settled",
        "A1,deposit,2013-02-27,,,,10,EUR,,,d-1,,,",
        "A1,deposit,2013-02-27,,,,11,EUR,,,,,,",
    ]
    there = transactions(*lines, header=f"{HEADER},{OPTIONAL}")
    back = transactions(*reversed(lines), header=f"{HEADER},{OPTIONAL}")
    assert {a.values for a in there.accepted} == {a.values for a in back.accepted}


def test_a_later_status_is_a_version_of_the_same_transaction() -> None:
    header = f"{HEADER},{OPTIONAL}"
    pending = transactions("A1,deposit,2013-02-27,,,,10,EUR,,,,,,pending", header=header)
    settled = transactions("A1,deposit,2013-02-27,,,,10,EUR,,,,2013-03-01,,settled", header=header)
    assert column(pending, "transaction_key") == column(settled, "transaction_key")
    assert column(pending, "transaction_id") == column(settled, "transaction_id")


def test_an_external_id_twice_with_other_values_rejects_the_later_line_and_an_equal_one_is_kept() -> None:
    header = f"{HEADER},{OPTIONAL}"
    reading = transactions(
        "A1,deposit,2013-02-27,,,,10,EUR,,,d-1,,,",
        "A1,deposit,2013-02-27,,,,12,EUR,,,d-1,,,",
        "A1,deposit,2013-02-27,,,,10.00,EUR,,,d-1,,,",
        header=header,
    )
    assert [a.line for a in reading.accepted] == [2, 4]
    assert reasons(reading) == [(3, "column amount: contradicts line 2, which has the same key")]


def test_reference_rows_must_name_what_is_known() -> None:
    header = "portfolio_key,investor_key,name,currency,var_limit,drift_band"
    reading = read(f"{header}\nP2,I1,Two,EUR,,0.05\nP3,I9,Three,EUR,0.02,0.05\n".encode(), KNOWN)
    assert column(reading, "portfolio_key") == ["P2"]
    assert reasons(reading) == [
        (3, "column investor_key: unknown investor 'I9'; its investors file comes first")
    ]
    targets = b"portfolio_key,instrument_key,valid_from,weight\nP1,share-x,2010-01-01,1.5\n"
    assert reasons(read(targets, KNOWN)) == [
        (2, "column weight: 1.5 is above 1: write a fraction, 0.25 for a quarter")
    ]


def test_an_interval_must_last_some_days() -> None:
    text = b"scheme,alias,valid_from,valid_to,instrument_key\nticker,Q,2012-01-02,2012-01-02,share-x\n"
    assert reasons(read(text, KNOWN)) == [
        (2, "column valid_to: 2012-01-02 is not after valid_from 2012-01-02")
    ]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "line 1: no header"),
        (b"\n\n", "line 1: no header"),
        (b"<html><body>404</body></html>\n", "line 1: not the header of a book file"),
        (b"account_key,kind\xff\n", "line 1: not UTF-8"),
        (b"account_key,kind\na\0b\n", "line 2: a NUL"),
        (b"scheme,scheme,alias\n", "column scheme stands twice"),
        (HEADER.replace(",currency", "").encode(), "nearest to transactions, but without currency"),
        (f"{HEADER},colour".encode(), "nearest to transactions, but unknown 'colour'"),
    ],
)
def test_a_file_of_no_known_kind_is_refused_whole(payload: bytes, reason: str) -> None:
    with pytest.raises(PayloadError, match=reason):
        read(payload, KNOWN)


def test_a_byte_order_mark_windows_line_ends_spaces_and_blank_lines_are_read() -> None:
    text = "\ufeff" + HEADER + "\r\n\r\n A1 , deposit,2013-02-27,,,,10,EUR,,\r\n\r\n"
    reading = read(text.encode(), KNOWN)
    assert [a.line for a in reading.accepted] == [3]
    assert column(reading, "amount") == [Decimal(10)]


@given(st.binary(max_size=400))
def test_any_bytes_end_in_a_reading_or_a_payload_error(noise: bytes) -> None:
    for payload in (noise, HEADER.encode() + b"\n" + noise):
        try:
            reading = read(payload, KNOWN)
        except PayloadError:
            continue
        lines = {a.line for a in reading.accepted} | {r.line for r in reading.rejected}
        assert len(lines) == len(reading.accepted) + len(reading.rejected)
