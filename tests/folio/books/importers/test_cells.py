"""Numbers, money, days and instants as exports write them."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folio.books.importers import cells


@pytest.mark.parametrize(
    ("text", "decimal", "value"),
    [
        ("1234.5", ".", "1234.5"),
        ("1,234.5", ".", "1234.5"),
        ("1.234,5", ",", "1234.5"),
        ("1.234,5", ".", "1234.5"),
        ("1.234.567", ",", "1234567"),
        ("1,234", ".", "1234"),
        ("1,234", ",", "1.234"),
        ("0,76672417", ".", "0.76672417"),
        ("-97.93", ",", "-97.93"),
        ("1 046,3825", ",", "1046.3825"),
        ("-$3320.05", ".", "-3320.05"),
        ("$-0.88", ".", "-0.88"),
        ("($1,200.00)", ".", "-1200"),
        ("−4", ".", "-4"),  # noqa: RUF001 the sign that some exports print
        ("-3.605E-05", ".", "-0.00003605"),
        ("10.", ".", "10"),
    ],
)
def test_a_number_is_read_exactly_whatever_its_marks(text: str, decimal: str, value: str) -> None:
    assert cells.number(text, decimal) == Decimal(value)


@pytest.mark.parametrize("text", ["", "-", "abc", "1.2.3,4,5", "12a", "<invalid>", "NaN", "1e", "--1x"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        cells.number(text)


@pytest.mark.parametrize(
    ("text", "currency"), [("€10.00", "EUR"), ("50.00 SEK", "SEK"), ("£0.07", "GBP"), ("12", None)]
)
def test_money_carries_the_currency_written_with_it(text: str, currency: str | None) -> None:
    assert cells.money(text)[1] == currency


@given(
    value=st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9),
    continental=st.booleans(),
)
def test_a_number_written_with_thousands_marks_gives_itself_back(value: Decimal, continental: bool) -> None:
    text = f"{value:,.4f}"
    if continental:
        text = text.translate(str.maketrans(",.", ".,"))
    assert cells.number(text, "," if continental else ".") == value


def test_a_day_is_read_in_the_named_forms_only() -> None:
    assert cells.day("16/09/2021", ("%d-%m-%Y", "%d/%m/%Y")) == date(2021, 9, 16)
    with pytest.raises(ValueError, match="'16/09/21' is not a day of the form DD/MM/YYYY"):
        cells.day("16/09/21", ("%d/%m/%Y",))


def test_a_local_time_becomes_an_instant_of_its_zone_and_an_offset_wins() -> None:
    summer = cells.instant("2024-07-01 09:00:00", ("%Y-%m-%d %H:%M:%S",), "Europe/Amsterdam")
    assert summer == datetime(2024, 7, 1, 7, tzinfo=UTC)
    assert cells.instant("2024-07-01T09:00:00-04:00", ("iso",), "Europe/Amsterdam").hour == 13


def test_text_that_was_decoded_wrongly_is_mended() -> None:
    assert cells.mended("CrÃ©dito de divisa") == "Crédito de divisa"
    assert cells.mended("Ãgypten 5 %") == "Ãgypten 5 %"
