"""Keep the calendars: days of each up to some weeks after the night, and the holidays that were learned."""

from datetime import date, timedelta
from typing import Any, TypeAlias

import psycopg

from folio.jobs.ingest import LATE_NAVS, RETRY_DAYS
from folio.jobs.nights import Night
from folio.sources import calendars
from folio.store import warehouse

Connection: TypeAlias = psycopg.Connection[Any]

AHEAD = timedelta(days=7)
"""A night finds at least so many days after its own in every calendar."""

FILLED_AHEAD = timedelta(days=42)
"""A calendar that is extended reaches so far: importing the exchanges' calendars takes seconds."""

LEARNED_WITHIN = timedelta(days=RETRY_DAYS) + 2 * LATE_NAVS
"""Days before the night among which holidays are learned; older ones are the exchange's alone."""

HOLIDAY_SHARE = 0.15
"""NAVs of a holiday as a share of those of the days around it, at most: on Indian holidays up to 9.4 % of
the schemes, those of cash and bonds, have one (measured in NAV files of July to December 2025)."""

FEWEST_SCHEMES = 20
"""Of fewer schemes on the days around nothing is learned."""


def keep(night: str) -> list[date]:
    """Extend calendars that end soon after the night and learn holidays; returns the holidays learned.

    Nothing is written where nothing is new. An extension also takes over what the exchanges' calendars have
    corrected since: rows that stay the same keep their `changed_at`, from which figures are made anew.
    """
    day = Night.parse(night).valuation_date
    with warehouse.connect() as connection:
        connection.execute("select pg_advisory_xact_lock(hashtext('folio.calendars'))")
        rows = connection.execute("select calendar, max(day) from ops.calendar_days group by calendar")
        filled = dict(rows.fetchall())
        for calendar in calendars.CALENDARS:
            if calendar not in filled or filled[calendar] < day + AHEAD:
                last = day + FILLED_AHEAD
                _fill(connection, calendar, last, calendars.sessions(calendar, last))
        holidays = _amfi_holidays(connection, day)
        if holidays:
            _learn(connection, holidays)
    return holidays


def _fill(connection: Connection, calendar: str, last: date, sessions: list[date]) -> None:
    """Write the days of a calendar that are new or other than before; what was learned stays."""
    connection.execute(
        """
        insert into ops.calendar_days as kept (calendar, day, is_session, session_number, is_learned)
        select %(calendar)s, day, is_session, sum(is_session::integer) over (order by day), is_learned
        from (
            select days.day::date as day,
                   sessions.day is not null and not coalesce(learned.is_learned, false) as is_session,
                   coalesce(learned.is_learned, false) as is_learned
            from generate_series(%(first)s::timestamp, %(last)s::timestamp, interval '1 day') as days (day)
            left join unnest(%(sessions)s::date[]) as sessions (day) on sessions.day = days.day::date
            left join ops.calendar_days as learned
                on learned.calendar = %(calendar)s and learned.day = days.day::date
        ) as said
        on conflict (calendar, day) do update set
            is_session = excluded.is_session, session_number = excluded.session_number,
            changed_at = excluded.changed_at
        where (kept.is_session, kept.session_number) <> (excluded.is_session, excluded.session_number)
        """,
        {"calendar": calendar, "first": calendars.FIRST_DAY, "last": last, "sessions": sessions},
    )


def _amfi_holidays(connection: Connection, day: date) -> list[date]:
    """Sessions of AMFI's calendar, past the window of late NAVs, that turn out to have been holidays.

    Few NAVs alone are no proof, since a lost file looks alike: AMFI's history report must have been asked
    about the day, as nights do of themselves where a file brought nothing of its day.
    """
    rows = connection.execute(
        """
        with asked as (
            select days.day
            from ops.calendar_days as days
            where days.calendar = 'AMFI' and days.is_session and days.day between %(first)s and %(last)s
              and exists (
                  select from raw.loads
                  where source = 'amfi' and dataset = 'history' and status = 'loaded'
                    and case when slot like '%%..%%' then
                        days.day between split_part(slot, '..', 1)::date and split_part(slot, '..', 2)::date
                    end
              )
        ),
        counts as (
            select asked.day, around.day as nav_date, (
                select count(distinct navs.scheme_code) from raw.amfi_navs as navs
                where navs.nav_date = around.day
                  and navs.observed_at <= (select known_at from ops.night)
            ) as schemes
            from asked
            join ops.calendar_days as around
                on around.calendar = 'AMFI' and around.is_session
               and around.day between asked.day - 5 and asked.day + 5
        )
        select day
        from counts
        group by day
        having least(
                max(schemes) filter (where nav_date < day), max(schemes) filter (where nav_date > day)
            ) >= %(fewest)s
            and max(schemes) filter (where nav_date = day) <= %(share)s::float8 * least(
                max(schemes) filter (where nav_date < day), max(schemes) filter (where nav_date > day)
            )
        order by day
        """,
        {
            "first": day - LEARNED_WITHIN,
            "last": day - LATE_NAVS - timedelta(days=1),
            "fewest": FEWEST_SCHEMES,
            "share": HOLIDAY_SHARE,
        },
    ).fetchall()
    return [row[0] for row in rows]


def _learn(connection: Connection, holidays: list[date]) -> None:
    """Write down holidays of AMFI's calendar: every later day is so many sessions fewer on."""
    connection.execute(
        """
        update ops.calendar_days set
            is_session = is_session and day <> all(%(holidays)s::date[]),
            is_learned = is_learned or day = any(%(holidays)s::date[]),
            session_number = session_number - (
                select count(*) from unnest(%(holidays)s::date[]) as holidays (day)
                where holidays.day <= calendar_days.day
            ),
            changed_at = clock_timestamp()
        where calendar = 'AMFI' and day >= %(first)s
        """,
        {"holidays": holidays, "first": holidays[0]},
    )
