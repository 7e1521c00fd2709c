"""Statements: units that somebody who keeps an account says it holds, to hold the ledger against."""

from typing import Annotated, ClassVar, Self

from pydantic import BeforeValidator, model_validator

from folio.books.fields import Day, Key, Units, whole_number
from folio.books.known import Known
from folio.books.rows import BookRow

Line = Annotated[int, BeforeValidator(whole_number)]


class StatementRow(BookRow):
    """Units of an instrument in an account at the end of a day; `instrument` is a key or `scheme:alias`.

    The optional columns say what the statement shows of how they came about, so that a difference can be
    explained: units at its beginning, units that its beginning and its transactions make, the first day by
    which its own balances show that some are missing, and the lines of the file where they stand.
    """

    dataset: ClassVar[str] = "statements"
    table: ClassVar[str] = "book_statements"
    key: ClassVar[tuple[str, ...]] = ("account_key", "instrument_key", "statement_date")
    columns: ClassVar[tuple[str, ...]] = (
        "account_key", "instrument_key", "statement_date", "units", "opening_units", "own_units", "gap_date",
        "first_line", "last_line",
    )  # fmt: skip

    account_key: Key
    instrument: Key
    statement_date: Day
    units: Units
    opening_units: Units | None = None
    own_units: Units | None = None
    gap_date: Day | None = None
    first_line: Line | None = None
    last_line: Line | None = None

    @model_validator(mode="after")
    def _has_both_ends_of_its_lines(self) -> Self:
        if (self.first_line is None) != (self.last_line is None):
            raise ValueError("columns first_line and last_line: one without the other")
        if self.first_line and self.last_line and self.first_line > self.last_line:
            raise ValueError("columns first_line and last_line: not in order")
        return self

    def check(self, known: Known) -> None:
        """Account and instrument must be known."""
        known.account_currency(self.account_key)
        known.instrument(self.instrument, self.statement_date)

    def values_by(self, known: Known) -> tuple[object, ...]:
        """Cells with the instrument's key; ask only after `check`."""
        key = known.instrument(self.instrument, self.statement_date)
        return tuple(key if c == "instrument_key" else getattr(self, c) for c in self.columns)
