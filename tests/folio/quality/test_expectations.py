"""Expectations hold good batches harmless and bad ones back, alike by both engines."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas
import pytest

from folio.quality import expectations
from folio.quality.expectations import Expectation
from folio.sources import landing
from folio.sources.landing import Ask, Batch, Load
from folio.sources.payloads import Payload
from folio.store import warehouse as warehouse_module

JULY = [date(2025, 7, day) for day in range(1, 32)]


class Batches:
    """Lands batches of NAVs (code -> NAV, dated the day before the fetch) under the plain checks."""

    def __init__(self, connection: Any, folder: Path) -> None:
        self.connection, self.folder = connection, folder

    def land(
        self,
        day: int,
        navs: dict[int, str],
        *,
        dated: date | None = None,
        rejected: int = 0,
        night: str = "n",
    ) -> Load:
        nav_date = dated or date(2025, 7, day - 1)
        rows = [
            (nav_date, code, Decimal(nav), line) for line, (code, nav) in enumerate(navs.items(), start=1)
        ]
        bad = [landing.Rejected(len(rows) + n, "bad", "") for n in range(rejected)]
        return landing.take_in(
            self.connection,
            Ask("amfi", "navs", f"{day}", night, ""),
            lambda: Payload(f"{day}".encode(), datetime(2025, 7, day, 3, tzinfo=UTC)),
            lambda body, load: Batch("amfi_navs", rows, bad),
            folder=self.folder,
            check=expectations.checking("plain"),
        )


@pytest.fixture
def batches(warehouse: str, tmp_path: Path) -> Any:
    with warehouse_module.connect(warehouse) as connection:
        yield Batches(connection, tmp_path)


def hundred(nav: str = "10", count: int = 100) -> dict[int, str]:
    return dict.fromkeys(range(1, count + 1), nav)


def test_an_ordinary_day_passes_every_check(batches: Batches) -> None:
    assert batches.land(2, hundred()).status == "loaded"
    assert batches.land(3, hundred("10.1")).status == "loaded"
    found = batches.connection.execute(
        "select check_name, status from ops.check_results where subject = 'amfi/navs 3' order by 1"
    ).fetchall()
    assert found == [
        ("jumps", "passed"),
        ("newest row at most 15 days old", "passed"),
        ("newest row at most 5 days old", "passed"),
        ("rows against the last load", "passed"),
        ("rows readable", "passed"),
        ("values positive", "passed"),
    ]


def test_missing_rows_are_held_by_how_long_ago_the_last_load_was(batches: Batches) -> None:
    batches.land(2, hundred(count=400))
    assert batches.land(3, hundred(count=370)).status == "held"
    assert batches.land(30, hundred(count=370)).status == "loaded"
    assert batches.land(31, hundred(count=180)).status == "held"


def test_a_held_batch_is_not_what_the_next_is_measured_by(batches: Batches) -> None:
    batches.land(2, hundred())
    assert batches.land(3, hundred(count=40)).status == "held"
    assert batches.land(4, hundred(count=40)).status == "held"
    assert batches.land(5, hundred()).status == "loaded"


def test_a_small_list_may_lose_or_split_a_few(batches: Batches) -> None:
    batches.land(2, hundred(count=4))
    assert batches.land(3, {1: "5", 2: "10", 3: "10"}).status == "loaded"


def test_jumps_of_many_rows_are_held_and_of_a_few_are_not(batches: Batches) -> None:
    batches.land(2, hundred())
    assert batches.land(3, {**hundred("10.2"), **dict.fromkeys(range(1, 6), "5")}).status == "loaded"
    held = batches.land(4, hundred("1020"))
    assert held.status == "held"
    assert held.reason == "jumps: 100 of 100 outside, expected jump <= 1 for 95.00% of rows"


def test_a_change_over_many_days_is_measured_by_their_root(batches: Batches) -> None:
    batches.land(2, hundred())
    assert batches.land(27, hundred("14.5")).status == "loaded"  # 45 % over 25 days; half of it is the limit


def test_an_old_file_is_told_and_an_older_one_held(batches: Batches) -> None:
    assert batches.land(12, hundred(), dated=date(2025, 7, 1)).status == "loaded"
    statuses = batches.connection.execute(
        "select status from ops.check_results where check_name like 'newest%' order by check_name"
    ).fetchall()
    assert statuses == [("passed",), ("warned",)]
    assert batches.land(13, hundred(), dated=date(2025, 6, 1)).status == "held"


def test_many_unreadable_lines_are_held(batches: Batches) -> None:
    assert batches.land(2, hundred(), rejected=50).status == "loaded"
    held = batches.land(3, hundred(), rejected=400)
    assert (held.status, held.reason) == ("held", "rows readable: 100 rows, expected rows >= 400")


def test_an_empty_batch_is_held_where_one_cannot_be(batches: Batches) -> None:
    assert batches.land(2, {}).status == "held"


def test_checking_again_replaces_the_result(batches: Batches) -> None:
    for attempt in range(2):
        load = batches.land(2, hundred())
        assert load.repeated == bool(attempt)
        expectations.record(
            batches.connection,
            "n",
            check_name="a",
            subject="s",
            severity="warn",
            status=f"{['passed', 'warned'][attempt]}",
        )
    rows = batches.connection.execute(
        "select status from ops.check_results where check_name = 'a'"
    ).fetchall()
    assert rows == [("warned",)]


CASES = [
    Expectation("enough", "fail", None, 3, None),
    Expectation("too few", "fail", None, 6, None),
    Expectation("too many", "warn", None, None, 4),
    Expectation("positive", "fail", "value", 0, None, strictly_above=True),
    Expectation("not negative", "fail", "value", 0, None),
    Expectation("most positive", "fail", "value", 0, None, mostly=0.8, strictly_above=True),
    Expectation("not so many positive", "fail", "value", 0, None, mostly=0.81, strictly_above=True),
    Expectation("one young", "warn", "age_days", None, 5, any_row=True),
    Expectation("none so young", "warn", "age_days", None, 1, any_row=True),
    Expectation("half jump", "fail", "jump", None, 1, mostly=0.5),
    Expectation("fewer jump", "fail", "jump", None, 1, mostly=0.51),
    Expectation("nothing known", "fail", "unknown", None, 1),
]


def test_both_engines_say_the_same_of_every_kind_of_expectation() -> None:
    frame = pandas.DataFrame(
        {
            "value": [1.0, 2.0, 0.0, 4.0, 5.0],
            "age_days": [2.0, 900.0, 30.0, 30.0, 30.0],
            "jump": [0.5, 1.5, float("nan"), float("nan"), float("nan")],
            "unknown": [float("nan")] * 5,
        }
    )
    plain = expectations.validate(frame, CASES, "plain")
    assert [one.holds for one in plain] == [
        True, False, False, False, True, True, False, True, False, True, False, True,
    ]  # fmt: skip
    assert expectations.validate(frame, CASES, "great_expectations") == plain
