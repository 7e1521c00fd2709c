"""Whatever stands in an export's cells, every line is booked, refused or passed over, and nothing raises."""

import csv
import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from folio.books.importers import registry
from folio.books.importers.formats import Delimited
from folio.errors import PayloadError

DELIMITED = [one for one in registry.FORMATS if isinstance(one, Delimited)]

cells = st.one_of(
    st.sampled_from(
        (
            "", "-", "0", "1", "-2.5", "1,5", "1e400", "NaN", "buy", "SELL", "Deposit", "dividend",
            "2024-02-30",
            "2024-02-29", "29-02-2024", "29/02/2024", "20240229", "2024-02-29T10:00:00Z",
            "2024-02-29 10:00:00",
            "99999999999999", "EUR", "USD", "XXX", "BTC", "US0378331005", "Koop 1 @ 2 EUR", "Completed",
            "Transaction Spend", "crypto_exchange", "match", "fee", "Fil", "approved / x", "1 ETH", "CASH",
        )
    ),
    st.text(st.characters(codec="utf-8", exclude_categories=("Cs",), exclude_characters="\0\r"), max_size=8),
)  # fmt: skip


def written(one: Delimited, rows: list[list[str]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=one.delimiters[0], lineterminator="\n")
    writer.writerow(sorted(one.columns))
    writer.writerows(rows)
    return out.getvalue().encode()


@pytest.mark.parametrize("one", DELIMITED, ids=lambda one: one.name)
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_any_cells_end_in_a_verdict(one: Delimited, data: st.DataObject) -> None:
    width = len(one.columns)
    rows = data.draw(st.lists(st.lists(cells, min_size=0, max_size=width + 1), max_size=4))
    payload = written(one, rows)
    try:
        made = one.read(payload)
    except PayloadError:
        return
    told = {record.line for group in (made.booked, made.refused, made.passed) for record in group}
    assert len(told) <= len(rows)
    assert sum(map(len, (made.booked, made.refused, made.passed))) <= len(rows)
