"""Accounts: where units are held, with currency, kind, tax regime, lot method and cash rules."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Literal, get_args

from folio.books.fields import Code, Currency, Day, Key, Text
from folio.books.identity import cash_key
from folio.books.known import Known
from folio.books.rows import BookRow, RowError

LotMethod = Literal[
    "fifo", "fifo_by_entry", "lifo", "hifo", "specific", "average", "tax_minimising", "section_104", "acb"
]
ALLOWED_METHODS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "india": frozenset({"fifo", "fifo_by_entry"}),
        "us": frozenset({"fifo", "lifo", "hifo", "specific", "tax_minimising"}),
        "uk": frozenset({"section_104"}),
        "canada": frozenset({"acb", "average"}),
    }
)
"""Lot methods by tax regime."""
ELSEWHERE = frozenset(get_args(LotMethod)) - {"tax_minimising"}
"""Lot methods of every other regime: all but the one that must know the regime's rates."""


class AccountRow(BookRow):
    """One account of a portfolio."""

    dataset: ClassVar[str] = "accounts"
    table: ClassVar[str] = "book_accounts"
    key: ClassVar[tuple[str, ...]] = ("account_key",)
    columns: ClassVar[tuple[str, ...]] = (
        "account_key", "portfolio_key", "name", "kind", "currency", "tax_regime", "lot_method",
        "cash_model", "flow_timing", "opened_on",
    )  # fmt: skip

    account_key: Key
    portfolio_key: Key
    name: Text
    kind: Literal["brokerage", "folio", "retirement", "exchange", "wallet"]
    currency: Currency
    tax_regime: Code
    lot_method: LotMethod
    cash_model: Literal["kept", "implied"]
    flow_timing: Literal["start", "end"]
    opened_on: Day

    def check(self, known: Known) -> None:
        """The portfolio must be known, and the lot method one that the tax regime allows."""
        known.check_portfolio(self.portfolio_key)
        allowed = ALLOWED_METHODS.get(self.tax_regime, ELSEWHERE)
        if self.lot_method not in allowed:
            raise RowError(
                f"column lot_method: {self.lot_method!r} is not for regime {self.tax_regime!r}; "
                f"allowed are {', '.join(sorted(allowed))}"
            )

    def identities(self) -> tuple[tuple[str, str], ...]:
        """The account, and the cash it may hold."""
        return (("account", self.account_key), ("instrument", cash_key(self.currency)))
