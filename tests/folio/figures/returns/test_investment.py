"""Average-cost investment: a case by hand, transfers, agreement with the ledger in memory."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from folio.figures.ledger import Account, Booking, Market, walk
from folio.figures.returns.investment import CostEffect, investment_changes

FIRST = date(2024, 1, 1)
OPEN, CLOSE, SPLIT = CostEffect.OPEN, CostEffect.CLOSE, CostEffect.SPLIT
OUT, IN = CostEffect.TRANSFER_OUT, CostEffect.TRANSFER_IN


def changes(*events):
    """Changes of events given as (position, effect, units or ratio, cost, pair, carry rate)."""
    rows = [(*event, *(0.0, b"", 1.0)[len(event) - 3 :]) for event in events]
    positions, effects, numbers, costs, pairs, rates = zip(*rows, strict=True)
    return investment_changes(positions, effects, numbers, numbers, costs, rates, pairs).tolist()


def test_a_sale_takes_its_share_of_the_average_cost():
    assert changes(
        (b"a", OPEN, 10, 100.0),
        (b"a", OPEN, 10, 200.0),
        (b"a", SPLIT, 2),
        (b"a", CLOSE, 10),
        (b"a", CLOSE, 30),
    ) == [100, 200, 0, -75, -225]


def test_a_transfer_carries_its_cost_to_its_pair_at_the_rate_between_them():
    assert changes(
        (b"a", OPEN, 10, 100.0), (b"a", OUT, 4, 0.0, b"p"), (b"b", IN, 4, 7.0, b"p", 1.5), (b"b", CLOSE, 4)
    ) == [100, -40, 60, -60]


def test_a_transfer_from_outside_costs_what_it_says():
    assert changes((b"b", IN, 4, 7.0, b"p")) == [7]


TRADES = st.lists(st.tuples(st.integers(-8, 9), st.integers(1, 500)), min_size=1, max_size=20)


@given(trades=TRADES)
def test_both_walks_agree(trades):
    events, bookings, held = [], [], 0
    for offset, (units, amount) in enumerate(trades):
        units = max(units, -held)
        if not units:
            continue
        held += units
        events.append((b"a", OPEN if units > 0 else CLOSE, abs(units), float(amount)))
        kind = "buy" if units > 0 else "sell"
        on = FIRST + timedelta(days=offset)
        bookings.append(Booking(on, kind, Decimal(amount), "SHARE", Decimal(abs(units))))
    if not events:
        return
    days = walk(bookings, Market(), Account("EUR", "implied"), bookings[-1].booked_on)
    assert np.sum(changes(*events)) == pytest.approx(float(days[-1].invested), abs=1e-6)
