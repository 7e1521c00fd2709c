"""Strategies: model portfolios that accounts may follow, each under a name of its own."""

from typing import ClassVar

from folio.books.fields import Key, Text
from folio.books.known import Known
from folio.books.rows import BookRow


class StrategyRow(BookRow):
    """A strategy and the portfolio whose bookings are its own; it is valued as that portfolio is."""

    dataset: ClassVar[str] = "strategies"
    table: ClassVar[str] = "book_strategies"
    key: ClassVar[tuple[str, ...]] = ("strategy_key",)
    columns: ClassVar[tuple[str, ...]] = ("strategy_key", "name", "portfolio_key")

    strategy_key: Key
    name: Text
    portfolio_key: Key

    def check(self, known: Known) -> None:
        """The portfolio must be known."""
        known.check_portfolio(self.portfolio_key)

    def identities(self) -> tuple[tuple[str, str], ...]:
        """The strategy."""
        return (("strategy", self.strategy_key),)
