"""Fact packs: the figures of one account that advice may cite, each with its display and its mart cell."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal
from uuid import UUID

from folio.errors import AdviceError

LONGEST_NAME = 80

Unit = str
"""`ratio`, `count`, `name`, or `money:` and a currency code."""


@dataclass(frozen=True)
class Source:
    """The mart cell that a fact is: relation, key columns with their values, column.

    `of` is `value` for the cell itself or `count` for the number of rows that the key names. Relation
    `policy` holds the limits that the menu is made with.
    """

    relation: str
    key: Mapping[str, str]
    column: str
    of: Literal["value", "count"] = "value"

    def as_json(self) -> dict[str, object]:
        """The source as it is stored beside the text."""
        return {"relation": self.relation, "key": dict(self.key), "column": self.column, "of": self.of}


@dataclass(frozen=True)
class Fact:
    """One figure or name: `value` is None for a name; `sign` is its direction, None for a level.

    A fact's id has only small letters and underscores, so that text which cites it needs no digit.
    """

    fact_id: str
    meaning: str
    value: Decimal | None
    unit: Unit
    display: str
    source: Source
    sign: int | None = None

    def as_json(self) -> dict[str, object]:
        """The fact as it is stored beside the text that cites it."""
        return {
            "fact_id": self.fact_id,
            "value": None if self.value is None else f"{self.value:f}",
            "unit": self.unit,
            "display": self.display,
            "source": self.source.as_json(),
        }


@dataclass(frozen=True)
class FactPack:
    """The facts of one account on one valuation date, by id, and client text to be quoted, never followed.

    Raises
    ------
    AdviceError
        Two facts share an id, or an id is malformed.
    """

    account_id: UUID
    portfolio_id: UUID
    facts: tuple[Fact, ...]
    client_text: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        ids = [fact.fact_id for fact in self.facts]
        if len(set(ids)) < len(ids):
            raise AdviceError(f"account {self.account_id}: two facts share an id")
        for fact_id in ids:
            if not all(c == "_" or "a" <= c <= "z" for c in fact_id) or not fact_id:
                raise AdviceError(f"{fact_id!r} is no fact id: small letters and underscores only")

    @property
    def by_id(self) -> dict[str, Fact]:
        """Facts by their id."""
        return {fact.fact_id: fact for fact in self.facts}


def ratio(fact_id: str, meaning: str, value: Decimal, source: Source, *, directed: bool = False) -> Fact:
    """Fraction shown as a percentage with one decimal; `directed` where its sign means a rise or a fall."""
    percent = (value * 100).quantize(Decimal("0.1"), ROUND_HALF_EVEN)
    return Fact(
        fact_id, meaning, value, "ratio", f"{_plain(percent)} %", source, _sign(percent) if directed else None
    )


def loss(fact_id: str, meaning: str, value: Decimal, source: Source) -> Fact:
    """Positive fraction that measures a loss, so that only words of falling may go with it."""
    percent = (abs(value) * 100).quantize(Decimal("0.1"), ROUND_HALF_EVEN)
    return Fact(fact_id, meaning, abs(value), "ratio", f"{_plain(percent)} %", source, -1)


def money(fact_id: str, meaning: str, value: Decimal, currency: str, source: Source) -> Fact:
    """Amount shown with its currency code, thousands apart and two decimals."""
    shown = value.quantize(Decimal("0.01"), ROUND_HALF_EVEN)
    return Fact(fact_id, meaning, value, f"money:{currency}", f"{currency} {_plain(shown)}", source)


def count(fact_id: str, meaning: str, value: int, source: Source) -> Fact:
    """Number of things."""
    return Fact(fact_id, meaning, Decimal(value), "count", str(value), source)


def name(fact_id: str, meaning: str, text: str, source: Source) -> Fact:
    """Name from a client's book, cleaned of control characters and braces and cut to a line."""
    kept = "".join(c if unicodedata.category(c)[0] != "C" and c not in "{}<>" else " " for c in text)
    line = " ".join(kept.split())
    cut = line if len(line) <= LONGEST_NAME else line[: LONGEST_NAME - 1].rstrip() + "…"
    return Fact(fact_id, meaning, None, "name", cut or "(no name)", source)


def _plain(number: Decimal) -> str:
    return f"{number + 0:,f}" if number else f"{abs(number):,f}"


def _sign(number: Decimal) -> int:
    return (number > 0) - (number < 0)
