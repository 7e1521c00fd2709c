"""Expectations on a parsed batch, checked before it lands; a batch that fails one is held.

Each expectation is declared once, as data, and checked by Great Expectations in a night's one checking task.
Its import takes seconds, so a backfill of hundreds of loads checks the same declarations plainly; a test
holds both ways equal.
"""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import psycopg
from psycopg import sql

from folio.sources.landing import STAGED, Check, Load
from folio.sources.tables import RawTable

Connection: TypeAlias = psycopg.Connection[Any]
Severity: TypeAlias = Literal["warn", "fail"]
Engine: TypeAlias = Literal["great_expectations", "plain"]

SUITE = "batch"


@dataclass(frozen=True)
class Limits:
    """What is expected of the batches of one dataset; the one place of the thresholds.

    `value`, `day`, `thing` name the columns of the figure, its date and what it is a figure of.
    """

    value: str
    day: str
    thing: str
    jump_in_a_day: float
    """Relative change from one day to the next that is a jump; over d days it is sqrt(d) times as much."""
    jumping_share: float
    """Share of the rows that may jump; more at once means mixed-up units, columns or days."""
    missing_share: float | None = None
    """Share of the last load's rows that may be missing the day after; None: batches are no snapshots."""
    old_days_warn: int | None = None
    old_days_fail: int | None = None
    """Age of the newest row at the fetch, in days."""
    may_be_empty: bool = False


MISSING_SHARE_A_WEEK = 0.02
"""Schemes and tickers come and go: the measured files lose up to 1 % in a week where schemes mature."""

MISSING_SHARE_AT_MOST = 0.30
"""Whatever the time between loads, a file that lost a third is a broken file: half a file is always held."""

MISSING_ROWS_ALWAYS = 10
JUMPING_ROWS_ALWAYS = 5
"""Small lists (a demo, a currency table) may lose or split a few without being held."""

REJECTED_SHARE = 0.20
REJECTED_ROWS_ALWAYS = 50
"""AMFI's own oddities are 3 % of its lines; a fifth unread means the layout changed."""

LIMITS: Mapping[tuple[str, str], Limits] = MappingProxyType(
    {
        # NAVs: payouts of dividends, consolidations and segregations jump; see the test on recorded files
        # for how few. Over long holidays the newest NAV is five days old, and a mirror's file of eleven days
        # was still a good file.
        ("amfi", "navs"): Limits(
            "nav",
            "nav_date",
            "scheme_code",
            0.10,
            0.02,
            missing_share=0.05,
            old_days_warn=5,
            old_days_fail=15,
        ),
        ("amfi", "history"): Limits("nav", "nav_date", "scheme_code", 0.10, 0.02, may_be_empty=True),
        # Shares: splits and single companies' news jump, whole markets do not move by a quarter in a day. A
        # holiday has no bars.
        ("polygon", "daily_bars"): Limits(
            "close", "session_date", "ticker", 0.25, 0.05, missing_share=0.10, may_be_empty=True
        ),
        # Rates: single currencies are devalued; a fifth of them moving by 5 % in a day is a mixed-up column.
        # The ECB does not publish over Easter and Christmas, at most five days on end.
        ("ecb", "fx_rates"): Limits(
            "units_per_eur",
            "rate_date",
            "currency_code",
            0.05,
            0.20,
            missing_share=0.10,
            old_days_warn=5,
            old_days_fail=10,
        ),
        ("ecb", "history"): Limits(
            "units_per_eur", "rate_date", "currency_code", 0.05, 0.20, may_be_empty=True
        ),
    }
)


@dataclass(frozen=True)
class Expectation:
    """One bound on a batch: on the number of rows, or on the values of a column of the frame.

    `mostly` is the share of the column's values (missing ones left out) that must lie within [low, high].
    """

    name: str
    severity: Severity
    column: str | None
    low: float | None
    high: float | None
    mostly: float = 1.0
    strictly_above: bool = False
    any_row: bool = False
    """Enough that one row lies within; `mostly` does not count then."""

    @property
    def share(self) -> float:
        """Share of the values that must lie within, just above none where one is enough."""
        return 1e-9 if self.any_row else self.mostly

    @property
    def expected(self) -> str:
        """The bound in words."""
        what = "rows" if self.column is None else self.column
        low = f"{'>' if self.strictly_above else '>='} {self.low:g}" if self.low is not None else ""
        high = f"<= {self.high:g}" if self.high is not None else ""
        share = f" for {self.mostly:.2%} of rows" if self.mostly < 1 else ""
        share = " for one row" if self.any_row else share
        return f"{what} {' and '.join(filter(None, (low, high)))}{share}"


@dataclass(frozen=True)
class Result:
    """Whether an expectation held, and what was seen."""

    expectation: Expectation
    holds: bool
    observed: str

    @property
    def status(self) -> str:
        """As in ops.check_results."""
        if self.holds:
            return "passed"
        return "failed" if self.expectation.severity == "fail" else "warned"


def checking(engine: Engine) -> Check:
    """A landing's check by an engine; use one with `great_expectations` at most once in a task."""

    def check(connection: Connection, load: Load, table: RawTable, rejected: int) -> str | None:
        """Check the staged batch, keep the results, and give why to hold it, or None."""
        limits = LIMITS[load.source, load.dataset]
        frame = frame_of(connection, load, table.name, limits)
        expectations = expectations_on(connection, load, limits, frame, rejected)
        results = validate(frame, expectations, engine if len(frame) else "plain")
        keep(connection, load, results)
        broken = [one for one in results if one.status == "failed"]
        if not broken:
            return None
        return "; ".join(
            f"{one.expectation.name}: {one.observed}, expected {one.expectation.expected}" for one in broken
        )

    return check


def frame_of(connection: Connection, load: Load, table: str, limits: Limits) -> Any:
    """The staged batch as a pandas frame of `value`, `age_days` (at the fetch) and `jump`.

    `jump` is the change from the value known before, as a multiple of the change at which it counts as a
    jump; missing where nothing was known before.
    """
    import pandas

    rows = connection.execute(
        sql.SQL(
            """
            select
                b.{value}::float8,
                %(fetched)s::date - b.{day},
                coalesce(lag(b.{value}) over same, known.{value})::float8,
                b.{day} - coalesce(lag(b.{day}) over same, known.{day})
            from pg_temp.{staged} as b
            left join lateral (
                select v.{value}, v.{day}
                from {target} as v
                where v.{thing} = b.{thing} and v.{day} < b.{day} and v.observed_at <= %(observed_at)s
                order by v.{day} desc, v.observed_at desc, v.load_id desc
                limit 1
            ) as known on true
            window same as (partition by b.{thing} order by b.{day}, b.line)
            """
        ).format(
            value=sql.Identifier(limits.value),
            day=sql.Identifier(limits.day),
            thing=sql.Identifier(limits.thing),
            staged=sql.Identifier(STAGED),
            target=sql.Identifier("raw", table),
        ),
        {
            "fetched": load.observed_at.astimezone(UTC).date() if load.observed_at else None,
            "observed_at": load.observed_at,
        },
    ).fetchall()
    frame = pandas.DataFrame(rows, columns=["value", "age_days", "before", "days"]).astype("float64")
    usual = limits.jump_in_a_day * frame["days"].clip(lower=1) ** 0.5
    frame["jump"] = (frame["value"] / frame["before"] - 1).abs() / usual
    return frame[["value", "age_days", "jump"]]


def expectations_on(
    connection: Connection, load: Load, limits: Limits, frame: Any, rejected: int
) -> list[Expectation]:
    """The expectations of a batch, with bounds from what was loaded before and how long ago."""
    rows = len(frame)
    readable = rows + rejected - max(REJECTED_ROWS_ALWAYS, math.floor(REJECTED_SHARE * (rows + rejected)))
    wanted = [
        Expectation("rows readable", "fail", None, max(0 if limits.may_be_empty else 1, readable), None)
    ]
    if limits.missing_share is not None:
        last = connection.execute(
            "select rows_seen - rows_rejected, extract(epoch from %(observed_at)s - observed_at) / 604800"
            " from raw.loads where (source, dataset, status) = (%(source)s, %(dataset)s, 'loaded')"
            " and rows_seen > rows_rejected and observed_at <= %(observed_at)s and load_id <> %(load_id)s"
            " order by observed_at desc, load_id desc limit 1",
            vars(load),
        ).fetchone()
        if last is not None and (rows or not limits.may_be_empty):
            share = min(limits.missing_share + MISSING_SHARE_A_WEEK * float(last[1]), MISSING_SHARE_AT_MOST)
            low = last[0] - max(MISSING_ROWS_ALWAYS, math.floor(share * last[0]))
            wanted.append(Expectation("rows against the last load", "fail", None, max(low, 1), None))
    if rows == 0:
        return [*wanted, Expectation("rows at all", "warn", None, 1, None)]
    wanted.append(Expectation("values positive", "fail", "value", 0, None, strictly_above=True))
    for severity, days in (("warn", limits.old_days_warn), ("fail", limits.old_days_fail)):
        if days is not None:
            name = f"newest row at most {days} days old"
            wanted.append(Expectation(name, severity, "age_days", None, days, any_row=True))  # type: ignore[arg-type]
    compared = int(frame["jump"].notna().sum())
    if compared:
        jumping = max(JUMPING_ROWS_ALWAYS, limits.jumping_share * compared)
        wanted.append(Expectation("jumps", "fail", "jump", None, 1, mostly=max(0.0, 1 - jumping / compared)))
    return wanted


def validate(frame: Any, expectations: Sequence[Expectation], engine: Engine) -> list[Result]:
    """Results of the expectations on a frame, in their order."""
    if engine == "plain":
        return [_plainly(frame, one) for one in expectations]
    return _by_great_expectations(frame, expectations)


def keep(connection: Connection, load: Load, results: Sequence[Result]) -> None:
    """Write results to ops.check_results, in the open transaction, over those of an earlier check."""
    for one in results:
        record(
            connection,
            load.night or f"backfill {load.slot}",
            check_name=one.expectation.name,
            subject=f"{load.source}/{load.dataset} {load.slot}",
            severity=one.expectation.severity,
            status=one.status,
            observed=one.observed,
            expected=one.expectation.expected,
            note=None if one.holds else f"load {load.load_id}",
        )


def record(
    connection: Connection,
    night: str,
    *,
    check_name: str,
    subject: str,
    severity: Severity,
    status: str,
    observed: str | None = None,
    expected: str | None = None,
    note: str | None = None,
) -> None:
    """Write one result of the suite to ops.check_results, in the open transaction."""
    connection.execute(
        """
        insert into ops.check_results
            (night, suite, check_name, subject, severity, status, observed, expected, note)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
        on conflict (night, suite, check_name, subject) do update set
            severity = excluded.severity, status = excluded.status, observed = excluded.observed,
            expected = excluded.expected, note = excluded.note
        """,
        (night, SUITE, check_name, subject, severity, status, observed, expected, note),
    )


def _plainly(frame: Any, one: Expectation) -> Result:
    """Check an expectation without Great Expectations."""
    if one.column is None:
        return Result(one, _within(len(frame), one), f"{len(frame)} rows")
    values = frame[one.column].dropna()
    outside = sum(1 for value in values if not _within(float(value), one))
    holds = not len(values) or 1 - outside / len(values) >= one.share
    return Result(one, holds, _outside(outside, len(values)))


def _within(value: float, one: Expectation) -> bool:
    """Whether a value lies within the bounds."""
    above = one.low is None or (value > one.low if one.strictly_above else value >= one.low)
    return above and (one.high is None or value <= one.high)


def _outside(count: int, of: int) -> str:
    """Values outside, in words."""
    return f"{count} of {of} outside"


def _bound(one: Expectation) -> tuple[object, ...]:
    """What an expectation asks, whatever it is called."""
    return one.column, one.low, one.high, one.share, one.strictly_above


def _by_great_expectations(frame: Any, expectations: Sequence[Expectation]) -> list[Result]:
    """Check expectations in one validation of Great Expectations, in a context that lives in memory."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx  # 6 to 11 seconds: only in the task that checks
    from great_expectations import expectations as kinds
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    whole = (
        context.data_sources.add_pandas("batch")
        .add_dataframe_asset("rows")
        .add_batch_definition_whole_dataframe("all")
    )
    suite = gx.ExpectationSuite(name=SUITE)
    asked: dict[tuple[object, ...], int] = {}  # a suite keeps only one of two that bound the same alike
    for one in expectations:
        place = asked.setdefault(_bound(one), len(asked))
        if place < len(suite.expectations):
            continue
        bounds = {"min_value": one.low, "max_value": one.high, "meta": {"place": place}}
        suite.add_expectation(
            kinds.ExpectTableRowCountToBeBetween(**bounds)
            if one.column is None
            else kinds.ExpectColumnValuesToBeBetween(
                column=one.column, mostly=one.share, strict_min=one.strictly_above, **bounds
            )
        )
    outcome = whole.get_batch({"dataframe": frame}).validate(suite)
    by_place = {each.expectation_config.meta["place"]: each for each in outcome.results}
    results = []
    for one in expectations:
        each = by_place[asked[_bound(one)]]
        if each.exception_info and each.exception_info.get("raised_exception"):
            raise RuntimeError(f"Great Expectations could not check {one.name}: {each.exception_info}")
        seen = each.result
        if one.column is None:
            observed = f"{seen['observed_value']} rows"
        else:
            observed = _outside(seen["unexpected_count"], seen["element_count"] - seen["missing_count"])
        results.append(Result(one, bool(each.success), observed))
    return results
