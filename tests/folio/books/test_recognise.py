"""Kinds of book files told apart by their headers alone."""

from itertools import permutations

import pytest

from folio.books.formats.transactions import KINDS, TransactionRow
from folio.books.recognise import FORMATS, all_columns, recognise, required_columns
from folio.books.rows import BookRow
from folio.settings import ROOT
from folio.sources.tables import TABLES


@pytest.mark.parametrize("row", FORMATS, ids=lambda row: row.dataset)
def test_a_kind_is_recognised_with_and_without_its_optional_columns_in_any_order(row: type[BookRow]) -> None:
    assert recognise(sorted(all_columns(row))) is row
    assert recognise(sorted(required_columns(row), reverse=True)) is row


def test_no_header_fits_two_kinds() -> None:
    for one, other in permutations(FORMATS, 2):
        assert not (
            required_columns(one) <= all_columns(other) and required_columns(other) <= all_columns(one)
        )


@pytest.mark.parametrize("row", FORMATS, ids=lambda row: row.dataset)
def test_rows_fill_the_columns_that_landing_declares(row: type[BookRow]) -> None:
    assert row.columns == TABLES[row.table].columns
    assert row.key == TABLES[row.table].key


def test_the_kinds_of_transactions_are_those_with_needs() -> None:
    literal = TransactionRow.model_fields["kind"].annotation
    assert set(literal.__args__) == set(KINDS)  # type: ignore[union-attr]


@pytest.mark.parametrize("row", FORMATS, ids=lambda row: row.dataset)
def test_the_docs_hold_a_template_of_every_kind(row: type[BookRow]) -> None:
    header = ",".join(row.model_fields)
    assert f"\n{header}\n" in (ROOT / "docs" / "books.md").read_text(encoding="utf-8")
