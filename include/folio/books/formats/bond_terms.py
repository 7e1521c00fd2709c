"""Bond terms: coupon, day count and maturity of a bond."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, model_validator

from folio.books.fields import Day, Fraction, Key, Money, whole_number
from folio.books.known import Known
from folio.books.rows import BookRow


class BondTermsRow(BookRow):
    """What a bond promises; `face_value` is in the instrument's currency, per unit."""

    dataset: ClassVar[str] = "bond_terms"
    table: ClassVar[str] = "book_bond_terms"
    key: ClassVar[tuple[str, ...]] = ("instrument_key",)
    columns: ClassVar[tuple[str, ...]] = (
        "instrument_key", "coupon_rate", "coupons_per_year", "day_count", "issued_on", "matures_on",
        "face_value",
    )  # fmt: skip

    instrument_key: Key
    coupon_rate: Fraction
    coupons_per_year: Annotated[int, BeforeValidator(whole_number)]
    day_count: Literal["30/360", "act/360", "act/365", "act/act"]
    issued_on: Day
    matures_on: Day
    face_value: Money

    @model_validator(mode="after")
    def _can_be_true(self) -> Self:
        if self.coupons_per_year not in (0, 1, 2, 4, 12):
            raise ValueError(f"column coupons_per_year: {self.coupons_per_year} is none of 0, 1, 2, 4, 12")
        if self.matures_on <= self.issued_on:
            raise ValueError(f"column matures_on: {self.matures_on} is not after issued_on {self.issued_on}")
        return self

    def check(self, known: Known) -> None:
        """The bond must be a known instrument."""
        known.check_instrument(self.instrument_key)
