"""Accounts: where units are held, with currency, kind, tax regime, lot method and cash rules."""

from typing import ClassVar, Literal

from folio.books.fields import Code, Currency, Day, Key, Text
from folio.books.identity import cash_key
from folio.books.known import Known
from folio.books.rows import BookRow


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
    lot_method: Literal["fifo"]
    cash_model: Literal["kept", "implied"]
    flow_timing: Literal["start", "end"]
    opened_on: Day

    def check(self, known: Known) -> None:
        """The portfolio must be known."""
        known.check_portfolio(self.portfolio_key)

    def identities(self) -> tuple[tuple[str, str], ...]:
        """The account, and the cash it may hold."""
        return (("account", self.account_key), ("instrument", cash_key(self.currency)))
