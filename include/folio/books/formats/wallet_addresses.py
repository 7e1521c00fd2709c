"""Wallet addresses: what a client's wallet is called on a chain, so that its balances can be asked for."""

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from folio.books.fields import Key
from folio.books.known import Known
from folio.books.rows import BookRow
from folio.sources.connectors import esplora, ethereum


class WalletAddressRow(BookRow):
    """An address whose balances belong to an account; an account may have several."""

    dataset: ClassVar[str] = "wallet_addresses"
    table: ClassVar[str] = "book_wallet_addresses"
    key: ClassVar[tuple[str, ...]] = ("chain", "address")
    columns: ClassVar[tuple[str, ...]] = ("chain", "address", "account_key")

    chain: Literal["bitcoin", "ethereum"]
    address: Key
    account_key: Key

    @model_validator(mode="after")
    def _is_an_address_of_the_chain(self) -> Self:
        check = ethereum.check_address if self.chain == ethereum.CHAIN else esplora.check_address
        try:
            check(self.address)
        except ValueError as wrong:
            raise ValueError(f"column address: {wrong}") from None
        return self

    def check(self, known: Known) -> None:
        """The account must be known."""
        known.account_currency(self.account_key)
