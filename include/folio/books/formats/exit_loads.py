"""Exit loads: what a fund keeps of units that are sold soon after their purchase."""

from typing import Annotated, ClassVar

from pydantic import BeforeValidator

from folio.books.fields import Day, Fraction, Key, whole_number
from folio.books.known import Known
from folio.books.rows import BookRow


class ExitLoadRow(BookRow):
    """Load on units held fewer than `held_days_below` days; of several steps the lowest that fits counts.

    Rows of a fund stand from `valid_from` until its next such day, for units bought from then on.
    """

    dataset: ClassVar[str] = "exit_loads"
    table: ClassVar[str] = "book_exit_loads"
    key: ClassVar[tuple[str, ...]] = ("instrument_key", "valid_from", "held_days_below")
    columns: ClassVar[tuple[str, ...]] = ("instrument_key", "valid_from", "held_days_below", "exit_load")

    instrument_key: Key
    valid_from: Day
    held_days_below: Annotated[int, BeforeValidator(whole_number)]
    exit_load: Fraction

    def check(self, known: Known) -> None:
        """The fund must be a known instrument."""
        known.check_instrument(self.instrument_key)
