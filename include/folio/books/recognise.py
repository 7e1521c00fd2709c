"""Which kind of book file this is: its content says so, or it is refused."""

import csv
from collections.abc import Sequence

from folio.books.formats.account_owners import AccountOwnerRow
from folio.books.formats.accounts import AccountRow
from folio.books.formats.benchmarks import BenchmarkRow
from folio.books.formats.bond_terms import BondTermsRow
from folio.books.formats.corporate_actions import CorporateActionRow
from folio.books.formats.exit_loads import ExitLoadRow
from folio.books.formats.fund_constituents import FundConstituentRow
from folio.books.formats.fund_terms import FundTermsRow
from folio.books.formats.instrument_aliases import InstrumentAliasRow
from folio.books.formats.instrument_successors import InstrumentSuccessorRow
from folio.books.formats.instruments import InstrumentRow
from folio.books.formats.investors import InvestorRow
from folio.books.formats.portfolios import PortfolioRow
from folio.books.formats.price_preferences import PricePreferenceRow
from folio.books.formats.statements import StatementRow
from folio.books.formats.strategies import StrategyRow
from folio.books.formats.targets import TargetRow
from folio.books.formats.transactions import TransactionRow
from folio.books.formats.wallet_addresses import WalletAddressRow
from folio.books.importers import registry
from folio.books.importers.formats import Format
from folio.books.rows import BookRow
from folio.errors import PayloadError

FORMATS: tuple[type[BookRow], ...] = (
    InvestorRow,
    PortfolioRow,
    AccountRow,
    AccountOwnerRow,
    WalletAddressRow,
    InstrumentRow,
    InstrumentAliasRow,
    InstrumentSuccessorRow,
    CorporateActionRow,
    PricePreferenceRow,
    FundTermsRow,
    ExitLoadRow,
    FundConstituentRow,
    BondTermsRow,
    BenchmarkRow,
    TargetRow,
    StrategyRow,
    TransactionRow,
    StatementRow,
)
"""Every kind of file in the order in which they land, so that what a row refers to comes before it."""


NEAR = 0.5
"""Share of what marks a format from which on a file that is none is said to be near it."""


def text_of(payload: bytes) -> str:
    """The file as text; PayloadError where it is not UTF-8 (a byte-order mark is allowed) or holds NUL."""
    try:
        text = payload.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = payload.count(b"\n", 0, wrong.start) + 1
        raise PayloadError(f"line {line}: not UTF-8 text ({wrong.reason} at byte {wrong.start})") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise PayloadError(f"line {line}: a NUL character; this is not a text file")
    return text


def required_columns(row: type[BookRow]) -> frozenset[str]:
    """Columns that a file of this kind must have."""
    return frozenset(name for name, field in row.model_fields.items() if field.is_required())


def all_columns(row: type[BookRow]) -> frozenset[str]:
    """Columns that a file of this kind may have."""
    return frozenset(row.model_fields)


def recognise(header: Sequence[str]) -> type[BookRow]:
    """Kind of file with this header: every required column, no unknown one, none twice, in any order.

    PayloadError names the nearest kind and what keeps the header from being it.
    """
    columns = set(header)
    if len(columns) < len(header):
        twice = sorted({column for column in header if header.count(column) > 1})
        raise PayloadError(f"line 1: column {', '.join(twice)} stands twice in the header")
    for row in FORMATS:
        if required_columns(row) <= columns <= all_columns(row):
            return row
    nearest = max(
        FORMATS, key=lambda row: len(columns & all_columns(row)) - len(required_columns(row) - columns)
    )
    if len(columns & all_columns(nearest)) < 2:
        kinds = ", ".join(row.dataset for row in FORMATS)
        raise PayloadError(f"line 1: not the header of a book file; known kinds are {kinds} (docs/books.md)")
    missing = ", ".join(sorted(required_columns(nearest) - columns))
    unknown = ", ".join(repr(column) for column in sorted(columns - all_columns(nearest)))
    faults = "; ".join(
        f"{what} {names}" for what, names in (("without", missing), ("unknown", unknown)) if names
    )
    raise PayloadError(f"line 1: the header is nearest to {nearest.dataset}, but {faults} (docs/books.md)")


def kind_of(payload: bytes) -> type[BookRow] | Format:
    """Folio's own kind of a file, or the format of an export that it is read from.

    PayloadError where it is neither, naming the nearest of both, or where two formats would read it.
    """
    try:
        return recognise(header_of(text_of(payload)))
    except PayloadError as wrong:
        own = wrong
    found = registry.recognise(payload)
    if found is not None:
        return found
    share, title = registry.nearest(payload)
    if share >= NEAR:
        raise PayloadError(
            f"{own}; of the exports it is nearest to {title}, but lacks columns of it"
        ) from None
    raise own


def header_of(text: str) -> list[str]:
    """Column names of the first line; PayloadError where there is none, or one that is no line of CSV."""
    first = text.partition("\n")[0].rstrip("\r")
    if not first.strip():
        raise PayloadError("line 1: no header; the file is empty")
    try:
        return [cell.strip() for cell in next(csv.reader([first]))]
    except csv.Error as wrong:
        raise PayloadError(f"line 1: not a CSV header ({wrong})") from None
