"""Targets: the weight wanted of each instrument in a portfolio, from a day on."""

from typing import ClassVar

from folio.books.fields import Day, Fraction, Key
from folio.books.known import Known
from folio.books.rows import BookRow


class TargetRow(BookRow):
    """Weight of one instrument; rows of a portfolio stand from `valid_from` until its next such day."""

    dataset: ClassVar[str] = "targets"
    table: ClassVar[str] = "book_targets"
    key: ClassVar[tuple[str, ...]] = ("portfolio_key", "instrument_key", "valid_from")
    columns: ClassVar[tuple[str, ...]] = ("portfolio_key", "instrument_key", "valid_from", "weight")

    portfolio_key: Key
    instrument_key: Key
    valid_from: Day
    weight: Fraction

    def check(self, known: Known) -> None:
        """Portfolio and instrument must be known."""
        known.check_portfolio(self.portfolio_key)
        known.check_instrument(self.instrument_key)
