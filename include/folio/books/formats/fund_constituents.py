"""Fund constituents: what a fund itself holds, as its portfolio statement of a day says."""

from typing import ClassVar

from folio.books.fields import Code, Day, Fraction, Key, Text
from folio.books.known import Known
from folio.books.rows import BookRow


class FundConstituentRow(BookRow):
    """Share of one holding in a fund; rows stand from `valid_from` until the fund's next such day."""

    dataset: ClassVar[str] = "fund_constituents"
    table: ClassVar[str] = "book_fund_constituents"
    key: ClassVar[tuple[str, ...]] = ("instrument_key", "valid_from", "constituent_code")
    columns: ClassVar[tuple[str, ...]] = (
        "instrument_key", "valid_from", "constituent_code", "constituent_name", "sector", "weight",
    )  # fmt: skip

    instrument_key: Key
    valid_from: Day
    constituent_code: Key
    constituent_name: Text
    sector: Code | None = None
    weight: Fraction

    def check(self, known: Known) -> None:
        """The fund must be a known instrument; its constituents need not be."""
        known.check_instrument(self.instrument_key)
