"""What is usual is learned from the loads of late, and only once there are enough of them."""

from decimal import Decimal
from typing import Any

import pytest

from folio.quality.learning import LEAST, usual_at_most
from folio.store import warehouse as warehouse_module
from tests.folio.quality.test_expectations import Batches, hundred


def test_too_few_loads_teach_nothing() -> None:
    assert usual_at_most([0.01] * (LEAST - 1), floor=0.01) is None


def test_alike_loads_leave_the_floor_above_them() -> None:
    assert usual_at_most([0.03] * 20, floor=0.01) == pytest.approx(0.04)


def test_one_bad_load_among_good_ones_moves_nothing() -> None:
    good = [0.030, 0.031, 0.029, 0.030, 0.032, 0.028, 0.030, 0.031]
    assert usual_at_most([*good, 0.9], floor=0.001) == pytest.approx(0.030 + 6 * 1.4826 * 0.001, rel=0.2)


def results(batches: Batches, slot: str) -> dict[str, str]:
    return dict(
        batches.connection.execute(
            "select check_name, status from ops.check_results where subject = %s", [f"amfi/navs {slot}"]
        ).fetchall()
    )


@pytest.fixture
def two_weeks(warehouse: str, tmp_path: Any) -> Any:
    """Ten days of 1,000 funds that move a little, 40 lines of each file unreadable."""
    with warehouse_module.connect(warehouse) as connection:
        batches = Batches(connection, tmp_path)
        for day in range(2, 12):
            nav = str(Decimal("10") + Decimal(day) / 100)
            assert batches.land(day, hundred(nav, 1000), rejected=40).status == "loaded"
        yield batches


def test_more_rows_gone_than_usual_is_a_warning_and_not_a_hold(two_weeks: Batches) -> None:
    assert two_weeks.land(12, hundred("10.1", 980), rejected=40).status == "loaded"
    found = results(two_weeks, "12")
    assert found["rows against what is usual"] == "warned"
    assert found["rows against the last load"] == "passed"


def test_more_jumps_than_usual_are_a_warning_and_three_times_as_many_a_hold(two_weeks: Batches) -> None:
    some = {**hundred("10.1", 1000), **dict.fromkeys(range(1, 7), "5")}
    assert two_weeks.land(12, some, rejected=40).status == "loaded"
    assert results(two_weeks, "12")["jumps against what is usual"] == "warned"
    many = {**hundred("10.1", 1000), **dict.fromkeys(range(500, 519), "5")}
    assert two_weeks.land(13, many, rejected=40).status == "held"


def test_unreadable_lines_far_above_the_usual_are_held_below_the_fixed_limit(two_weeks: Batches) -> None:
    held = two_weeks.land(12, hundred("10.1", 900), rejected=190)
    assert held.status == "held"
    assert (held.reason or "").startswith("rows readable")
