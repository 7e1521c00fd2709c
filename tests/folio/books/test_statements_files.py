"""Book files of statements and strategies: what their rows may say."""

from datetime import date

import pytest

from folio.books.known import Known
from folio.books.reading import read

KNOWN = Known(portfolios=frozenset({"P1"}), accounts={"A1": "EUR"}, instruments=frozenset({"share"}))


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ("A9,share,2024-01-31,5,,", "unknown account 'A9'"),
        ("A1,other,2024-01-31,5,,", "unknown instrument key 'other'"),
        ("A1,share,2024-01-31,-5,,", "column units: -5 is negative"),
        ("A1,share,2024-01-31,5,3,", "one without the other"),
        ("A1,share,2024-01-31,5,3,2", "not in order"),
        ("A1,share,2024-01-31,5,2.5,3", "column first_line: '2.5' is not a whole number"),
    ],
)
def test_a_statement_that_cannot_be_is_rejected_with_its_reason(cells: str, reason: str) -> None:
    header = "account_key,instrument,statement_date,units,first_line,last_line"
    reading = read(f"{header}\n{cells}\nA1,share,2024-02-29,7,1,4\n".encode(), KNOWN)
    [one] = reading.rejected
    assert (one.line, reason in one.reason) == (2, True), one.reason
    [kept] = reading.accepted
    assert kept.values[:3] == ("A1", "share", date(2024, 2, 29))


def test_a_strategy_is_of_a_known_portfolio_and_gets_an_id() -> None:
    reading = read(b"strategy_key,name,portfolio_key\nS1,One,P1\nS2,Two,P9\n", KNOWN)
    assert reading.identities == {("strategy", "S1")}
    assert [one.waits_for for one in reading.rejected] == ["portfolio P9"]
