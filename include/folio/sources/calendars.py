"""Sessions of the calendars Folio knows: days on which prices, rates or NAVs are expected.

Exchanges: `exchange_calendars`. TARGET: closing days of the euro's payment system, on which the ECB sets
no reference rates (source: ECB, long-term calendar for TARGET closing days). AMFI: the days of the Bombay
exchange, whose holidays are those of Indian funds; more of its holidays are learned (`folio.jobs.calendars`).
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from types import MappingProxyType

from dateutil.easter import easter

FIRST_DAY = date(1999, 1, 1)
"""First day of every calendar, as of euro rates; the ages of older prices are counted in weekdays."""

EXCHANGES: Mapping[str, str] = MappingProxyType(
    {"XNYS": "XNYS", "XLON": "XLON", "XBOM": "XBOM", "AMFI": "XBOM"}
)
"""Calendars that follow an exchange, and its ISO 10383 code."""

CALENDARS = (*EXCHANGES, "TARGET", "24/7")

SATURDAY = 5


def sessions(calendar: str, last: date) -> list[date]:
    """Sessions of a calendar from `FIRST_DAY` to a day; past the days its exchange has announced, weekdays.

    Importing the exchanges' calendars takes seconds. KeyError where the calendar is not known.
    """
    if calendar == "24/7":
        return list(_days(FIRST_DAY, last))
    if calendar == "TARGET":
        return [day for day in _days(FIRST_DAY, last) if is_target_day(day)]
    import exchange_calendars  # takes seconds

    exchange = EXCHANGES[calendar]
    announced = exchange_calendars.get_calendar(exchange).bound_max()
    known_to = min(last, announced.date()) if announced is not None else last
    found = exchange_calendars.get_calendar(exchange, start=FIRST_DAY, end=known_to).sessions
    later = _days(known_to + timedelta(days=1), last)
    return [session.date() for session in found] + [day for day in later if day.weekday() < SATURDAY]


def is_target_day(day: date) -> bool:
    """Whether TARGET is open, by the rule in force since 2002; the years before had a few other days."""
    fixed = {(1, 1), (5, 1), (12, 25), (12, 26)}
    good_friday, easter_monday = (easter(day.year) + timedelta(days=shift) for shift in (-2, 1))
    return (
        day.weekday() < SATURDAY
        and (day.month, day.day) not in fixed
        and day not in (good_friday, easter_monday)
    )


def _days(first: date, last: date) -> Iterator[date]:
    """Days between two, both included."""
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        yield date.fromordinal(ordinal)
