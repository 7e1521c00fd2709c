"""Time-weighted return: cases by hand, the naive loop, refusals, published examples."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from folio.errors import CashFlowError
from folio.figures.returns.twr import chain, daily_returns, linked_return

NAN = math.nan


def naive_returns(values, deposits, withdrawals, end_deposits):
    """Day by day, with the flows since the last known value."""
    rates, last, early, late, out = [], 0.0, 0.0, 0.0, 0.0
    for value, deposit, withdrawal, end_deposit in zip(
        values, deposits, withdrawals, end_deposits, strict=True
    ):
        early, late, out = early + deposit, late + end_deposit, out + withdrawal
        if math.isnan(value):
            rates.append(NAN)
            continue
        rates.append((value + out - late) / (last + early) - 1 if last + early > 0 else NAN)
        last, early, late, out = value, 0.0, 0.0, 0.0
    return np.array(rates)


def zeros(values):
    return np.zeros(len(values))


def test_deposits_count_from_the_start_of_the_day_and_withdrawals_to_its_end():
    # day 1: 100 in, worth 110: 10 %. day 2: 50 in, 30 out, worth 146: (146 + 30) / 160 - 1 = 10 %
    found = daily_returns(np.array([110.0, 146.0]), np.array([100.0, 50.0]), np.array([0.0, 30.0]))
    assert found.rate == pytest.approx([0.10, 0.10], abs=1e-15)


def test_flows_at_the_end_of_the_day_earn_nothing_on_it():
    found = daily_returns(
        np.array([100.0, 160.0, 99.0]), np.array([100.0, 50.0, 0.0]), np.array([0, 0, 77.0]), "end"
    )
    assert np.isnan(found.rate[0])
    assert found.rate[1:] == pytest.approx([0.10, 0.10], abs=1e-15)
    assert found.is_undefined.tolist() == [True, False, False]


def test_deposits_of_both_timings_go_together():
    found = daily_returns(
        np.array([110.0, 260.0]), np.array([100.0, 50.0]), np.zeros(2), end_deposits=np.array([0.0, 84.0])
    )
    assert found.rate == pytest.approx([0.10, 0.10], abs=1e-15)


def test_a_return_spans_days_of_unknown_value():
    found = daily_returns(
        np.array([100.0, NAN, NAN, 165.0, NAN]), np.array([100.0, 0, 50, 0, 0]), np.zeros(5)
    )
    assert found.rate[[0, 3]] == pytest.approx([0.0, 0.10], abs=1e-15)
    assert found.is_gap.tolist() == [False, True, True, False, True]
    assert np.isnan(found.rate[[1, 2, 4]]).all()
    linked = chain(found)
    assert linked.growth == pytest.approx([1.0, 1.0, 1.0, 1.1, 1.1], abs=1e-15)
    assert not linked.is_restart.any()


def test_the_chain_restarts_after_nothing_was_invested():
    values = np.array([110.0, 0.0, 0.0, 50.0, 60.0])
    found = daily_returns(values, np.array([100.0, 0, 0, 50, 0]), np.array([0, 121.0, 0, 0, 0]))
    linked = chain(found)
    assert found.is_undefined.tolist() == [False, False, True, False, False]
    assert linked.growth[[0, 1, 3, 4]] == pytest.approx([1.1, 1.21, 1.0, 1.2])
    assert np.isnan(linked.growth[2])
    assert linked.is_restart.tolist() == [False, False, False, True, False]
    assert linked_return(found, 0, 1).rate == pytest.approx(0.21)
    whole = linked_return(found, 0, 4)
    assert (whole.rate, whole.is_broken) == (pytest.approx(0.2), True)
    emptied = linked_return(found, 0, 2)
    assert (emptied.rate, emptied.is_broken) == (pytest.approx(0.21), False)
    assert linked_return(found, 2, 2).rate is None


def test_days_before_the_first_money_have_no_return_and_are_no_restart():
    found = daily_returns(np.array([0.0, 0.0, 110.0]), np.array([0, 0, 100.0]), np.zeros(3))
    assert np.isnan(found.rate[:2]).all()
    assert not chain(found).is_restart.any()


amounts = st.integers(0, 10**6).map(lambda cents: cents / 100)


@given(
    rows=st.lists(
        st.tuples(st.one_of(st.just(NAN), st.just(0.0), amounts), amounts, amounts, amounts),
        min_size=1,
        max_size=30,
    )
)
def test_the_kernel_equals_the_naive_loop(rows):
    values, deposits, withdrawals, late = (np.array(column) for column in zip(*rows, strict=True))
    found = daily_returns(values, deposits, withdrawals, end_deposits=late)
    expected = naive_returns(values, deposits, withdrawals, late)
    np.testing.assert_allclose(found.rate, expected, rtol=1e-9, atol=1e-9)
    assert (np.isnan(found.rate) == (found.is_gap | found.is_undefined)).all()

    growth, linked = NAN, chain(found)
    for day, rate in enumerate(found.rate):
        if found.is_undefined[day]:
            growth = NAN
        elif not math.isnan(rate):
            growth = (1.0 if math.isnan(growth) else growth) * (1 + rate)
        np.testing.assert_allclose(linked.growth[day], growth, rtol=1e-9, atol=1e-9)


@given(rates=st.lists(st.floats(-0.5, 0.5), min_size=1, max_size=40), flow=st.floats(1.0, 1e6))
def test_flows_do_not_move_the_time_weighted_return(rates, flow):
    quiet, busy, deposits = [], [], np.zeros(len(rates) + 1)
    value_quiet = value_busy = 1000.0
    deposits[0] = 1000.0
    quiet, busy = [1000.0], [1000.0]
    for day, rate in enumerate(rates, start=1):
        value_quiet *= 1 + rate
        if day % 2:
            deposits[day] = flow
        value_busy = (value_busy + deposits[day]) * (1 + rate)
        quiet.append(value_quiet)
        busy.append(value_busy)
    first = zeros(quiet)
    first[0] = 1000.0
    one = linked_return(daily_returns(np.array(quiet), first, zeros(quiet)), 0, len(rates)).rate
    other = linked_return(daily_returns(np.array(busy), deposits, zeros(busy)), 0, len(rates)).rate
    assert one == pytest.approx(other, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize(
    ("deposits", "withdrawals", "timing"),
    [
        (np.zeros(3), np.zeros(2), "start"),
        (np.array([-1.0, 0.0]), np.zeros(2), "start"),
        (np.array([NAN, 0.0]), np.zeros(2), "start"),
        (np.zeros(2), np.array([math.inf, 0.0]), "start"),
        (np.zeros(2), np.zeros(2), "noon"),
    ],
)
def test_flows_that_cannot_be_are_refused(deposits, withdrawals, timing):
    with pytest.raises(CashFlowError):
        daily_returns(np.ones(2), deposits, withdrawals, timing)


@pytest.mark.shared_data
def test_published_cases_are_met(published_cases):
    for case in published_cases("portfolio-performance/ttwror"):
        first, last = (np.datetime64(day) for day in case["inputs"]["period"])
        count = int((last - first).astype(int)) + 1
        deposits, withdrawals, change = np.zeros(count), np.zeros(count), np.zeros(count)
        for day, kind, amount in case["inputs"]["account_transactions"]:
            position = int((np.datetime64(day) - first).astype(int))
            sign = 1 if kind in ("DEPOSIT", "INTEREST") else -1
            change[position] += sign * float(amount)
            deposits[position] += float(amount) if kind == "DEPOSIT" else 0
            withdrawals[position] += float(amount) if kind == "WITHDRAWAL" else 0
        found = daily_returns(np.cumsum(change), deposits, withdrawals)
        growth = chain(found).growth - 1
        if "delta" in case["expected"]:
            assert found.rate == pytest.approx([float(x) for x in case["expected"]["delta"]], abs=1e-5)
            assert growth == pytest.approx([float(x) for x in case["expected"]["accumulated"]], abs=1e-5)
        else:
            assert growth[-1] == pytest.approx(float(case["expected"]["accumulated_last"]), abs=1e-5)
