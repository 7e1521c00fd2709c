"""Money-weighted return: a case by hand, laws, refusals, published examples."""

import csv
import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from folio.errors import CashFlowError, NoRateFound
from folio.figures.returns.cashflows import (
    HIGHEST_RATE,
    LOWEST_RATE,
    linked_xirr,
    xirr,
    xirr_many,
    xirr_roots,
)

START = np.datetime64("2020-01-01")


def days(*offsets):
    return START + np.array(offsets, dtype=np.int64)


def present_value_exactly(dates, amounts, rate):
    """Net present value in 60 digits: a path of its own, without floats."""
    first = min(dates)
    with localcontext() as context:
        context.prec = 60
        log_rate = (1 + Decimal(rate)).ln()
        return sum(
            Decimal(amount) * (-log_rate * int((day - first).astype(int)) / 365).exp()
            for day, amount in zip(dates, amounts, strict=True)
        )


def sign_changes_on_a_fine_grid(dates, amounts, low, high):
    t = (dates - dates.min()).astype(float) / 365
    g = np.linspace(low, high, 20_001)
    present = (amounts * np.exp(-np.multiply.outer(g, t - t.mean()))).sum(axis=1)
    return int((np.diff(np.sign(present)) != 0).sum())


def test_ten_percent_over_a_year_of_365_days():
    assert xirr(days(0, 365), np.array([-100.0, 110.0])) == pytest.approx(0.10, abs=1e-14)


def test_two_deposits_by_hand():
    # -100 (1+r)^2 - 100 (1+r) + 231 = 0 with x = 1 + r: x = (-1 + sqrt(1 + 4 * 2.31)) / 2 = 1.1
    assert xirr(days(0, 365, 730), np.array([-100.0, -100.0, 231.0])) == pytest.approx(0.10, abs=1e-13)


def test_flows_that_give_back_what_was_paid_have_rate_zero():
    assert xirr(days(0, 400), np.array([-100.0, 100.0])) == pytest.approx(0.0, abs=1e-15)


def test_two_rates_are_both_found_and_the_one_nearest_to_zero_is_taken():
    # -100 x^2 + 230 x - 132 = 0 for x = 1.1 and 1.2
    dates, amounts = days(0, 365, 730), np.array([-100.0, 230.0, -132.0])
    assert xirr_roots(dates, amounts) == pytest.approx([0.10, 0.20], abs=1e-9)
    assert xirr(dates, amounts) == pytest.approx(0.10, abs=1e-9)


def test_three_rates_on_both_sides_of_zero_are_found():
    # (x - 0.5)(x - 1.2)(x - 2) = x^3 - 3.7 x^2 + 4 x - 1.2
    dates, amounts = days(0, 365, 730, 1095), np.array([-1.0, 3.7, -4.0, 1.2])
    assert xirr_roots(dates, amounts) == pytest.approx([0.2, 1.0, -0.5], abs=1e-9)


def test_rates_at_which_the_value_only_touches_zero_count_once():
    # -(x - 1.1)^2 = 0
    found = xirr_roots(days(0, 365, 730), np.array([-1.0, 2.2, -1.21]))
    assert found == pytest.approx([0.10], abs=1e-6)


def test_a_double_rate_of_zero_is_exactly_zero_and_one():
    assert xirr_roots(days(0, 365, 730), np.array([-1.0, 2.0, -1.0])).tolist() == [0.0]


def test_order_and_flows_that_share_a_day_do_not_matter():
    dates, amounts = days(700, 0, 300, 300), np.array([150.0, -100.0, -30.0, 5.0])
    assert xirr(dates, amounts) == pytest.approx(
        xirr(days(0, 300, 700), np.array([-100.0, -25.0, 150.0])), abs=1e-13
    )


def test_a_loss_of_nearly_everything_in_days_is_found():
    rate = xirr(days(0, 11), np.array([-18480.0, 13120.0]))
    assert rate == pytest.approx((13120 / 18480) ** (365 / 11) - 1, abs=1e-13)


@given(rate=st.floats(-0.9, 5.0), gap=st.integers(30, 3650), paid=st.floats(1.0, 1e9))
def test_a_flow_grown_at_a_rate_gives_that_rate_back(rate, gap, paid):
    dates = START + np.array([0, gap])
    grown = paid * (1 + rate) ** (gap / 365)
    assert xirr(dates, np.array([-paid, grown])) == pytest.approx(rate, abs=1e-8)


@given(
    flows=st.lists(st.tuples(st.integers(0, 6000), st.integers(-10_000, 10_000)), min_size=2, max_size=25),
    factor=st.sampled_from([1e-6, -1.0, 3.0, 1e9]),
)
def test_rates_solve_the_flows_and_are_blind_to_scale_and_sign(flows, factor):
    dates, amounts = days(*(day for day, _ in flows)), np.array([float(amount) for _, amount in flows])
    try:
        roots = xirr_roots(dates, amounts)
    except CashFlowError:
        assert len({np.sign(amount) for amount in amounts} - {0.0}) < 2
        return
    t = (dates - dates.min()).astype(float) / 365
    for rate in roots:
        assert LOWEST_RATE < rate < HIGHEST_RATE
        weights = np.exp(-math.log1p(rate) * (t - (t.max() if rate < 0 else 0)))
        # one unit in the last place of 1 + rate moves g by 1e-16 / (1 + rate)
        slack = 1e-9 + 1e-15 / (1 + rate) * float(t.max())
        assert abs(amounts @ weights) <= slack * (np.abs(amounts) @ weights)
    assert list(np.abs(np.log1p(roots))) == sorted(np.abs(np.log1p(roots)))
    assert xirr_roots(dates, factor * amounts) == pytest.approx(roots, rel=1e-6, abs=1e-6)


def test_as_many_rates_are_found_as_a_fine_grid_shows():
    random = np.random.default_rng(7)
    for _ in range(300):
        count = random.integers(2, 40)
        dates, amounts = START + random.integers(0, 6000, count), random.normal(size=count)
        if len(set(np.sign(amounts))) < 2 or len(set(dates)) < 2:
            continue
        g = np.log1p(xirr_roots(dates, amounts))
        assert ((g > -3) & (g < 6)).sum() == sign_changes_on_a_fine_grid(dates, amounts, -3, 6)


@pytest.mark.parametrize(
    ("dates", "amounts"),
    [
        (days(0, 1), np.array([-1.0])),
        (days(0, 1), np.array([-1.0, math.nan])),
        (days(0, 1), np.array([-1.0, math.inf])),
        (days(0, 1), np.array([1.0, 2.0])),
        (days(0, 1), np.array([0.0, 0.0])),
        (np.array(["2020-01-01", "NaT"], dtype="datetime64[D]"), np.array([-1.0, 1.0])),
        (days(), np.array([])),
    ],
)
def test_flows_that_cannot_have_a_rate_are_refused(dates, amounts):
    with pytest.raises(CashFlowError):
        xirr(dates, amounts)


def test_flows_of_one_day_have_no_rate():
    with pytest.raises(NoRateFound):
        xirr(days(3, 3), np.array([-100.0, 120.0]))


@pytest.mark.parametrize("amounts", [[-100.0, 1e-12], [-1e-12, 100.0], [100.0, -220.0, 142.0]])
def test_flows_without_a_rate_in_range_have_no_rate(amounts):
    dates = days(0, 365, 730)[: len(amounts)]
    with pytest.raises(NoRateFound):
        xirr(dates, np.array(amounts))
    assert xirr_roots(dates, np.array(amounts)).size == 0


# A root that only 60 digits show: the peer's solver stops at a residual it cannot reach in floats.
FOUND_HERE_ONLY = {"pyxirr/xirr-case_30_20"}


@pytest.mark.shared_data
def test_published_cases_are_met(published_cases):
    for case in published_cases("pyxirr/xirr") + published_cases("portfolio-performance/irr"):
        flows = case["inputs"]["cash_flows"]
        dates = np.array([day for day, _ in flows], dtype="datetime64[D]")
        amounts = np.array([float(amount) for _, amount in flows])
        expected = case["expected"].get("xirr", case["expected"].get("irr"))
        roots = xirr_roots(dates, amounts)
        if case["id"] in FOUND_HERE_ONLY:
            (rate,) = roots
            signs = {
                present_value_exactly(dates, [a for _, a in flows], rate + step) > 0 for step in (-1e-9, 1e-9)
            }
            assert signs == {True, False}, case["id"]
        elif expected is None:
            assert roots.size == 0, case["id"]
        else:
            digits = 5e-9 if case["id"].startswith("portfolio-performance") else 1e-9
            assert xirr(dates, amounts) == pytest.approx(float(expected), abs=digits), case["id"]


@pytest.mark.shared_data
def test_published_flow_files_are_solved(shared):
    files = sorted((shared / "data/transactions/xirr_cashflows_pyxirr").glob("*.csv"))
    assert len(files) == 11
    for file in files:
        with file.open() as lines:
            rows = [row for row in csv.reader(lines, skipinitialspace=True) if row]
        dates = np.array([row[0].strip() for row in rows], dtype="datetime64[D]")
        amounts = [row[1].strip() for row in rows]
        rate = xirr(dates, np.array([float(amount) for amount in amounts]))
        signs = {
            present_value_exactly(dates, amounts, rate + step * (1 + rate)) > 0 for step in (-1e-9, 1e-9)
        }
        assert signs == {True, False}, file.name


@pytest.mark.shared_data
def test_the_day_count_of_the_published_case_is_ours(published_cases):
    met = 0
    for case in published_cases("pyxirr/day_count"):
        if case["inputs"]["day_count"].lower() != "act/365f":
            continue
        flows = case["inputs"]["cash_flows"]
        rate = xirr(
            np.array([f[0] for f in flows], dtype="datetime64[D]"), np.array([float(f[1]) for f in flows])
        )
        assert rate == pytest.approx(float(case["expected"]["xirr"]), abs=1e-9)
        met += 1
    assert met == 1


@given(
    st.lists(st.integers(1, 10**9), min_size=1, max_size=8),
    st.lists(st.integers(0, 5000), min_size=8, max_size=8, unique=True),
)
def test_cents_that_come_back_whole_have_the_rate_of_zero(cents, offsets):
    # 200.50 and 100.00 in, 300.50 out: the floats of such cents need not add up to zero
    dates = days(*sorted(offsets[: len(cents)]), 5001)
    amounts = np.array([*(-cent / 100 for cent in cents), sum(cents) / 100])
    assert xirr(dates, amounts) == 0.0


def test_linked_rates_are_the_time_weighted_return_where_every_flow_is_valued():
    # 100 grows by 10 %, 50 comes in, then all falls by 5 %
    dates, values = days(100, 100, 200), np.array([110.0, math.nan, 152.0])
    flows = np.array([0.0, 50.0, 0.0])
    assert linked_xirr(START, 100.0, dates, values, flows) == pytest.approx(1.1 * 0.95 - 1, abs=1e-12)


def test_a_flow_between_valuations_meets_the_price_of_even_growth():
    # 100 and, half way, 110 grow by 10 % a half: 100 x 1.21 + 110 x 1.1
    dates, values = days(50, 100), np.array([math.nan, 242.0])
    assert linked_xirr(START, 100.0, dates, values, np.array([110.0, 0.0])) == pytest.approx(0.21, abs=1e-12)


def test_a_stretch_within_a_day_gives_its_value_over_what_was_in_it():
    # 160 comes in at the price of the morning and closes at 176
    dates, values = days(40, 40, 90), np.array([math.nan, 176.0, 176.0])
    assert linked_xirr(START, 0.0, dates, values, np.array([160.0, 0.0, 0.0])) == pytest.approx(0.1)


def test_a_stretch_of_days_may_gain_what_is_no_rate_a_year():
    assert linked_xirr(START, 100.0, days(2), np.array([150.0]), np.zeros(1)) == pytest.approx(0.5)
    values = np.array([math.nan, 200.0])
    assert linked_xirr(START, 100.0, days(1, 2), values, np.array([50.0, 0.0])) > 0.3


def test_a_span_without_a_closing_value_or_a_rate_has_no_linked_return():
    assert math.isnan(linked_xirr(START, 100.0, days(50), np.array([math.nan]), np.zeros(1)))
    assert linked_xirr(START, 0.0, days(50), np.zeros(1), np.zeros(1)) == 0.0


LEDGERS = st.lists(
    st.lists(st.tuples(st.integers(0, 4000), st.integers(-500, 500)), min_size=1, max_size=12),
    min_size=1,
    max_size=8,
)


@given(ledgers=LEDGERS, closing=st.integers(-3000, 3000))
def test_many_ledgers_at_once_have_the_rates_they_have_one_by_one(ledgers, closing):
    rows = []
    for flows in ledgers:
        dated = sorted((day, float(amount)) for day, amount in [*flows, (4001, closing)] if amount)
        if len({amount > 0 for _, amount in dated}) == 2:
            rows.append(dated)
    if not rows:
        return
    lengths = np.array([len(row) for row in rows])
    times, amounts = np.full((len(rows), lengths.max()), 9.9), np.full((len(rows), lengths.max()), 1.0)
    for number, row in enumerate(rows):
        first = row[0][0]
        times[number, : len(row)] = [(day - first) / 365 for day, _ in row]
        amounts[number, : len(row)] = [amount for _, amount in row]
    rates, counts = xirr_many(times, amounts, lengths)
    for number, row in enumerate(rows):
        roots = xirr_roots(days(*(day for day, _ in row)), np.array([amount for _, amount in row]))
        assert counts[number] == roots.size
        expected = roots[0] if roots.size else math.nan
        assert rates[number] == pytest.approx(expected, rel=1e-9, abs=1e-11, nan_ok=True)


def test_tables_of_flows_that_do_not_pair_are_refused():
    with pytest.raises(CashFlowError, match="pair"):
        xirr_many(np.zeros((2, 3)), np.zeros((2, 2)), np.array([1, 1]))
    with pytest.raises(CashFlowError, match="finite"):
        xirr_many(np.zeros((1, 1)), np.full((1, 1), np.inf), np.array([1]))
