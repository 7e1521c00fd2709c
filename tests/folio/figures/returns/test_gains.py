"""Gains of an instrument over a period: income moves no lots, what was held costs its opening value."""

from datetime import date
from decimal import Decimal

from folio.figures.ledger import Booking, DatedNumbers, Market
from folio.figures.returns.gains import period_gains

D = Decimal
START, END = date(2020, 12, 31), date(2021, 12, 31)


def test_income_and_fees_of_an_instrument_move_no_lots():
    market = Market({"FUND": DatedNumbers({START: D(20), END: D(50)})})
    bookings = [
        Booking(date(2020, 1, 2), "buy", D(100), "FUND", D(10)),
        Booking(date(2020, 6, 1), "dividend", D(3), "FUND"),
        Booking(date(2021, 3, 1), "fee", D(1), "FUND"),
        Booking(date(2021, 6, 1), "sell", D(202), "FUND", D(5)),
    ]
    gains = period_gains(bookings, market, "FUND", "EUR", START, END)
    # ten units at 20 when the period opens: five sold for 202, five worth 50 each
    assert (gains.realised, gains.unrealised) == (102, 150)


def test_capital_that_is_returned_lowers_what_the_units_cost():
    market = Market({"FUND": DatedNumbers({START: D(20), END: D(50)})})
    bookings = [
        Booking(date(2021, 1, 2), "buy", D(200), "FUND", D(10)),
        Booking(date(2021, 6, 1), "return_of_capital", D(30), "FUND"),
        Booking(date(2021, 7, 1), "sell", D(202), "FUND", D(5)),
    ]
    gains = period_gains(bookings, market, "FUND", "EUR", START, END)
    # 170 is left of the cost, 17 a unit: 202 - 85 for those sold, 250 - 85 for those held
    assert (gains.realised, gains.unrealised) == (117, 165)
