"""What a name means on a day: tickers change, and are given to other companies."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from folio.books.known import Alias, Known, UnknownNameError

BANK, SPLENDID, CURRENT = "share-bank", "share-fb-old", "share-fb"
KNOWN = Known(
    instruments=frozenset({BANK, SPLENDID, CURRENT}),
    aliases={
        # NB was renamed to BAC; FB was one company's ticker to March 2003 and another's from May 2012 on.
        ("ticker", "NB"): (Alias(BANK, date(1998, 1, 2), date(1998, 10, 1)),),
        ("ticker", "BAC"): (Alias(BANK, date(1998, 10, 1), None),),
        ("ticker", "FB"): (
            Alias(SPLENDID, date(1999, 9, 29), date(2003, 3, 29)),
            Alias(CURRENT, date(2012, 5, 18), None),
        ),
        ("contract", "ethereum:0xaa"): (Alias(None, date(2020, 1, 1), None),),
    },
)


@pytest.mark.parametrize(
    ("name", "day", "meant"),
    [
        ("ticker:NB", date(1998, 9, 30), BANK),
        ("ticker:BAC", date(1998, 10, 1), BANK),
        ("ticker:FB", date(2003, 3, 28), SPLENDID),
        ("ticker:FB", date(2012, 5, 18), CURRENT),
    ],
)
def test_a_renamed_ticker_is_one_instrument_and_a_reused_one_is_two(name: str, day: date, meant: str) -> None:
    assert KNOWN.instrument(name, day) == meant


@pytest.mark.parametrize(("name", "day"), [("ticker:NB", date(1998, 10, 1)), ("ticker:FB", date(2005, 1, 3))])
def test_a_name_means_nothing_on_days_when_nobody_had_it(name: str, day: date) -> None:
    with pytest.raises(UnknownNameError) as refused:
        KNOWN.instrument(name, day)
    assert refused.value.waits_for == f"instrument {name}"


def test_a_name_that_lasts_ends_where_a_later_row_gives_it_away() -> None:
    known = Known(
        aliases={
            ("ticker", "XX"): (Alias("old", date(2000, 1, 1), None), Alias("new", date(2010, 1, 1), None))
        }
    )
    assert known.instrument("ticker:XX", date(2009, 12, 31)) == "old"
    assert known.instrument("ticker:XX", date(2010, 1, 1)) == "new"


def test_a_spam_token_is_no_instrument_and_nothing_waits_for_it() -> None:
    with pytest.raises(UnknownNameError, match="spam token: kept apart") as refused:
        KNOWN.instrument("contract:ethereum:0xaa", date(2021, 1, 1))
    assert refused.value.waits_for is None


@pytest.mark.shared_data
def test_recorded_changes_of_tickers_are_those_of_the_test_above(shared: Path) -> None:
    folder = shared / "data" / "prices" / "lean_usa" / "map_files"
    rows = [line.split(",")[:2] for line in (folder / "bac.csv").read_text().split()]
    last_days = {ticker: date.fromisoformat(f"{day[:4]}-{day[4:6]}-{day[6:]}") for day, ticker in rows}
    for ticker, last in last_days.items():
        day = min(last, date(2020, 1, 2))
        assert KNOWN.instrument(f"ticker:{ticker.upper()}", day) == BANK
    with pytest.raises(UnknownNameError):
        KNOWN.instrument("ticker:NB", last_days["nb"] + timedelta(days=1))
