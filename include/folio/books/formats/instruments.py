"""Instruments: reference facts of what accounts may hold."""

from typing import ClassVar, Literal

from folio.books.fields import Code, Currency, Flag, Key, Text
from folio.books.rows import BookRow


class InstrumentRow(BookRow):
    """One economic identity, whatever names sources give it."""

    dataset: ClassVar[str] = "instruments"
    table: ClassVar[str] = "book_instruments"
    key: ClassVar[tuple[str, ...]] = ("instrument_key",)
    columns: ClassVar[tuple[str, ...]] = (
        "instrument_key", "kind", "name", "currency", "asset_class", "sector", "region", "whole_units",
    )  # fmt: skip

    instrument_key: Key
    kind: Literal["fund", "equity", "etf", "bond", "crypto", "index"]
    name: Text
    currency: Currency
    asset_class: Code
    sector: Code
    region: Code
    whole_units: Flag

    def identities(self) -> tuple[tuple[str, str], ...]:
        """The instrument."""
        return (("instrument", self.instrument_key),)
