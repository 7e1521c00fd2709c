"""Investors: who the clients are, with household, tax unit, residency and risk profile."""

from typing import ClassVar, Literal

from folio.books.fields import Country, Email, Key, Text
from folio.books.rows import BookRow


class InvestorRow(BookRow):
    """One client; personal data that never reaches the marts."""

    dataset: ClassVar[str] = "investors"
    table: ClassVar[str] = "book_investors"
    key: ClassVar[tuple[str, ...]] = ("investor_key",)
    columns: ClassVar[tuple[str, ...]] = (
        "investor_key", "household_key", "tax_unit_key", "name", "email", "residency", "risk_profile",
    )  # fmt: skip

    investor_key: Key
    household_key: Key
    tax_unit_key: Key
    name: Text
    email: Email | None = None
    residency: Country
    risk_profile: Literal["conservative", "balanced", "growth", "aggressive"]

    def identities(self) -> tuple[tuple[str, str], ...]:
        """The investor, its household and its tax unit."""
        return (
            ("investor", self.investor_key),
            ("household", self.household_key),
            ("tax_unit", self.tax_unit_key),
        )
