"""Period results: starts by calendar, the additive identity, rates, what is null."""

import math
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from folio.errors import CashFlowError
from folio.figures.returns.periods import (
    BRITISH_TAX_YEAR,
    PERIODS,
    DailyBook,
    cash_flows,
    period_results,
    period_start,
    result_between,
)

LONG_AGO = date(2000, 1, 1)
TERMS = ("deposits", "end_deposits", "withdrawals", "income", "fees", "taxes", "gains", "currency_effect")


def book_of(first, values, dtype=float, invested=None, **terms):
    values = np.array(values, dtype=dtype)
    zero = Decimal(0) if dtype is object else 0.0
    arrays = {name: np.full(len(values), zero, dtype=dtype) for name in TERMS}
    for name, parts in terms.items():
        for offset, amount in parts.items():
            arrays[name][offset] = amount
    dates = np.datetime64(first) + np.arange(len(values))
    if invested is not None:
        arrays["invested"] = np.array(invested, dtype=dtype)
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


@pytest.mark.parametrize("dtype", [float, object])
def test_the_example_of_returns_side_by_side(dtype):
    # docs/methods/returns.md: 1000, 200 more at the start of the second of four days, 1320
    number = float if dtype is float else Decimal
    book = book_of(
        date(2024, 1, 1),
        [number(each) for each in (1000, 1010, 1220, 1230, 1320)],
        dtype,
        invested=[number(each) for each in (800, 800, 1000, 1000, 1000)],
        deposits={2: number(200)},
        gains={1: number(10), 2: number(10), 3: number(10), 4: number(90)},
    )
    result = result_between(book, date(2024, 1, 1), date(2024, 1, 5))
    assert result.period is None
    assert result.residual == 0
    assert result.modified_dietz == pytest.approx(120 / 1150, abs=1e-15)
    assert result.mean_investment == 900
    assert float(result.roai) == pytest.approx(120 / 900, abs=1e-15)
    assert result.simple_return == pytest.approx(0.12, abs=1e-15)
    linked = 1.01 * (1 + 10 / 1110) * (1 + 10 / 1220) * (1 + 90 / 1230) - 1
    assert result.linked_modified_dietz == pytest.approx(linked, abs=1e-14)


def test_fees_and_income_stand_in_the_return_on_the_average_investment():
    book = book_of(
        date(2024, 1, 1), [100, 108], invested=[100, 100], gains={1: 4}, income={1: 6}, fees={1: 2}
    )
    result = result_between(book, date(2024, 1, 1), date(2024, 1, 2))
    assert (result.roai, result.roai_gross) == pytest.approx((0.08, 0.10), abs=1e-15)


def test_what_is_bought_on_the_last_day_counts_with_that_day():
    book = book_of(date(2024, 1, 1), [0, 110], invested=[0, 100], deposits={1: 100}, gains={1: 10})
    result = result_between(book, date(2024, 1, 1), date(2024, 1, 2))
    assert (result.mean_investment, result.roai) == (100, 0.1)


def test_without_an_investment_there_is_no_return_on_it():
    for invested in (None, [0, 0]):
        book = book_of(date(2024, 1, 1), [100, 110], invested=invested, gains={1: 10})
        result = result_between(book, date(2024, 1, 1), date(2024, 1, 2))
        assert (result.mean_investment, result.roai) == (None, None)


def test_a_span_without_an_initial_value_has_no_dietz_return():
    book = book_of(date(2024, 1, 1), [math.nan, 110, 120])
    result = result_between(book, date(2024, 1, 1), date(2024, 1, 3))
    assert (result.modified_dietz, result.linked_modified_dietz) == (None, None)


def test_cash_flows_open_with_the_initial_and_close_with_the_final_value():
    book = book_of(date(2024, 1, 1), [100, 150, 160, 140], deposits={1: 50}, withdrawals={3: 30})
    dates, amounts = cash_flows(book, date(2024, 1, 1), date(2024, 1, 4))
    assert amounts.tolist() == [-100, -50, 30, 140]
    assert [each.day for each in dates.tolist()] == [1, 2, 4, 4]


def test_a_span_that_does_not_run_forward_is_refused():
    book = book_of(date(2024, 1, 1), [100, 110])
    with pytest.raises(CashFlowError, match="no day"):
        result_between(book, date(2024, 1, 2), date(2024, 1, 2))
