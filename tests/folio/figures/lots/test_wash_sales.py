"""Wash sales: the worked example of the revenue service, which lots replace, laws of conservation."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folio.errors import LotError
from folio.figures.lots.wash_sales import TaxLot, WashRule, wash_sales

D = Decimal


def lot(name, bought, units, cost, sold=None, proceeds=None, **more):
    return TaxLot(
        lot_id=name,
        purchase_id=more.pop("purchase_id", name),
        group=more.pop("group", "X"),
        units=D(units),
        acquisition_date=date.fromisoformat(bought),
        cost=D(cost),
        sale_date=date.fromisoformat(sold) if sold else None,
        proceeds=None if proceeds is None else D(proceeds),
        **more,
    )


def test_the_example_of_publication_550():
    sold, bought = wash_sales(
        [lot("a", "2014-05-01", 100, 1000, "2014-07-01", 750), lot("b", "2014-07-05", 100, 800)]
    )
    assert sold.disallowed == 250
    assert (bought.adjusted_cost, bought.adjusted_acquisition_date) == (1050, date(2014, 5, 5))
    assert bought.replaces == ("a",)


@pytest.mark.parametrize(
    ("bought", "washed"),
    [("2020-05-31", True), ("2020-05-30", False), ("2020-07-30", True), ("2020-07-31", False)],
)
def test_thirty_days_count_on_each_side(bought, washed):
    found = wash_sales([lot("a", "2020-01-01", 1, 10, "2020-06-30", 4), lot("b", bought, 1, 5)])
    assert bool(found[0].disallowed) == washed


def test_a_part_is_washed_and_the_rest_is_a_loss():
    found = wash_sales([lot("a", "2020-01-01", 3, 10, "2020-06-30", 4), lot("b", "2020-07-01", 1, 5)])
    assert [(piece.units, piece.disallowed) for piece in found] == [(1, 2), (2, 0), (1, 0)]
    assert sum(piece.cost for piece in found[:2]) == 10


def test_a_retirement_account_loses_the_cost():
    found = wash_sales(
        [
            lot("a", "2020-01-01", 1, 10, "2020-06-30", 4),
            lot("b", "2020-07-01", 1, 5, is_retirement=True),
        ]
    )
    assert found[0].disallowed == 6
    assert (found[1].cost_added, found[1].days_added, found[1].is_replacement) == (0, 0, True)


def test_units_sold_before_the_loss_and_other_securities_replace_nothing():
    found = wash_sales(
        [
            lot("a", "2020-01-01", 1, 10, "2020-06-30", 4),
            lot("gone", "2020-06-05", 1, 5, "2020-06-20", 6),
            lot("other", "2020-06-25", 1, 5, group="Y"),
        ]
    )
    assert not any(piece.disallowed for piece in found)


def test_a_window_of_no_days_is_the_day_itself():
    lots = [lot("a", "2020-01-01", 1, 10, "2020-06-30", 4), lot("b", "2020-07-01", 1, 5)]
    assert not wash_sales(lots, WashRule(0, 0))[0].disallowed
    assert wash_sales(lots, WashRule(0, 1))[0].disallowed == 6


def test_a_lot_without_units_or_half_sold_is_refused():
    for broken in (lot("a", "2020-01-01", 0, 1), lot("a", "2020-01-01", 1, 1, proceeds=3)):
        with pytest.raises(LotError):
            wash_sales([broken])


@st.composite
def tax_lots(draw):
    first = date(2020, 1, 1)
    lots = []
    for number in range(draw(st.integers(1, 10))):
        bought = first + timedelta(days=draw(st.integers(0, 80)))
        kept = lot(f"l{number}", bought.isoformat(), draw(st.integers(1, 9)), draw(st.integers(0, 100)))
        if draw(st.booleans()):
            sold = bought + timedelta(days=draw(st.integers(0, 60)))
            kept = replace(kept, sale_date=sold, proceeds=D(draw(st.integers(0, 100))))
        lots.append(kept)
    return lots


@given(lots=tax_lots())
def test_units_and_money_are_conserved_and_denied_losses_are_borne(lots):
    found = wash_sales(lots)
    for given_lot in lots:
        pieces = [piece for piece in found if piece.lot_id == given_lot.lot_id]
        assert sum(piece.units for piece in pieces) == given_lot.units
        assert sum(piece.cost for piece in pieces) == given_lot.cost
        if given_lot.proceeds is not None:
            assert sum(piece.proceeds for piece in pieces) == given_lot.proceeds
    assert sum(piece.disallowed for piece in found) == sum(piece.cost_added for piece in found)
    assert all(0 <= piece.disallowed <= piece.loss for piece in found)
    replaced = sum(piece.units for piece in found if piece.disallowed)
    assert replaced <= sum(piece.units for piece in found if piece.is_replacement)


@given(lots=tax_lots())
def test_what_was_denied_before_stays_and_is_not_denied_again(lots):
    found = wash_sales(lots)
    assert wash_sales(found) == found
