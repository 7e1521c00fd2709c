"""Period results: starts by calendar, the additive identity, rates, what is null."""

import math
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from folio.errors import CashFlowError
from folio.figures.returns.periods import BRITISH_TAX_YEAR, PERIODS, DailyBook, period_results, period_start

LONG_AGO = date(2000, 1, 1)
TERMS = ("deposits", "end_deposits", "withdrawals", "income", "fees", "taxes", "gains", "currency_effect")


def book_of(first, values, dtype=float, **terms):
    values = np.array(values, dtype=dtype)
    zero = Decimal(0) if dtype is object else 0.0
    arrays = {name: np.full(len(values), zero, dtype=dtype) for name in TERMS}
    for name, parts in terms.items():
        for offset, amount in parts.items():
            arrays[name][offset] = amount
    dates = np.datetime64(first) + np.arange(len(values))
    return DailyBook(dates=dates, value=values, **arrays)


def by_period(results):
    return {result.period: result for result in results}


@pytest.mark.parametrize(
    ("period", "end", "start"),
    [
        ("1D", date(2013, 3, 1), date(2013, 2, 28)),
        ("1W", date(2013, 3, 1), date(2013, 2, 22)),
        ("MTD", date(2013, 3, 1), date(2013, 2, 28)),
        ("MTD", date(2013, 2, 28), date(2013, 1, 31)),
        ("QTD", date(2013, 6, 30), date(2013, 3, 31)),
        ("QTD", date(2013, 1, 1), date(2012, 12, 31)),
        ("YTD", date(2013, 2, 28), date(2012, 12, 31)),
        ("FYTD", date(2013, 3, 31), date(2012, 3, 31)),
        ("FYTD", date(2013, 4, 1), date(2013, 3, 31)),
        ("1Y", date(2013, 2, 28), date(2012, 2, 28)),
        ("1Y", date(2012, 2, 29), date(2011, 2, 28)),
        ("3Y", date(2013, 2, 28), date(2010, 2, 28)),
        ("5Y", date(2013, 2, 28), date(2008, 2, 28)),
        ("ITD", date(2013, 2, 28), date(1999, 12, 31)),
    ],
)
def test_periods_start_with_the_close_before_their_first_day(period, end, start):
    assert period_start(period, end, LONG_AGO) == start


def test_the_british_tax_year_begins_on_the_sixth_of_april():
    assert period_start("FYTD", date(2013, 4, 5), LONG_AGO, BRITISH_TAX_YEAR) == date(2012, 4, 5)
    assert period_start("FYTD", date(2013, 4, 6), LONG_AGO, BRITISH_TAX_YEAR) == date(2013, 4, 5)


def test_a_period_longer_than_the_history_is_null():
    assert period_start("YTD", date(2013, 2, 28), date(2013, 1, 1)) == date(2012, 12, 31)
    assert period_start("YTD", date(2013, 2, 28), date(2013, 1, 2)) is None


def test_four_days_by_hand():
    # 100 in on day 1, worth 101; 50 in and 20 out on day 4, with income of 5, a fee of 1 and a loss of 3: 132
    book = book_of(
        "2013-02-01",
        [101.0, 101.0, 101.0, 132.0],
        deposits={0: 100.0, 3: 50.0},
        withdrawals={3: 20.0},
        fees={3: 1.0},
        income={3: 5.0},
        gains={0: 1.0, 3: -3.0},
    )
    found = by_period(period_results(book))
    assert set(found) == {"1D", "MTD", "ITD"}
    last = found["1D"]
    assert (last.start_date, last.end_date) == (date(2013, 2, 3), date(2013, 2, 4))
    assert (last.initial_value, last.gains, last.income, last.fees) == (101.0, -3.0, 5.0, 1.0)
    assert (last.net_flow, last.final_value, last.residual) == (30.0, 132.0, pytest.approx(0.0))
    assert last.twr == pytest.approx(152 / 151 - 1)
    assert last.simple_return == pytest.approx(1 / 101)
    whole = found["ITD"]
    assert whole.start_date == date(2013, 1, 31)
    assert whole.initial_value == 0.0
    assert whole.twr == pytest.approx(1.01 * 152 / 151 - 1)
    assert whole.simple_return is None
    assert whole.xirr == pytest.approx(0.02)  # -100 on day 1 and 132 + 20 - 50 three days later
    assert (whole.is_annualised, whole.twr_yearly, whole.root_count) == (False, None, 1)


def test_a_rate_beyond_the_range_is_null():
    whole = by_period(period_results(book_of("2013-02-01", [100.0, 100.0, 124.0], deposits={0: 100.0})))[
        "ITD"
    ]
    assert (whole.xirr, whole.root_count) == (None, 0)


def test_from_one_year_on_rates_are_yearly():
    book = book_of("2010-01-01", 100.0 * 1.1 ** (np.arange(700) / 365), deposits={0: 100.0})
    found = by_period(period_results(book))
    assert found["1Y"].twr == pytest.approx(0.1)
    assert found["1Y"].xirr == pytest.approx(0.1)
    assert found["ITD"].xirr == pytest.approx(0.1)
    assert found["ITD"].twr == pytest.approx(1.1 ** (699 / 365) - 1)
    assert found["ITD"].twr_yearly == pytest.approx(0.1, abs=2e-4)  # the day before the first counts as well
    assert found["ITD"].is_annualised
    assert not found["MTD"].is_annualised


def test_an_unknown_value_at_an_end_makes_what_needs_it_null():
    book = book_of("2013-02-01", [100.0, math.nan, 110.0, math.nan], deposits={0: 100.0}, gains={2: 10.0})
    for result in period_results(book):
        assert (result.final_value, result.gains, result.twr, result.xirr, result.simple_return) == (
            None,
        ) * 5
        assert result.net_flow in (0.0, 100.0)
    spanned = by_period(period_results(book, end=date(2013, 2, 3)))
    assert (spanned["1D"].initial_value, spanned["1D"].twr) == (None, None)
    assert spanned["ITD"].twr == pytest.approx(0.1)
    assert spanned["ITD"].gains == 10.0


def test_a_chain_broken_within_a_period_is_flagged_and_only_itd_keeps_a_rate():
    values = [110.0, 0.0, 0.0, 50.0, 60.0, 60.0, 60.0, 60.0, 60.0]
    book = book_of("2013-02-01", values, deposits={0: 100.0, 3: 50.0}, withdrawals={1: 110.0})
    found = by_period(period_results(book))
    assert (found["1W"].twr, found["1W"].is_broken) == (None, True)
    assert (found["ITD"].twr, found["ITD"].is_broken) == (pytest.approx(0.2), True)
    assert (found["1D"].twr, found["1D"].is_broken) == (0.0, False)


def test_funds_bought_at_the_closing_price_have_a_rate_from_the_next_day():
    book = book_of("2013-02-01", [100.0, 110.0], end_deposits={0: 100.0})
    whole = by_period(period_results(book))["ITD"]
    assert (whole.twr, whole.is_broken) == (pytest.approx(0.1), False)


def test_days_before_the_first_money_are_no_history():
    book = book_of("2013-01-01", [0.0] * 50 + [100.0, 110.0], deposits={50: 100.0})
    found = by_period(period_results(book))
    assert set(found) == {"1D", "ITD"}
    assert found["ITD"].start_date == date(2013, 2, 19)
    assert period_results(book_of("2013-01-01", [0.0, 0.0])) == []


def test_flows_of_one_sign_have_no_money_weighted_rate():
    whole = by_period(period_results(book_of("2013-01-01", [100.0, 0.0], deposits={0: 100.0})))["ITD"]
    assert (whole.xirr, whole.root_count) == (None, 0)
    assert whole.twr == -1.0


def test_two_rates_are_counted():
    book = book_of(
        "2010-01-01",
        [100.0] * 365 + [100.0] * 365 + [0.0],
        deposits={0: 100.0, 730: 132.0},
        withdrawals={365: 230.0},
    )
    whole = by_period(period_results(book))["ITD"]
    assert (whole.root_count, whole.xirr) == (2, pytest.approx(0.1))


@given(
    rows=st.lists(
        st.tuples(*[st.decimals(0, 10**6, places=8, allow_nan=False)] * len(TERMS), st.booleans()),
        min_size=2,
        max_size=60,
    )
)
def test_terms_in_decimals_add_up_exactly_over_gaps_as_the_days_do(rows):
    """Days that fulfil the identity, some of them without a value, whose gains move to the next known day."""
    value, values, waiting = Decimal(0), [], (Decimal(0), Decimal(0))
    columns = {name: [] for name in TERMS}
    for number, (*terms, is_known) in enumerate(rows):
        day = dict(zip(TERMS, terms, strict=True))
        signs = {"withdrawals": -1, "fees": -1, "taxes": -1}
        value += sum(signs.get(name, 1) * amount for name, amount in day.items())
        is_known = is_known or number in (0, len(rows) - 1)
        waiting = (waiting[0] + day["gains"], waiting[1] + day["currency_effect"])
        day["gains"], day["currency_effect"] = waiting if is_known else (None, None)
        waiting = (Decimal(0), Decimal(0)) if is_known else waiting
        values.append(value if is_known else None)
        for name, amount in day.items():
            columns[name].append(amount)
    dates = np.datetime64("2012-03-20") + np.arange(len(rows))
    book = DailyBook(
        dates=dates,
        value=np.array(values, dtype=object),
        **{name: np.array(column, dtype=object) for name, column in columns.items()},
    )
    for result in period_results(book):
        if result.initial_value is None:
            assert (result.gains, result.residual) == (None, None)
            continue
        assert isinstance(result.gains, Decimal)
        assert result.residual == 0
        day = (result.start_date - date(2012, 3, 20)) // timedelta(days=1)
        assert result.initial_value == (values[day] if day >= 0 else 0)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda book: {"dates": book.dates[::-1]},
        lambda book: {"income": book.income[:-1]},
    ],
)
def test_books_that_do_not_fit_are_refused(spoil):
    book = book_of("2013-01-01", [100.0, 100.0], deposits={0: 100.0})
    with pytest.raises(CashFlowError):
        period_results(DailyBook(**{**book.__dict__, **spoil(book)}))


def test_an_end_before_the_first_day_is_refused():
    with pytest.raises(CashFlowError, match="no day on or before 2012-12-31"):
        period_results(book_of("2013-01-01", [100.0]), end=date(2012, 12, 31))


def test_every_period_is_known_by_name():
    long = book_of("2005-01-01", [100.0] * 3000, deposits={0: 100.0})
    assert tuple(result.period for result in period_results(long)) == PERIODS
