"""Benchmarks: what a portfolio is measured by, from a day on."""

from typing import ClassVar

from folio.books.fields import Day, Fraction, Key
from folio.books.known import Known
from folio.books.rows import BookRow


class BenchmarkRow(BookRow):
    """Weight of one instrument in a portfolio's benchmark; rows stand until the portfolio's next such day."""

    dataset: ClassVar[str] = "benchmarks"
    table: ClassVar[str] = "book_benchmarks"
    key: ClassVar[tuple[str, ...]] = ("portfolio_key", "benchmark_key", "valid_from")
    columns: ClassVar[tuple[str, ...]] = ("portfolio_key", "benchmark_key", "valid_from", "benchmark_weight")

    portfolio_key: Key
    benchmark_key: Key
    valid_from: Day
    benchmark_weight: Fraction

    def check(self, known: Known) -> None:
        """Portfolio and instrument must be known."""
        known.check_portfolio(self.portfolio_key)
        known.check_instrument(self.benchmark_key, "benchmark_key")
