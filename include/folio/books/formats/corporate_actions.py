"""Corporate actions: splits, bonuses and dividends of instruments that no provider announces."""

from decimal import Decimal
from typing import ClassVar, Literal, Self

from pydantic import model_validator

from folio.books.fields import Day, Key, Price, Rate
from folio.books.known import Known
from folio.books.rows import BookRow


class CorporateActionRow(BookRow):
    """One event of an instrument: `ratio` is units after for one before, `amount` cash for one unit."""

    dataset: ClassVar[str] = "corporate_actions"
    table: ClassVar[str] = "book_corporate_actions"
    key: ClassVar[tuple[str, ...]] = ("instrument_key", "kind", "ex_date")
    columns: ClassVar[tuple[str, ...]] = ("instrument_key", "kind", "ex_date", "ratio", "amount")

    instrument_key: Key
    kind: Literal["split", "bonus", "dividend"]
    ex_date: Day
    ratio: Rate | None = None
    amount: Price | None = None

    @model_validator(mode="after")
    def _says_what_its_kind_needs(self) -> Self:
        needed, other = ("amount", "ratio") if self.kind == "dividend" else ("ratio", "amount")
        value = getattr(self, needed)
        if value is None or value == Decimal(0):
            raise ValueError(f"column {needed}: a {self.kind} cannot be booked without it")
        if getattr(self, other) is not None:
            raise ValueError(f"column {other}: a {self.kind} has none; leave it empty")
        if self.kind == "bonus" and value <= 1:
            raise ValueError(f"column ratio: {value} is no bonus; 1:1 is 2 units after for one before")
        return self

    def check(self, known: Known) -> None:
        """The instrument must be known."""
        known.check_instrument(self.instrument_key)
