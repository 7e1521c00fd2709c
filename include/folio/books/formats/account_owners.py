"""Account owners: who owns which share of an account, and when."""

from typing import ClassVar, Self

from pydantic import model_validator

from folio.books.fields import Day, Fraction, Key
from folio.books.known import Known
from folio.books.rows import BookRow


class AccountOwnerRow(BookRow):
    """Share of an account from `valid_from` until before `valid_to` (empty while it lasts)."""

    dataset: ClassVar[str] = "account_owners"
    table: ClassVar[str] = "book_account_owners"
    key: ClassVar[tuple[str, ...]] = ("account_key", "investor_key", "valid_from")
    columns: ClassVar[tuple[str, ...]] = ("account_key", "investor_key", "valid_from", "valid_to", "share")

    account_key: Key
    investor_key: Key
    valid_from: Day
    valid_to: Day | None = None
    share: Fraction

    @model_validator(mode="after")
    def _is_a_share_of_some_days(self) -> Self:
        if self.share == 0:
            raise ValueError("column share: 0 is no ownership; leave the row out")
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise ValueError(f"column valid_to: {self.valid_to} is not after valid_from {self.valid_from}")
        return self

    def check(self, known: Known) -> None:
        """Account and investor must be known."""
        known.account_currency(self.account_key)
        known.check_investor(self.investor_key)
