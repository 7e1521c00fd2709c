"""Nights have ids, valuation dates and an instant up to which facts count."""

from datetime import UTC, date, datetime

import pytest

from folio.errors import NightError
from folio.jobs import nights
from folio.jobs.nights import Night
from folio.store import warehouse as store


def test_a_night_values_the_day_before_its_instant():
    night = Night.parse("2013-03-01T0300Z")
    assert night.valuation_date == date(2013, 2, 28)
    assert night.instant == datetime(2013, 3, 1, 3, tzinfo=UTC)
    assert Night.at(night.instant) == night


@pytest.mark.parametrize("text", ["", "2013-03-01", "2013-02-30T0300Z", "2013-03-01T0300", "yesterday"])
def test_an_id_that_is_no_instant_is_refused_with_an_example(text):
    with pytest.raises(NightError, match="is no night"):
        Night.parse(text)


def test_opening_a_night_twice_leaves_one_row(warehouse):
    assert nights.open_night("2013-03-01T0300Z")
    assert nights.open_night("2013-03-01T0300Z")
    with store.connect() as connection:
        assert connection.execute("select night, valuation_date from ops.night").fetchall() == [
            ("2013-03-01T0300Z", date(2013, 2, 28))
        ]


def test_a_night_older_than_the_last_publication_is_not_opened(warehouse):
    nights.open_night("2013-03-02T0300Z")
    with store.connect() as connection:
        connection.execute(
            "insert into history.publications select gen_random_uuid(), 1, night, instant, valuation_date, "
            "known_at, 0, 0, '{}' from ops.nights"
        )
    assert not nights.open_night("2013-03-01T0300Z")
    assert nights.open_night("2013-03-02T0300Z")


def test_without_accounts_there_is_one_empty_batch(warehouse):
    assert nights.account_batches("2013-03-01T0300Z") == ["0/1"]
