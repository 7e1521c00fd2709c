"""Portfolios: an investor's reporting units, with currency, risk limit and drift band."""

from typing import ClassVar

from folio.books.fields import Currency, Fraction, Key, Text
from folio.books.known import Known
from folio.books.rows import BookRow


class PortfolioRow(BookRow):
    """One reporting unit; `var_limit` and `drift_band` are fractions of its value."""

    dataset: ClassVar[str] = "portfolios"
    table: ClassVar[str] = "book_portfolios"
    key: ClassVar[tuple[str, ...]] = ("portfolio_key",)
    columns: ClassVar[tuple[str, ...]] = (
        "portfolio_key", "investor_key", "name", "currency", "var_limit", "drift_band",
    )  # fmt: skip

    portfolio_key: Key
    investor_key: Key
    name: Text
    currency: Currency
    var_limit: Fraction | None = None
    drift_band: Fraction

    def check(self, known: Known) -> None:
        """The investor must be known."""
        known.check_investor(self.investor_key)

    def identities(self) -> tuple[tuple[str, str], ...]:
        """The portfolio."""
        return (("portfolio", self.portfolio_key),)
