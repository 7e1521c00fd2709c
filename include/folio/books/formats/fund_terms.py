"""Fund terms: what a fund costs a year, how risky its house says it is, and what it is measured by."""

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from folio.books.fields import Day, Fraction, Key
from folio.books.known import Known
from folio.books.rows import BookRow


class FundTermsRow(BookRow):
    """Terms of a fund from `valid_from` until its next such day; at least one of them is said."""

    dataset: ClassVar[str] = "fund_terms"
    table: ClassVar[str] = "book_fund_terms"
    key: ClassVar[tuple[str, ...]] = ("instrument_key", "valid_from")
    columns: ClassVar[tuple[str, ...]] = (
        "instrument_key", "valid_from", "expense_ratio", "riskometer", "benchmark_key",
    )  # fmt: skip

    instrument_key: Key
    valid_from: Day
    expense_ratio: Fraction | None = None
    riskometer: (
        Literal["low", "low_to_moderate", "moderate", "moderately_high", "high", "very_high"] | None
    ) = None
    benchmark_key: Key | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.expense_ratio is None and self.riskometer is None and self.benchmark_key is None:
            raise ValueError("columns expense_ratio, riskometer and benchmark_key: all empty")
        return self

    def check(self, known: Known) -> None:
        """The fund and its benchmark must be known instruments."""
        known.check_instrument(self.instrument_key)
        if self.benchmark_key is not None:
            known.check_instrument(self.benchmark_key, "benchmark_key")
