"""On which days prices, rates and NAVs are expected."""

from datetime import date

import pytest

from folio.sources import calendars

LAST = date(2013, 12, 31)


@pytest.mark.parametrize(
    ("day", "is_open"),
    [
        ("2013-03-28", True),  # Maundy Thursday
        ("2013-03-29", False),  # Good Friday
        ("2013-04-01", False),  # Easter Monday
        ("2013-05-01", False),
        ("2013-05-09", True),  # Ascension, a holiday in many countries
        ("2013-12-24", True),
        ("2013-12-25", False),
        ("2013-12-26", False),
        ("2013-12-28", False),  # a Saturday
        ("2014-01-01", False),
    ],
)
def test_target_closes_on_six_days_besides_weekends(day, is_open):
    assert calendars.is_target_day(date.fromisoformat(day)) is is_open


def test_coins_trade_on_every_day():
    days = calendars.sessions("24/7", LAST)
    assert (days[0], days[-1]) == (calendars.FIRST_DAY, LAST)
    assert len(days) == (LAST - calendars.FIRST_DAY).days + 1


def test_new_york_keeps_its_holidays_and_days_of_mourning():
    days = set(calendars.sessions("XNYS", LAST))
    assert date(2013, 2, 15) in days
    assert days.isdisjoint({date(2013, 2, 18), date(2012, 10, 29), date(2001, 9, 11)})


def test_navs_of_indian_funds_follow_the_bombay_exchange():
    days = calendars.sessions("AMFI", LAST)
    assert days == calendars.sessions("XBOM", LAST)
    assert date(2013, 8, 15) not in days


def test_past_the_days_an_exchange_has_announced_weekdays_are_sessions():
    import exchange_calendars

    announced = exchange_calendars.get_calendar("XBOM").bound_max().date()
    christmas = date(announced.year + 2, 12, 25)
    days = calendars.sessions("XBOM", date(christmas.year, 12, 31))
    assert all(day.weekday() < 5 for day in days if day > announced)
    assert christmas in days or christmas.weekday() >= 5


def test_a_calendar_that_is_not_known_is_refused():
    with pytest.raises(KeyError):
        calendars.sessions("XXXX", LAST)
