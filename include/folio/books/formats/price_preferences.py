"""Price preferences: whose prices an instrument takes, where the order of its kind does not suit it."""

from typing import ClassVar, Literal, Self, get_args

from pydantic import model_validator

from folio.books.fields import Day, Key, Text
from folio.books.known import Known
from folio.books.rows import BookRow

PriceSource = Literal[
    "amfi", "polygon", "file", "yahoo", "alphavantage", "coingecko", "kraken", "coinbase", "binance"
]
"""Sources that give prices, as `fct_prices_daily.price_source` names them."""


class PricePreferenceRow(BookRow):
    """Sources of an instrument's prices from a day on, best first; what is not named is not used."""

    dataset: ClassVar[str] = "price_preferences"
    table: ClassVar[str] = "book_price_preferences"
    key: ClassVar[tuple[str, ...]] = ("instrument_key", "valid_from")
    columns: ClassVar[tuple[str, ...]] = ("instrument_key", "valid_from", "price_sources")

    instrument_key: Key
    valid_from: Day
    price_sources: Text

    @model_validator(mode="after")
    def _names_sources_once(self) -> Self:
        named = self.price_sources.split()
        unknown = [source for source in named if source not in get_args(PriceSource)]
        if unknown:
            raise ValueError(
                f"column price_sources: unknown source {', '.join(unknown)}; "
                f"known are {', '.join(get_args(PriceSource))}"
            )
        if len(set(named)) < len(named):
            raise ValueError(f"column price_sources: {self.price_sources!r} names a source twice")
        return self

    def check(self, known: Known) -> None:
        """The instrument must be known."""
        known.check_instrument(self.instrument_key)
