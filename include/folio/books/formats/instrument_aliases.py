"""Instrument aliases: the names by which sources and books call an instrument, and when."""

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from folio.books.fields import Day, Flag, Key
from folio.books.known import Known
from folio.books.rows import BookRow


class InstrumentAliasRow(BookRow):
    """Name of an instrument from `valid_from` until before `valid_to` (empty while it lasts).

    With `is_spam` it is the name of a token that means no instrument.
    """

    dataset: ClassVar[str] = "instrument_aliases"
    table: ClassVar[str] = "book_instrument_aliases"
    key: ClassVar[tuple[str, ...]] = ("scheme", "alias", "valid_from")
    columns: ClassVar[tuple[str, ...]] = (
        "scheme", "alias", "valid_from", "valid_to", "instrument_key", "is_spam",
    )  # fmt: skip

    scheme: Literal[
        "amfi", "isin", "ticker", "yahoo", "alphavantage", "coingecko", "kraken", "coinbase", "binance",
        "contract", "coin", "source",
    ]  # fmt: skip
    alias: Key
    valid_from: Day
    valid_to: Day | None = None
    instrument_key: Key | None = None
    is_spam: Flag = False

    @model_validator(mode="after")
    def _names_an_instrument_for_some_days(self) -> Self:
        if self.is_spam and self.instrument_key is not None:
            raise ValueError("column instrument_key: a spam token is no instrument; leave it empty")
        if not self.is_spam and self.instrument_key is None:
            raise ValueError("column instrument_key: empty")
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise ValueError(f"column valid_to: {self.valid_to} is not after valid_from {self.valid_from}")
        if self.scheme == "amfi" and not self.alias.isdecimal():
            raise ValueError(f"column alias: {self.alias!r} is no AMFI scheme code, which is a number")
        return self

    def check(self, known: Known) -> None:
        """The instrument must be known."""
        if self.instrument_key is not None:
            known.check_instrument(self.instrument_key)
