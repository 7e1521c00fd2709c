"""Exports are recognised by their content, by one format or not at all."""

import itertools

import pytest

from folio.books.importers import registry
from folio.books.importers.formats import Delimited
from folio.books.known import Known
from folio.books.reading import read
from folio.errors import PayloadError
from folio.settings import ROOT

DELIMITED = [one for one in registry.FORMATS if isinstance(one, Delimited)]


def header(one: Delimited) -> bytes:
    return (one.delimiters[0].join(sorted(one.columns)) + "\n").encode()


@pytest.mark.parametrize(
    "one", DELIMITED, ids=lambda one: one.name + "/" + "-".join(sorted(one.columns))[:20]
)
def test_the_columns_of_a_format_make_it_that_format_and_no_other(one: Delimited) -> None:
    assert registry.recognise(header(one)) is one
    assert registry.recognise(b"A statement of\n;;;\n" + header(one)) is one


def test_names_of_formats_are_their_own() -> None:
    names = [one.name for one in registry.FORMATS]
    twice = {name for name in names if names.count(name) > 1}
    assert twice == {"ghostfolio_csv", "degiro"}  # two spellings of one format


def test_a_file_of_two_formats_is_refused() -> None:
    both = set(itertools.chain(DELIMITED[-1].columns, DELIMITED[-2].columns))
    with pytest.raises(PayloadError, match="nothing is imported on a guess"):
        registry.recognise((",".join(sorted(both)) + "\n").encode())


def test_a_file_that_lacks_a_column_is_refused_with_the_format_it_is_nearest_to() -> None:
    payload = b"Date,Action,Symbol,Description,Price,Quantity,Amount\n01/02/2024,Buy,X,X,1,1,1\n"
    with pytest.raises(PayloadError, match="nearest to Charles Schwab, but lacks columns of it"):
        read(payload, Known())


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"<html></html>", b"{}", b"[1, 2]", b'{"activities": 3}', b"%PDF-1.7", b"\x00\x01",
        b"a,b\n1,2\n",
        pytest.param(b"[" * 100_000 + b"]" * 100_000, id="nested deeper than Python reads"),
        pytest.param(b"Date,Action\n" + b"x" * 200_000 + b",1\n", id="a longer cell than csv reads"),
    ],
)  # fmt: skip
def test_what_is_no_export_is_refused_as_a_whole(payload: bytes) -> None:
    with pytest.raises(PayloadError):
        read(payload, Known(), account="A1")


def test_a_document_with_entities_is_no_flex_query() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "b">]><FlexQueryResponse>&a;</FlexQueryResponse>'
    assert registry.recognise(bomb) is None


def test_the_docs_name_every_format() -> None:
    text = (ROOT / "docs" / "importers.md").read_text(encoding="utf-8")
    assert [one.title for one in registry.FORMATS if one.title not in text] == []
