"""Expectations on a parsed batch, checked before it lands; a batch that fails one is held.

Above what was usual in the loads of late a check warns; at limits that no history loosens it fails. Each
expectation is declared once, as data, and checked by Great Expectations in a night's one checking task. Its
import takes seconds, so a backfill of hundreds of loads checks the same declarations plainly; a test holds
both ways equal.
"""

import itertools
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import numpy as np
import psycopg
from psycopg import sql

from folio.quality import docs
from folio.quality.learning import LOADS, usual_at_most
from folio.quality.removals import CUT_ROWS, Snapshots, removal
from folio.sources.landing import STAGED, Check, Load
from folio.sources.tables import RawTable

Connection: TypeAlias = psycopg.Connection[Any]
Severity: TypeAlias = Literal["warn", "fail"]
Engine: TypeAlias = Literal["great_expectations", "plain"]

SUITE = "batch"


@dataclass(frozen=True)
class Limits:
    """What is expected of the batches of one dataset; the one place of the thresholds.

    `value`, `day`, `thing` name the columns of the figure, its date and what it is a figure of; `apart` are
    columns that tell figures of one thing apart, such as a currency.
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
    apart: tuple[str, ...] = ()


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

LEARNED_FLOORS = {"rejected": 0.01, "gone": 0.005, "jumping": 0.002}
"""Shares above the usual ones that are never worth a warning, however alike the loads of late were."""

FAILS_AT = 3.0
"""So many times the learned bound of rejected or jumping rows fails, where the fixed limit is not lower."""

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
        # One symbol's bars. Yahoo's defects are found and repaired after they landed, so no jump holds them.
        ("yahoo", "daily_bars"): Limits("close", "session_date", "symbol", 0.25, 1.0, may_be_empty=True),
        ("alphavantage", "daily_bars"): Limits(
            "close", "session_date", "symbol", 0.25, 0.05, may_be_empty=True
        ),
        # One coin's days: a third in a day has been seen, in more than a few days of a week it has not.
        ("coingecko", "daily_prices"): Limits(
            "price", "price_date", "coin_id", 0.33, 0.20, may_be_empty=True, apart=("quote_currency",)
        ),
        **{
            (exchange, "daily_candles"): Limits(
                "close", "opened_at", "pair", 0.33, 0.20, may_be_empty=True, apart=("exchange", "timeframe")
            )
            for exchange in ("kraken", "binance", "coinbase")
        },
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
    words: str | None = None
    """The bound in words, where it is none of numbers."""

    @property
    def share(self) -> float:
        """Share of the values that must lie within, just above none where one is enough."""
        return 1e-9 if self.any_row else self.mostly

    @property
    def expected(self) -> str:
        """The bound in words."""
        if self.words is not None:
            return self.words
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
    share_outside: float | None = None
    """Share of the values outside the bound, where it is one on values."""

    @property
    def status(self) -> str:
        """As in ops.check_results."""
        if self.holds:
            return "passed"
        return "failed" if self.expectation.severity == "fail" else "warned"


def checking(engine: Engine, snapshots: Snapshots | None = None, pages: Path | None = None) -> Check:
    """A landing's check by an engine; use one with `great_expectations` at most once in a task.

    Parameters
    ----------
    snapshots : the kept payloads of a snapshot feed, against which a file cut short is known.
    pages : folder in which Great Expectations keeps its results, for `folio quality docs`.
    """

    def check(connection: Connection, load: Load, table: RawTable, rejected: int) -> str | None:
        """Check the staged batch, keep the results, and give why to hold it, or None."""
        limits = LIMITS[load.source, load.dataset]
        frame = frame_of(connection, load, table.name, limits)
        expectations = expectations_on(connection, load, limits, frame, rejected)
        results = validate(frame, expectations, engine if len(frame) else "plain", load, pages)
        if snapshots is not None and len(frame):
            results += whole_file(connection, load, limits, snapshots)
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

    things = (limits.thing, *limits.apart)
    rows = connection.execute(
        sql.SQL(
            """
            select
                b.{value}::float8,
                %(fetched)s::date - b.{day}::date,
                coalesce(lag(b.{value}) over same, known.{value})::float8,
                b.{day}::date - coalesce(lag(b.{day}) over same, known.{day})::date
            from pg_temp.{staged} as b
            left join lateral (
                select v.{value}, v.{day}
                from {target} as v
                where {same_thing} and v.{day} < b.{day} and v.observed_at <= %(observed_at)s
                order by v.{day} desc, v.observed_at desc, v.load_id desc
                limit 1
            ) as known on true
            window same as (partition by {things} order by b.{day}, b.line)
            """
        ).format(
            value=sql.Identifier(limits.value),
            day=sql.Identifier(limits.day),
            same_thing=sql.SQL(" and ").join(
                sql.SQL("v.{0} = b.{0}").format(sql.Identifier(name)) for name in things
            ),
            things=sql.SQL(", ").join(sql.Identifier("b", name) for name in things),
            staged=sql.Identifier(STAGED),
            target=sql.Identifier("raw", table),
        ),
        {
            "fetched": load.observed_at.astimezone(UTC).date() if load.observed_at else None,
            "observed_at": load.observed_at,
        },
    ).fetchall()
    value, age, before, days = np.array(rows, dtype=float).reshape(-1, 4).T  # None becomes NaN
    usual = limits.jump_in_a_day * np.sqrt(np.maximum(days, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        jump = np.abs(value / before - 1) / usual
    return pandas.DataFrame({"value": value, "age_days": age, "jump": jump})


def expectations_on(
    connection: Connection, load: Load, limits: Limits, frame: Any, rejected: int
) -> list[Expectation]:
    """The expectations of a batch, with bounds from what was loaded before and how long ago."""
    rows = len(frame)
    readable = _readable_at_least(rows + rejected, _rejected_of_late(connection, load))
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
            weeks = float(last[1])
            share = min(limits.missing_share + MISSING_SHARE_A_WEEK * weeks, MISSING_SHARE_AT_MOST)
            wanted.append(_rows_left("rows against the last load", "fail", last[0], share))
            usual = usual_at_most(_gone_of_late(connection, load), floor=LEARNED_FLOORS["gone"])
            if usual is not None and usual * max(1.0, 7 * weeks) < share:
                usual *= max(1.0, 7 * weeks)
                wanted.append(_rows_left("rows against what is usual", "warn", last[0], usual))
    if rows == 0:
        return [*wanted, Expectation("rows at all", "warn", None, 1, None)]
    wanted.append(Expectation("values positive", "fail", "value", 0, None, strictly_above=True))
    for severity, days in (("warn", limits.old_days_warn), ("fail", limits.old_days_fail)):
        if days is not None:
            name = f"newest row at most {days} days old"
            wanted.append(Expectation(name, severity, "age_days", None, days, any_row=True))  # type: ignore[arg-type]
    compared = int(frame["jump"].notna().sum())
    if compared:
        usual = usual_at_most(_jumping_of_late(connection, load), floor=LEARNED_FLOORS["jumping"])
        wanted.append(_jumping("jumps", "fail", compared, _fails(usual, limits.jumping_share)))
        if usual is not None and usual < limits.jumping_share:
            wanted.append(_jumping("jumps against what is usual", "warn", compared, usual))
    return wanted


def whole_file(connection: Connection, load: Load, limits: Limits, snapshots: Snapshots) -> list[Result]:
    """Whether a snapshot's file lacks the end of the one before it, which no source removes by design."""
    before = snapshots.keys_before(connection, load, limits.thing)
    if before is None:
        return []
    now = {
        str(row[0])
        for row in connection.execute(
            sql.SQL("select {} from pg_temp.{}").format(sql.Identifier(limits.thing), sql.Identifier(STAGED))
        )
    }
    seen = removal(before, now)
    words = f"fewer than {CUT_ROWS} rows gone from its end"
    whole = Expectation("file not cut short", "fail", None, None, None, words=words)
    return [Result(whole, not seen.is_cut, str(seen))]


def _readable_at_least(lines: int, of_late: Sequence[float]) -> int:
    """So many lines of a file must be readable."""
    share = _fails(usual_at_most(of_late, floor=LEARNED_FLOORS["rejected"]), REJECTED_SHARE)
    return lines - max(REJECTED_ROWS_ALWAYS, math.floor(share * lines))


def _rows_left(name: str, severity: Severity, before: int, share: float) -> Expectation:
    """At most a share of the rows of the last load may be gone."""
    low = before - max(MISSING_ROWS_ALWAYS, math.floor(share * before))
    return Expectation(name, severity, None, max(low, 1), None)


def _jumping(name: str, severity: Severity, compared: int, share: float) -> Expectation:
    """At most a share of the values may jump."""
    jumping = max(JUMPING_ROWS_ALWAYS, share * compared)
    return Expectation(name, severity, "jump", None, 1, mostly=max(0.0, 1 - jumping / compared))


def _fails(usual: float | None, limit: float) -> float:
    """Share that fails: a multiple of what is usual, never more than the fixed limit."""
    return limit if usual is None else min(limit, FAILS_AT * usual)


LATE = (
    " from raw.loads where (source, dataset, status) = (%(source)s, %(dataset)s, 'loaded') and rows_seen > 0"
    " and observed_at <= %(observed_at)s and load_id <> %(load_id)s"
    f" order by observed_at desc, load_id desc limit {LOADS}"
)


def _rejected_of_late(connection: Connection, load: Load) -> list[float]:
    """Shares of rejected rows in the loads of late."""
    rows = connection.execute("select rows_rejected::float8 / rows_seen" + LATE, vars(load)).fetchall()
    return [row[0] for row in rows]


def _gone_of_late(connection: Connection, load: Load) -> list[float]:
    """Shares of rows that went from one load of late to the next, a day."""
    rows = connection.execute(
        "select good, observed_at from (select rows_seen - rows_rejected as good, observed_at"
        + LATE
        + ") as late where good > 0 order by observed_at",
        vars(load),
    ).fetchall()
    return [
        max(0.0, 1 - good / before) / max(1.0, (at - then).total_seconds() / 86400)
        for (before, then), (good, at) in itertools.pairwise(rows)
    ]


def _jumping_of_late(connection: Connection, load: Load) -> list[float]:
    """Shares of jumping values in the loads of late; backfills are left out, they check other days."""
    rows = connection.execute(
        # The few loads first: a check of one is found by its key, not among those of all loads there were.
        "with late as materialized (select night, source || '/' || dataset || ' ' || slot as subject"
        " from raw.loads where (source, dataset, status) = (%(source)s, %(dataset)s, 'loaded')"
        " and night is not null and observed_at <= %(observed_at)s and load_id <> %(load_id)s"
        f" order by observed_at desc, load_id desc limit {LOADS})"
        " select results.observed_share from late inner join ops.check_results as results"
        " on (results.night, results.suite, results.check_name, results.subject) ="
        " (late.night, %(suite)s, 'jumps', late.subject)"
        " where results.observed_share is not null",
        {**vars(load), "suite": SUITE},
    ).fetchall()
    return [row[0] for row in rows]


KEEP = """
    insert into ops.check_results
        (night, suite, check_name, subject, severity, status, observed, expected, note, observed_share)
    values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    on conflict (night, suite, check_name, subject) do update set
        severity = excluded.severity, status = excluded.status, observed = excluded.observed,
        expected = excluded.expected, note = excluded.note, observed_share = excluded.observed_share
"""


def validate(
    frame: Any,
    expectations: Sequence[Expectation],
    engine: Engine,
    load: Load | None = None,
    pages: Path | None = None,
) -> list[Result]:
    """Results of the expectations on a frame, in their order; `load` and `pages` as in `checking`."""
    if engine == "plain":
        return [_plainly(frame, one) for one in expectations]
    return _by_great_expectations(frame, expectations, load, pages)


def keep(connection: Connection, load: Load, results: Sequence[Result]) -> None:
    """Write results to ops.check_results, in the open transaction, over those of an earlier check."""
    with connection.cursor() as cursor:
        cursor.executemany(
            KEEP,
            [
                (
                    *(load.night or f"backfill {load.slot}", SUITE, one.expectation.name),
                    *(f"{load.source}/{load.dataset} {load.slot}", one.expectation.severity, one.status),
                    *(one.observed, one.expectation.expected),
                    *(None if one.holds else f"load {load.load_id}", one.share_outside),
                )
                for one in results
            ],
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
    share: float | None = None,
) -> None:
    """Write one result of the suite to ops.check_results, in the open transaction."""
    connection.execute(
        KEEP,
        (night, SUITE, check_name, subject, severity, status, observed, expected, note, share),
    )


def _plainly(frame: Any, one: Expectation) -> Result:
    """Check an expectation without Great Expectations."""
    if one.column is None:
        return Result(one, _within(len(frame), one), f"{len(frame)} rows")
    values = frame[one.column].dropna()
    outside = sum(1 for value in values if not _within(float(value), one))
    holds = not len(values) or 1 - outside / len(values) >= one.share
    return Result(one, holds, _outside(outside, len(values)), outside / max(len(values), 1))


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


def _by_great_expectations(
    frame: Any, expectations: Sequence[Expectation], load: Load | None, pages: Path | None
) -> list[Result]:
    """Check expectations in one validation of Great Expectations; its results are kept under `pages`."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx  # 6 to 11 seconds: only in the task that checks
    from great_expectations import expectations as kinds
    from great_expectations.core.run_identifier import RunIdentifier

    context = docs.context(pages)
    whole = (
        context.data_sources.add_pandas("batch")
        .add_dataframe_asset("rows")
        .add_batch_definition_whole_dataframe("all")
    )
    name = f"{load.source} {load.dataset}" if load else SUITE
    suite = context.suites.add_or_update(gx.ExpectationSuite(name=name))
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
    suite.save()
    validation = context.validation_definitions.add_or_update(
        gx.ValidationDefinition(name=name, data=whole, suite=suite)
    )
    run = RunIdentifier(run_name=load.slot if load else "now")
    outcome = validation.run(batch_parameters={"dataframe": frame}, run_id=run)
    by_place = {each.expectation_config.meta["place"]: each for each in outcome.results}
    results = []
    for one in expectations:
        each = by_place[asked[_bound(one)]]
        if each.exception_info and each.exception_info.get("raised_exception"):
            raise RuntimeError(f"Great Expectations could not check {one.name}: {each.exception_info}")
        seen = each.result
        if one.column is None:
            observed, share = f"{seen['observed_value']} rows", None
        else:
            outside, there = seen["unexpected_count"], seen["element_count"] - seen["missing_count"]
            observed, share = _outside(outside, there), outside / max(there, 1)
        results.append(Result(one, bool(each.success), observed, share))
    return results
