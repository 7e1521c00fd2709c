"""Transactions: the booked events of accounts; numbers are positive, the kind gives the direction."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import ClassVar, Literal, Self

from pydantic import model_validator

from folio.books.fields import Currency, Day, Instant, Key, Money, Price, Rate, Units
from folio.books.identity import cash_key, surrogate_id
from folio.books.known import Known
from folio.books.rows import BookRow, RowError


@dataclass(frozen=True)
class Needs:
    """What a kind of transaction cannot be booked without."""

    instrument: bool = False
    units: bool = False
    amount: bool = False


_TRADE = Needs(instrument=True, units=True, amount=True)
_UNITS = Needs(instrument=True, units=True)
_MONEY = Needs(amount=True)

KINDS: Mapping[str, Needs] = MappingProxyType(
    {
        "buy": _TRADE,
        "sell": _TRADE,
        "switch_in": _TRADE,
        "switch_out": _TRADE,
        "reinvest": _TRADE,
        "transfer_in": _UNITS,
        "transfer_out": _UNITS,
        "bonus": _UNITS,
        "merger_in": _UNITS,
        "merger_out": _UNITS,
        "spin_off": _UNITS,
        "segregation": _UNITS,
        "swap_in": _UNITS,
        "swap_out": _UNITS,
        "network_fee": _UNITS,
        "staking_reward": _UNITS,
        "airdrop": _UNITS,
        "split": _UNITS,
        "dividend": Needs(instrument=True, amount=True),
        "return_of_capital": Needs(instrument=True, amount=True),
        "deposit": _MONEY,
        "withdrawal": _MONEY,
        "interest": _MONEY,
        "fee": _MONEY,
        "tax": _MONEY,
        "stamp_duty": _MONEY,
        "exit_load": _MONEY,
        "reversal": _MONEY,
    }
)
"""Every kind that Folio books, with what its rows must say."""


SELLS_LOTS = frozenset({"sell", "switch_out", "swap_out", "network_fee"})
"""Kinds that may name the lots they sell."""

NATURAL = (
    "kind", "trade_date", "nav_date", "instrument", "units", "price", "amount", "currency", "fee", "tax",
)  # fmt: skip
"""What makes a transaction without external id the one it is; the rest may be corrected by a later file."""


class _Names(BookRow):
    """What an export does not say of an event itself."""

    account_key: Key
    external_id: Key
    currency: Currency


class TransactionRow(BookRow):
    """One booked event as its file says it; `instrument` is an instrument key or `scheme:alias`."""

    dataset: ClassVar[str] = "transactions"
    table: ClassVar[str] = "book_transactions"
    key: ClassVar[tuple[str, ...]] = ("transaction_key",)
    columns: ClassVar[tuple[str, ...]] = (
        "transaction_key", "transaction_id", "account_key", "external_id", "kind", "trade_date",
        "settlement_date", "occurred_at", "nav_date", "instrument_key", "units", "price", "amount",
        "currency", "fee", "tax", "fx_rate", "pair_key", "reverses", "lot", "status",
    )  # fmt: skip

    account_key: Key
    external_id: Key | None = None
    kind: Literal[
        "buy", "sell", "switch_in", "switch_out", "reinvest", "transfer_in", "transfer_out", "bonus",
        "merger_in", "merger_out", "spin_off", "segregation", "swap_in", "swap_out", "network_fee",
        "staking_reward", "airdrop", "split", "dividend", "return_of_capital", "deposit", "withdrawal",
        "interest", "fee", "tax", "stamp_duty", "exit_load", "reversal",
    ]  # fmt: skip
    trade_date: Day
    settlement_date: Day | None = None
    occurred_at: Instant | None = None
    nav_date: Day | None = None
    instrument: Key | None = None
    units: Units | None = None
    price: Price | None = None
    amount: Money | None = None
    currency: Currency
    fee: Money = Decimal(0)
    tax: Money = Decimal(0)
    fx_rate: Rate | None = None
    pair_key: Key | None = None
    reverses: Literal["dividend", "interest", "fee", "tax", "stamp_duty", "exit_load"] | None = None
    lot: Key | None = None
    status: Literal["pending", "settled", "failed", "reversed"] = "settled"

    @model_validator(mode="after")
    def _says_what_its_kind_needs(self) -> Self:
        needs = KINDS[self.kind]
        problems = [
            f"column {column}: a {self.kind} cannot be booked without it"
            for column in ("instrument", "units", "amount")
            if getattr(needs, column) and getattr(self, column) is None
        ]
        if needs.units and self.units == 0:
            problems.append(f"column units: a {self.kind} of 0 units moves nothing")
        if not needs.units and self.units is not None:
            problems.append(f"column units: a {self.kind} moves no units; leave it empty")
        if needs == _MONEY and self.amount == 0:
            problems.append(f"column amount: a {self.kind} of 0 moves nothing")
        if self.settlement_date is not None and self.settlement_date < self.trade_date:
            problems.append(f"column settlement_date: {self.settlement_date} is before the trade date")
        if (self.kind == "reversal") != (self.reverses is not None):
            problems.append("column reverses: what a reversal undoes, and of no other kind")
        if self.lot is not None and self.kind not in SELLS_LOTS:
            problems.append(f"column lot: a {self.kind} sells no lot; leave it empty")
        if self.fx_rate == 0:
            problems.append("column fx_rate: 0 is no exchange rate")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def named(self, account_key: str, external_id: str, currency: str) -> Self:
        """The same event under an account and an id, in a currency: RowError where one of these cannot be."""
        names = {"account_key": account_key, "external_id": external_id, "currency": currency}
        _Names.of(names)
        return self.model_copy(update=names)

    def check(self, known: Known) -> None:
        """Account and instrument must be known, and an exchange rate of a currency to itself is 1."""
        account_currency = known.account_currency(self.account_key)
        if self.instrument is not None:
            known.instrument(self.instrument, self.trade_date)
        if self.fx_rate is not None and account_currency == self.currency and self.fx_rate != 1:
            raise RowError(
                f"column fx_rate: {self.fx_rate} from {self.currency} to the account's own {account_currency}"
            )

    def identities(self) -> tuple[tuple[str, str], ...]:
        """The cash that the event moves."""
        return (("instrument", cash_key(self.currency)),)

    def booked(self, known: Known) -> "BookedTransaction":
        """The same event with its instrument resolved; ask only after `check`."""
        name = self.instrument
        return BookedTransaction(self, None if name is None else known.instrument(name, self.trade_date))


@dataclass(frozen=True)
class BookedTransaction:
    """A checked transaction whose instrument is a key; numbered among its twins to get its own key."""

    row: TransactionRow
    instrument_key: str | None

    def natural(self) -> str:
        """SHA-256 of the fields that make it the event it is; equal numbers hash alike (10 and 10.00)."""
        return _digest(self.instrument_key, *(getattr(self.row, c) for c in NATURAL if c != "instrument"))

    def rank(self) -> str:
        """Order among twins that does not depend on the order of lines."""
        row = self.row
        return _digest(
            row.settlement_date, row.occurred_at, row.fx_rate, row.pair_key, row.reverses, row.status
        )

    def transaction_key(self, occurrence: int) -> str:
        """Account and external id, or account, natural fields and the place among true twins (from 1)."""
        if self.row.external_id is not None:
            return f"{self.row.account_key}|{self.row.external_id}"
        return f"{self.row.account_key}|{self.natural()}|{occurrence}"

    def values(self, occurrence: int) -> tuple[object, ...]:
        """Cells of raw.book_transactions in the order of `TransactionRow.columns`."""
        key = self.transaction_key(occurrence)
        made = {
            "transaction_key": key,
            "transaction_id": surrogate_id("transaction", key),
            "instrument_key": self.instrument_key,
        }
        return tuple(made[c] if c in made else getattr(self.row, c) for c in TransactionRow.columns)


def _digest(*fields: object) -> str:
    return hashlib.sha256("\x1f".join(_plain(field) for field in fields).encode()).hexdigest()


def _plain(field: object) -> str:
    if isinstance(field, Decimal):
        return f"{field.normalize():f}"
    return "" if field is None else str(field)
