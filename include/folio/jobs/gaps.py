"""Gaps: sessions of which a held instrument, or a currency in use, has no price or rate of its own.

A price is expected on every session of the instrument's calendar (seed `price_calendars`) and missed once
the days that it may be late (seed `carry_limits`) are over. Where no calendar is known nothing is expected.
Nights ask again for what they did not get (`folio.jobs.ingest`), a backfill for what is older.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, LiteralString, TypeAlias

import psycopg

from folio.jobs import findings
from folio.jobs.ingest import RETRY_DAYS
from folio.jobs.nights import Night
from folio.store import warehouse

Connection: TypeAlias = psycopg.Connection[Any]

SUITE = "freshness"
CHECK = "every_session_has_its_price"
SHOWN = 5
"""Gaps that a finding spells out, the latest first."""

GAPS: LiteralString = """
    with gaps as (
        select instruments.calendar, instruments.instrument_id, days.day, instruments.late_days
        from build.int_instruments_priced as instruments
        join ops.calendar_days as days on days.calendar = instruments.calendar and days.is_session
        join build.int_prices_carried as prices
            on prices.instrument_id = instruments.instrument_id and prices.valuation_date = days.day
        cross join ops.night
        where days.day between greatest(instruments.first_day, night.valuation_date - %(days)s::integer)
                           and night.valuation_date
          and instruments.carry_limit is not null
          and days.day < coalesce(instruments.ends_on, 'infinity')
          and prices.price_date is distinct from days.day
          and exists (
              select from build.fct_positions as positions
              where positions.instrument_id = instruments.instrument_id and positions.units <> 0
                and days.day >= positions.valid_from
                and days.day < coalesce(positions.valid_to, 'infinity')
          )
    )
    select coalesce(last_price.price_source, first_choice.price_source, 'no source') as source,
           gaps.calendar, gaps.day, instruments.instrument_code as subject,
           gaps.day + gaps.late_days <= night.valuation_date as is_overdue
    from gaps
    join build.dim_instruments as instruments using (instrument_id)
    left join lateral (
        select price_source from build.int_prices_known as known
        where known.instrument_id = gaps.instrument_id and known.price_date < gaps.day
        order by price_date desc limit 1
    ) as last_price on true
    left join build.price_source_ranks as first_choice
        on first_choice.instrument_kind = instruments.instrument_kind and first_choice.rank = 1
    cross join ops.night
    union all
    select 'ecb', days.calendar, days.day, rates.currency,
           days.day + limits.late_days <= night.valuation_date
    from build.int_fx_rates_carried as rates
    join build.price_calendars as calendars on calendars.instrument_kind = 'fx'
    join build.carry_limits as limits on limits.instrument_kind = 'fx'
    join ops.calendar_days as days
        on days.calendar = calendars.calendar and days.day = rates.valuation_date and days.is_session
    cross join ops.night
    where days.day between night.valuation_date - %(days)s::integer and night.valuation_date
      and rates.rate_date is distinct from days.day
    order by 1, 3, 4
"""


@dataclass(frozen=True)
class Gap:
    """A session without a price: whose, of which source, and whether it can no longer merely be late."""

    source: str
    calendar: str
    day: date
    subject: str
    is_overdue: bool


def find(connection: Connection, days: int = RETRY_DAYS) -> list[Gap]:
    """Gaps of the figures built last, of so many days before their valuation date, by source and day."""
    return [Gap(*row) for row in connection.execute(GAPS, {"days": days}).fetchall()]


def check(night: str) -> int:
    """Write down what is overdue as one warning by source; returns how many prices are.

    The night's figures must have been built.
    """
    this = Night.parse(night)
    with warehouse.connect() as connection:
        overdue: dict[str, list[Gap]] = {}
        for gap in find(connection):
            if gap.is_overdue:
                overdue.setdefault(gap.source, []).append(gap)
        rows: list[Sequence[object]] = [(CHECK, *_result(source, gaps)) for source, gaps in overdue.items()]
        findings.keep(
            connection, this.id, SUITE, rows or [(CHECK, "all", "warn", "passed", "0 gaps", None, None)]
        )
    return sum(len(gaps) for gaps in overdue.values())


def _result(source: str, gaps: list[Gap]) -> tuple[str, ...]:
    """Subject to note of a finding on what a source lacks."""
    latest = sorted(gaps, key=lambda gap: gap.day, reverse=True)[:SHOWN]
    return (
        source,
        "warn",
        "warned",
        f"{len(gaps)} missing on {len({gap.day for gap in gaps})} days",
        "one on every session",
        "; ".join(f"{gap.day} {gap.subject}" for gap in latest) + "; all of them: `folio gaps`",
    )
