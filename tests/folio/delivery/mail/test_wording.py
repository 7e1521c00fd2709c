"""Wording: money, fractions and days as a reader sees them."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from folio.delivery.mail.wording import (
    MINUS,
    NARROW_GAP,
    Missing,
    day,
    instant,
    money,
    month,
    one_line,
    percent,
)


@pytest.mark.parametrize(
    ("amount", "currency", "read"),
    [
        ("1234567.891", "EUR", "EUR 1,234,567.89"),
        ("1234567.891", "INR", "INR 12,34,567.89"),
        ("123456789", "INR", "INR 12,34,56,789.00"),
        ("999", "INR", "INR 999.00"),
        ("-1234.5", "USD", f"{MINUS}USD 1,234.50"),
        ("0", "USD", "USD 0.00"),
        ("-0.001", "USD", "USD 0.00"),
    ],
)
def test_money_is_grouped_as_its_currency_is(amount, currency, read):
    assert money(Decimal(amount), currency) == read.replace(" ", NARROW_GAP)


def test_a_gain_may_carry_its_plus():
    assert money(Decimal(5), "EUR", signed=True) == f"+EUR{NARROW_GAP}5.00"
    assert percent(Decimal("-0.0712"), signed=True) == f"{MINUS}7.12{NARROW_GAP}%"


def test_a_missing_figure_reads_as_its_reason_and_never_as_zero():
    gone = Missing("no price")
    assert money(gone, "EUR") == percent(gone) == "not available: no price"


def test_days_months_and_instants_cannot_be_taken_for_others():
    assert day(date(2013, 2, 28)) == "28 Feb 2013".replace(" ", NARROW_GAP)
    assert month(date(2013, 2, 28)) == "February 2013"
    assert instant(datetime(2013, 3, 1, 3, 0, tzinfo=UTC)).endswith("03:00 UTC")


def test_a_header_text_has_one_line():
    assert one_line("Growth\r\nBcc: x@example.com") == "Growth Bcc: x@example.com"
