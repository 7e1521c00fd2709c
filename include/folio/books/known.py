"""What Folio knows of investors, portfolios, accounts and instruments when a book file lands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

SCHEMES = (
    "amfi", "isin", "ticker", "yahoo", "alphavantage", "coingecko", "kraken", "coinbase", "binance",
    "contract", "coin", "source",
)  # fmt: skip
"""Vocabularies in which a source may name an instrument."""


class UnknownNameError(ValueError):
    """A row names something that no file has introduced yet; the text says what.

    `waits_for` is that name as `kind name`, such as `instrument ticker:XYZ`; None where the row is not one
    that a later file could make good.
    """

    def __init__(self, text: str, waits_for: str | None = None) -> None:
        super().__init__(text)
        self.waits_for = waits_for


@dataclass(frozen=True)
class Alias:
    """Name of an instrument from `valid_from` until before `valid_to` (None while it lasts).

    A name without `instrument_key` is that of a spam token and means no instrument.
    """

    instrument_key: str | None
    valid_from: date
    valid_to: date | None

    def holds_on(self, day: date) -> bool:
        """Whether the name meant this instrument on that day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


@dataclass(frozen=True)
class Known:
    """Names that rows may refer to.

    `accounts` gives each account's currency, `aliases` what (scheme, alias) has meant over time.
    """

    investors: frozenset[str] = frozenset()
    portfolios: frozenset[str] = frozenset()
    accounts: Mapping[str, str] = field(default_factory=dict)
    instruments: frozenset[str] = frozenset()
    aliases: Mapping[tuple[str, str], tuple[Alias, ...]] = field(default_factory=dict)

    def check_investor(self, key: str) -> None:
        """Raise UnknownNameError unless an investors file has introduced the key."""
        if key not in self.investors:
            raise UnknownNameError(
                f"column investor_key: unknown investor {key!r}; its investors file comes first",
                f"investor {key}",
            )

    def check_portfolio(self, key: str) -> None:
        """Raise UnknownNameError unless a portfolios file has introduced the key."""
        if key not in self.portfolios:
            raise UnknownNameError(
                f"column portfolio_key: unknown portfolio {key!r}; its portfolios file comes first",
                f"portfolio {key}",
            )

    def check_instrument(self, key: str, column: str = "instrument_key") -> None:
        """Raise UnknownNameError unless an instruments file has introduced the key."""
        if key not in self.instruments:
            raise UnknownNameError(
                f"column {column}: unknown instrument {key!r}; its instruments file comes first",
                f"instrument {key}",
            )

    def account_currency(self, key: str) -> str:
        """Currency of an account; UnknownNameError where no accounts file has introduced it."""
        if key not in self.accounts:
            raise UnknownNameError(
                f"column account_key: unknown account {key!r}; its accounts file comes first",
                f"account {key}",
            )
        return self.accounts[key]

    def instrument(self, name: str, day: date) -> str:
        """Key of the instrument that `name` (a key, or `scheme:alias`) means on a day.

        A name that lasts ends where a later row gives it away, as a reused ticker does. Raises
        UnknownNameError where nothing, a spam token or more than one instrument goes by it on that day.
        """
        if name in self.instruments:
            return name
        scheme, colon, alias = name.partition(":")
        if not colon:
            raise UnknownNameError(
                f"column instrument: unknown instrument key {name!r}; its instruments file comes first",
                f"instrument {name}",
            )
        if scheme not in SCHEMES:
            raise UnknownNameError(
                f"column instrument: {name!r} is no known instrument key, and {scheme!r} is none of the "
                f"alias schemes {', '.join(SCHEMES)}"
            )
        holding = [a for a in self.aliases.get((scheme, alias), ()) if a.holds_on(day)]
        latest = max((a.valid_from for a in holding), default=day)
        meanings = {a.instrument_key for a in holding if a.valid_to is not None or a.valid_from == latest}
        if None in meanings:
            raise UnknownNameError(f"column instrument: {scheme} alias {alias!r} is a spam token: kept apart")
        if not meanings:
            raise UnknownNameError(
                f"column instrument: unknown {scheme} alias {alias!r} on {day}; "
                f"its instrument_aliases file comes first",
                f"instrument {name}",
            )
        if len(keys := sorted(filter(None, meanings))) > 1:
            raise UnknownNameError(
                f"column instrument: {scheme} alias {alias!r} means {' and '.join(keys)} on {day}"
            )
        return keys[0]
