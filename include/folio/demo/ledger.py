"""A ledger that keeps count while a demo book is made: no row sells or spends what is not there."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from pathlib import Path

from folio.books.formats.transactions import TransactionRow
from folio.books.rows import BookRow
from folio.demo.tables import write_table
from folio.errors import LotError

CENT = Decimal("0.01")
FUND_STEP = Decimal("0.001")
RATE_STEP = Decimal("0.000000000001")
SETTLEMENT_DAYS = 3

Row = Mapping[str, object]
"""Cells of a book row by column; a missing column is an empty cell."""


def write_rows(path: Path, kind: type[BookRow], rows: Iterable[Row]) -> Path:
    """Write rows as a book file of a kind, with every column that the kind has."""
    columns = tuple(kind.model_fields)
    return write_table(path, columns, ([_cell(row.get(column)) for column in columns] for row in rows))


def _cell(value: object) -> object:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def cents(amount: Decimal) -> Decimal:
    """An amount of money to the cent."""
    return amount.quantize(CENT, ROUND_HALF_EVEN)


def fund_units(amount: Decimal, nav: Decimal) -> Decimal:
    """Units of a fund that an amount buys at a NAV: three decimals, cut."""
    return (amount / nav).quantize(FUND_STEP, ROUND_DOWN)


def settles(day: date) -> date:
    """SETTLEMENT_DAYS weekdays later."""
    left = SETTLEMENT_DAYS
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < 5
    return day


@dataclass(frozen=True)
class Holder:
    """What the ledger needs of an account: `kept` counts cash, `numbered` gives its rows external ids."""

    key: str
    currency: str
    kept: bool
    numbered: bool


@dataclass(frozen=True)
class Trade:
    """Units at a price in a currency; `rate` is account currency per unit of it, None where they are equal.

    `name` is what the row calls the instrument, which may be an alias.
    """

    instrument: str
    name: str
    units: Decimal
    price: Decimal
    amount: Decimal
    currency: str
    rate: Decimal | None = None
    fee: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)


@dataclass
class Ledger:
    """Rows booked so far, units by (account, instrument) and cash by account."""

    rows: list[dict[str, object]] = field(default_factory=list)
    units: defaultdict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    cash: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    _numbers: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    def money(self, holder: Holder, kind: str, day: date, amount: Decimal, **cells: object) -> None:
        """Book a deposit, interest, withdrawal or fee in the account's currency."""
        sign = {"deposit": 1, "interest": 1, "withdrawal": -1, "fee": -1}[kind]
        self._move_cash(holder, sign * amount)
        self._book(holder, kind, day, amount=amount, currency=holder.currency, **cells)

    def acquire(self, holder: Holder, kind: str, day: date, trade: Trade, **cells: object) -> None:
        """Book a buy or switch_in."""
        self._move_cash(holder, -(trade.amount + trade.fee + trade.tax) * (trade.rate or 1))
        self._move_units(holder, trade.instrument, trade.units)
        self._trade(holder, kind, day, trade, cells)

    def dispose(self, holder: Holder, kind: str, day: date, trade: Trade, **cells: object) -> None:
        """Book a sell or switch_out."""
        self._move_units(holder, trade.instrument, -trade.units)
        self._move_cash(holder, (trade.amount - trade.fee - trade.tax) * (trade.rate or 1))
        self._trade(holder, kind, day, trade, cells)

    def dividend(self, holder: Holder, day: date, trade: Trade) -> None:
        """Book `trade.amount` paid on a holding, less tax withheld; its units and fee are not booked."""
        self._move_cash(holder, (trade.amount - trade.tax) * (trade.rate or 1))
        self._book(
            holder,
            "dividend",
            day,
            instrument=trade.name,
            amount=trade.amount,
            currency=trade.currency,
            tax=trade.tax,
            fx_rate=trade.rate,
            settlement_date=settles(day),
        )

    def transfer(
        self, giver: Holder, taker: Holder, day: date, trade: Trade, taker_name: str, pair_key: str
    ) -> None:
        """Book units moved in kind between two accounts: two rows that share a pair_key."""
        self._move_units(giver, trade.instrument, -trade.units)
        self._move_units(taker, trade.instrument, trade.units)
        for holder, kind, name in ((giver, "transfer_out", trade.name), (taker, "transfer_in", taker_name)):
            self._book(
                holder,
                kind,
                day,
                instrument=name,
                units=trade.units,
                price=trade.price,
                currency=trade.currency,
                pair_key=pair_key,
            )

    def split(self, instrument: str, ratio: Decimal) -> None:
        """Count `ratio` new units for each old one; the split is a fact of the market and books no row."""
        for (account, held), units in list(self.units.items()):
            if held == instrument:
                self.units[account, held] = units * ratio

    def held(self, holder: Holder) -> dict[str, Decimal]:
        """Units above zero that an account holds, by instrument."""
        return {i: units for (account, i), units in self.units.items() if account == holder.key and units > 0}

    def _trade(self, holder: Holder, kind: str, day: date, trade: Trade, cells: Mapping[str, object]) -> None:
        self._book(
            holder,
            kind,
            day,
            instrument=trade.name,
            units=trade.units,
            price=trade.price,
            amount=trade.amount,
            currency=trade.currency,
            fee=trade.fee,
            tax=trade.tax,
            fx_rate=trade.rate,
            settlement_date=settles(day),
            **cells,
        )

    def _move_units(self, holder: Holder, instrument: str, change: Decimal) -> None:
        left = self.units[holder.key, instrument] + change
        if left < 0:
            raise LotError(f"{holder.key} would hold {left} of {instrument}")
        self.units[holder.key, instrument] = left

    def _move_cash(self, holder: Holder, change: Decimal) -> None:
        if not holder.kept:
            return
        left = self.cash[holder.key] + change
        if left < 0:
            raise LotError(f"{holder.key} would hold {left} {holder.currency}")
        self.cash[holder.key] = left

    def _book(self, holder: Holder, kind: str, day: date, **cells: object) -> None:
        row: dict[str, object] = {"fee": Decimal(0), "tax": Decimal(0), "status": "settled", **cells}
        row |= {"account_key": holder.key, "kind": kind, "trade_date": day}
        if holder.numbered:
            self._numbers[holder.key] += 1
            row["external_id"] = f"{holder.key}-{self._numbers[holder.key]:05d}"
        self.rows.append(row)


def write_transactions(path: Path, rows: Iterable[Row]) -> Path:
    """Write transactions as a book file, in the order given."""
    return write_rows(path, TransactionRow, rows)
