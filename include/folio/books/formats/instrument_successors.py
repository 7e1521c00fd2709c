"""Instrument successors: renames, mergers, delistings, reused tickers, side pockets, spin-offs; and when."""

from decimal import Decimal
from typing import ClassVar, Literal, Self

from pydantic import model_validator

from folio.books.fields import Day, Fraction, Key, Price, Rate
from folio.books.known import Known
from folio.books.rows import BookRow

OPTIONAL = {
    "rename": (),
    "merger": ("ratio", "cash"),
    "delisting": ("cash",),
    "ticker_reuse": (),
    "segregation": ("ratio", "cost_share"),
    "spin_off": ("ratio", "cost_share"),
}
"""Optional columns that a kind may fill; the successor goes without saying."""


class InstrumentSuccessorRow(BookRow):
    """What became of an instrument on `effective_date`, its first day under the new state."""

    dataset: ClassVar[str] = "instrument_successors"
    table: ClassVar[str] = "book_instrument_successors"
    key: ClassVar[tuple[str, ...]] = ("instrument_key", "kind", "effective_date")
    columns: ClassVar[tuple[str, ...]] = (
        "instrument_key", "kind", "effective_date", "successor_key", "ratio", "cash", "cost_share",
    )  # fmt: skip

    instrument_key: Key
    kind: Literal["rename", "merger", "delisting", "ticker_reuse", "segregation", "spin_off"]
    effective_date: Day
    successor_key: Key | None = None
    ratio: Rate | None = None
    cash: Price | None = None
    cost_share: Fraction | None = None

    @model_validator(mode="after")
    def _says_what_its_kind_needs(self) -> Self:
        problems = []
        if self.kind == "delisting" and self.successor_key is not None:
            problems.append("column successor_key: a delisting leaves nothing behind; leave it empty")
        if self.kind != "delisting" and self.successor_key is None:
            problems.append(f"column successor_key: a {self.kind} cannot be booked without it")
        if self.successor_key == self.instrument_key:
            problems.append("column successor_key: an instrument is not its own successor")
        if self.kind in ("merger", "segregation", "spin_off") and self.ratio is None:
            problems.append(f"column ratio: a {self.kind} cannot be booked without it")
        if self.kind in ("segregation", "spin_off") and self.cost_share is None:
            problems.append(f"column cost_share: a {self.kind} cannot be booked without it")
        if self.ratio == Decimal(0):
            problems.append("column ratio: 0 units follow; a delisting says so")
        problems += [
            f"column {column}: a {self.kind} has none; leave it empty"
            for column in ("ratio", "cash", "cost_share")
            if getattr(self, column) is not None and column not in OPTIONAL[self.kind]
        ]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def check(self, known: Known) -> None:
        """Both instruments must be known."""
        known.check_instrument(self.instrument_key)
        if self.successor_key is not None:
            known.check_instrument(self.successor_key, "successor_key")
