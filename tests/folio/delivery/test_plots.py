"""Plots: pictures that are PNGs, repeatable, and honest about gaps."""

from datetime import date, timedelta
from decimal import Decimal

from folio.delivery import plots

DAYS = [date(2013, 1, 1) + timedelta(days=n) for n in range(59)]
PNG = b"\x89PNG\r\n\x1a\n"


def test_the_same_figures_give_the_same_bytes():
    values = [Decimal(1000 + n) for n in range(59)]
    first = plots.value_chart(DAYS, values, "EUR")
    assert first.startswith(PNG)
    assert first == plots.value_chart(DAYS, values, "EUR")


def test_a_day_without_value_is_a_gap_and_not_a_zero():
    values: list[Decimal | None] = [Decimal(1000 + n) for n in range(59)]
    whole = plots.value_chart(DAYS, values, "EUR")
    values[20:30] = [None] * 10
    gap = plots.value_chart(DAYS, values, "EUR")
    values[20:30] = [Decimal(0)] * 10
    assert len({whole, gap, plots.value_chart(DAYS, values, "EUR")}) == 3


def test_one_day_or_no_value_at_all_still_draws():
    assert plots.value_chart(DAYS[:1], [Decimal(5)], "EUR").startswith(PNG)
    assert plots.value_chart(DAYS[:2], [None, None], "EUR").startswith(PNG)


def test_many_classes_are_summed_into_the_last_bar():
    kept = [(f"class_{n}", Decimal("0.13")) for n in range(7)]
    small = [(f"small_{n}", Decimal("0.03")) for n in range(3)]
    assert plots.allocation_chart([*small, *kept]) == plots.allocation_chart(
        [*kept, ("other", Decimal("0.09"))]
    )


def test_a_negative_share_and_no_share_still_draw():
    assert plots.allocation_chart([("equity", Decimal("1.1")), ("cash", Decimal("-0.1"))]).startswith(PNG)
    assert plots.allocation_chart([]).startswith(PNG)
