"""Files of successors, corporate actions and price preferences: what loads and what is refused."""

from decimal import Decimal

import pytest

from folio.books.known import Known
from folio.books.reading import Reading, read

KNOWN = Known(instruments=frozenset({"old", "new"}))
SUCCESSORS = "instrument_key,kind,effective_date,successor_key,ratio,cash,cost_share"
ACTIONS = "instrument_key,kind,ex_date,ratio,amount"
PREFERENCES = "instrument_key,valid_from,price_sources"
ALIASES = "scheme,alias,valid_from,valid_to,instrument_key,is_spam"


def reading(header: str, *lines: str) -> Reading:
    return read("\n".join((header, *lines)).encode(), KNOWN)


def test_what_became_of_an_instrument_loads_with_what_its_kind_needs() -> None:
    found = reading(
        SUCCESSORS,
        "old,delisting,2019-10-03,,,,",
        "old,merger,2019-10-04,new,0.5,1.25,",
        "old,rename,2019-10-05,new,,,",
        "old,segregation,2019-10-06,new,1,,0.1",
        "old,spin_off,2019-10-07,new,1,,0.1",
        "old,ticker_reuse,2019-10-07,new,,,",
    )
    assert found.rejected == ()
    assert found.accepted[1].values[3:] == ("new", Decimal("0.5"), Decimal("1.25"), None)


@pytest.mark.parametrize(
    ("header", "line", "reason"),
    [
        (SUCCESSORS, "old,merger,2019-10-04,new,,,", "column ratio: a merger cannot be booked without it"),
        (SUCCESSORS, "old,merger,2019-10-04,,1,,", "column successor_key: a merger cannot be booked"),
        (SUCCESSORS, "old,delisting,2019-10-04,new,,,", "column successor_key: a delisting leaves nothing"),
        (SUCCESSORS, "old,rename,2019-10-04,old,,,", "an instrument is not its own successor"),
        (SUCCESSORS, "old,rename,2019-10-04,new,,1,", "column cash: a rename has none"),
        (
            SUCCESSORS,
            "old,segregation,2019-10-04,new,1,,",
            "column cost_share: a segregation cannot be booked",
        ),
        (SUCCESSORS, "old,merger,2019-10-04,gone,1,,", "column successor_key: unknown instrument 'gone'"),
        (ACTIONS, "old,split,2019-10-04,,", "column ratio: a split cannot be booked without it"),
        (ACTIONS, "old,bonus,2019-10-04,1,", "1 is no bonus; 1:1 is 2 units after for one before"),
        (ACTIONS, "old,dividend,2019-10-04,2,1", "column ratio: a dividend has none"),
        (PREFERENCES, "old,2019-10-04,polygon bloomberg", "column price_sources: unknown source bloomberg"),
        (PREFERENCES, "old,2019-10-04,yahoo yahoo", "names a source twice"),
        (ALIASES, "contract,ethereum:0xaa,2019-10-04,,old,true", "a spam token is no instrument"),
        (ALIASES, "ticker,XX,2019-10-04,,,", "column instrument_key: empty"),
    ],
)
def test_a_line_that_says_too_little_or_too_much_is_rejected_with_the_column(
    header: str, line: str, reason: str
) -> None:
    [rejected] = reading(header, line).rejected
    assert reason in rejected.reason


def test_actions_and_preferences_load_as_they_are_written() -> None:
    assert reading(ACTIONS, "old,split,2019-10-04,0.1,").accepted[0].values[3] == Decimal("0.1")
    assert reading(PREFERENCES, "old,2019-10-04,file yahoo").accepted[0].values[2] == "file yahoo"
