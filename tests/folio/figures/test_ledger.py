"""Ledger in memory: cases by hand, agreement with the seed of kinds, laws, refusals."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folio.errors import LedgerError
from folio.figures.ledger import Account, Booking, DatedNumbers, Market, daily_book, walk
from folio.figures.returns.gains import period_gains
from folio.figures.returns.periods import result_between

D = Decimal
FIRST = date(2024, 1, 1)


def day(offset):
    return FIRST + timedelta(days=offset)


def market(prices, rates=None):
    return Market(
        {"SHARE": DatedNumbers({day(n): D(price) for n, price in prices.items()})},
        {"SHARE": "USD"} if rates else {},
        {("USD", "EUR"): DatedNumbers({day(n): D(rate) for n, rate in (rates or {}).items()})},
    )


def buy(offset, units, amount, **more):
    return Booking(day(offset), "buy", D(amount), "SHARE", D(units), **more)


def sell(offset, units, amount, **more):
    return Booking(day(offset), "sell", D(amount), "SHARE", D(units), **more)


def test_a_kept_account_by_hand():
    bookings = [
        Booking(day(0), "deposit", D(1000)),
        buy(0, 10, 500, fee=D(5)),
        Booking(day(1), "dividend", D(20), "SHARE", tax=D(3)),
    ]
    days = walk(bookings, market({0: 50, 1: 53}), Account("EUR"), day(1))
    assert [(each.value, each.cash, each.income, each.fees, each.taxes) for each in days] == [
        (D(995), D(495), D(0), D(5), D(0)),
        (D(1042), D(512), D(20), D(0), D(3)),
    ]


def test_an_implied_account_has_flows_where_cash_would_be():
    days = walk(
        [buy(0, 10, 500, fee=D(5)), sell(1, 4, 240)],
        market({0: 50, 1: 60}),
        Account("EUR", "implied", "end"),
        day(1),
    )
    assert [(each.end_deposits, each.withdrawals, each.value) for each in days] == [
        (505, 0, 500),
        (0, 240, 360),
    ]
    assert days[1].invested == 300


def test_taxes_outside_lower_neither_value_nor_flow():
    days = walk(
        [buy(0, 10, 500, tax=D(7))], market({0: 50}), Account("EUR", "implied", taxes="outside"), day(0)
    )
    assert (days[0].deposits, days[0].taxes) == (500, 0)


def test_the_rate_on_the_booking_wins_over_the_market():
    bookings = [
        Booking(day(0), "deposit", D(1000)),
        buy(1, 1, 100, currency="USD", fx_rate=D("0.9")),
        sell(2, 1, 100, currency="USD"),
        buy(3, 1, 100, currency="USD", fx_rate=D(0)),
    ]
    days = walk(bookings, market({0: 100}, {0: "0.8", 2: "0.7"}), Account("EUR"), day(3))
    assert [each.cash for each in days] == [1000, 910, 980, 910]


def test_gains_are_parted_into_price_and_currency():
    # 10 units: 1000 USD at 0.8, then 1100 USD at 0.7
    book = daily_book(
        [buy(0, 10, 1000, currency="USD")],
        market({0: 100, 1: 110}, {0: "0.8", 1: "0.7"}),
        Account("EUR", "implied"),
        day(1),
    )
    assert (book.currency_effect[1], book.gains[1]) == (D(-100), D(70))


def test_a_day_without_a_price_has_no_value_and_its_gain_comes_later():
    book = daily_book([buy(0, 1, 90)], market({2: 100}), Account("EUR", "implied"), day(2))
    assert book.value.tolist() == [None, None, D(100)]
    assert book.gains.tolist() == [None, None, D(10)]


def test_a_split_changes_units_and_not_cost():
    days = walk(
        [buy(0, 10, 500), Booking(day(1), "split", instrument="SHARE", ratio=D(2))],
        market({0: 50, 1: 25}),
        Account("EUR", "implied"),
        day(1),
    )
    assert (days[1].held["SHARE"].units, days[1].invested, days[1].value) == (20, 500, 500)


def test_a_short_position_is_carried_where_the_account_allows_it():
    days = walk(
        [buy(0, 4, 400), sell(1, 10, 1200), buy(2, 3, 330), buy(3, 5, 500)],
        market({0: 100, 1: 120, 2: 110, 3: 100}),
        Account("EUR", "implied", shorts="carried"),
        day(3),
    )
    # six short at 120; three closed; the last three closed and two opened of five for 500
    assert [each.held["SHARE"].units for each in days] == [4, -6, -3, 2]
    assert [each.invested for each in days] == [400, -720, -360, 200]
    assert [each.value for each in days] == [400, -720, -330, 200]


def test_gains_of_lots_by_hand():
    # held at the start: 10 at 120; 4 sold at 130, 6 left at 125
    found = period_gains(
        [buy(0, 10, 1000), sell(5, 4, 520)],
        market({0: 100, 3: 120, 6: 125}),
        "SHARE",
        "EUR",
        start=day(4),
        end=day(6),
    )
    assert (found.realised, found.unrealised) == (40, 30)
    assert (found.realised_currency, found.unrealised_currency) == (0, 0)


SALES = st.lists(st.tuples(st.integers(0, 12), st.integers(-5, 9)), min_size=1, max_size=12)
NUMBERS = st.lists(st.integers(50, 200), min_size=16, max_size=16)


@given(trades=SALES, prices=NUMBERS, rates=NUMBERS, start=st.integers(0, 10))
def test_gains_of_lots_are_those_of_the_days(trades, prices, rates, start):
    bookings, held = [], 0
    for offset, units in sorted(trades):
        units = max(units, -held)
        if units:
            trade = buy if units > 0 else sell
            bookings.append(trade(offset, abs(units), abs(units) * 100, currency="USD", fx_rate=D("0.9")))
            held += units
    if not bookings:
        return
    quotes = market(dict(enumerate(prices)), {n: D(rate) / 100 for n, rate in enumerate(rates)})
    book = daily_book(bookings, quotes, Account("EUR", "implied"), day(15))
    result = result_between(book, day(start), day(15))
    by_lot = period_gains(bookings, quotes, "SHARE", "EUR", day(start), day(15))
    assert result.residual == 0
    assert by_lot.realised + by_lot.unrealised == pytest.approx(
        result.gains + result.currency_effect, abs=D("1e-6")
    )


@pytest.mark.parametrize(
    ("bookings", "message"),
    [
        ([Booking(FIRST, "gift")], "no kind"),
        ([sell(0, 1, 100)], "takes 1 units"),
        ([Booking(FIRST, "deposit", D(1), currency="CHF")], "no rate"),
    ],
)
def test_what_is_refused(bookings, message):
    with pytest.raises(LedgerError, match=message):
        walk(bookings, market({0: 1}), Account("EUR"), FIRST)


@given(
    booked=st.lists(st.tuples(st.integers(0, 20), st.integers(1, 9)), min_size=1, max_size=12),
    late=st.tuples(st.integers(0, 20), st.integers(1, 9)),
)
def test_a_walk_that_goes_on_after_days_that_nothing_changed_is_the_walk_of_all(booked, late):
    priced, last = market(dict.fromkeys(range(0, 21, 2), 50)), day(22)
    bookings = [buy(offset, units, 10 * units) for offset, units in sorted(booked)]
    before = walk(bookings, priced, Account("EUR"), last)
    all_of_them = [*bookings, buy(late[0], late[1], 77)]
    known = [each for each in before if each.day < day(late[0])]
    whole = walk(all_of_them, priced, Account("EUR"), last)
    assert walk(all_of_them, priced, Account("EUR"), last, known) == whole
    assert before == walk(bookings, priced, Account("EUR"), last)


def test_a_spin_off_takes_a_share_of_the_cost_along():
    spun = Booking(
        day(1), "spin_off", instrument="PART", units=D(5), carved_from="SHARE", cost_share=D("0.2")
    )
    days = walk([buy(0, 10, 500), spun], market({0: 50}), Account("EUR"), day(1))
    assert {name: (held.units, held.cost_account) for name, held in days[-1].held.items()} == {
        "SHARE": (10, 400),
        "PART": (5, 100),
    }
    assert (days[-1].invested, days[-1].net_flow, days[-1].cash) == (500, 0, -500)
    with pytest.raises(LedgerError, match="finds no units of SHARE"):
        walk([spun], market({0: 50}), Account("EUR"), day(1))


def test_capital_that_is_returned_is_cash_and_lowers_the_average_cost_to_nothing_at_least():
    returned = [
        Booking(day(offset), "return_of_capital", D(amount), "SHARE")
        for offset, amount in ((1, 200), (2, 900))
    ]
    days = walk([buy(0, 10, 500), *returned], market({0: 50}), Account("EUR"), day(2))
    assert [(each.invested, each.cash, each.income) for each in days] == [
        (500, -500, 0),
        (300, -300, 0),
        (0, 600, 0),
    ]
    with pytest.raises(LedgerError, match="finds no units of SHARE"):
        walk(returned, market({0: 50}), Account("EUR"), day(2))
