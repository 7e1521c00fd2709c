"""Plain cash flows: a day and an amount a line, as calculators of returns take them."""

import csv
import re
from collections.abc import Iterator
from functools import partial

from folio.books.importers import cells
from folio.books.importers.events import Event, Imported, PassedOver, gathered
from folio.books.importers.formats import Sample
from folio.books.importers.table import decoded
from folio.books.rows import RowError

_LINE = re.compile(r'"?\d{4}-\d{2}-\d{2}"?\s*,\s*"?[+-]?\d[\d.eE+-]*"?')


class CashFlows:
    """Days and amounts as the investor sees them: paid in below 0, paid out above."""

    name = "cash_flows"
    title = "cash flows (day, amount)"
    states_balances = False

    def nearness(self, sample: Sample) -> float:
        """Share of lines that are a day and a number; a file of such lines has no header."""
        lines = [line for line in decoded(sample.payload[:100_000]).split("\n") if line.strip()]
        if not lines or not _LINE.fullmatch(lines[0].strip()):
            return 0.0
        return 1.0

    def read(self, payload: bytes) -> Imported:
        """Read flows as deposits and withdrawals in the account's currency."""
        lines = enumerate(decoded(payload).split("\n"), start=1)
        return gathered(self.name, ((n, line, partial(_flow, line)) for n, line in lines if line.strip()))


def _flow(line: str) -> Iterator[Event]:
    try:
        row = next(csv.reader([line], skipinitialspace=True))
    except csv.Error as wrong:
        raise RowError(f"not a CSV line: {wrong}") from None
    if len(row) != 2:
        raise RowError(f"{len(row)} cells, a flow has a day and an amount")
    try:
        day, amount = cells.day(row[0], ("%Y-%m-%d",)), cells.number(row[1])
    except ValueError as wrong:
        raise RowError(f"column amount: {wrong}") from None
    if amount == 0:
        raise PassedOver("a flow of 0")
    yield Event(kind="deposit" if amount < 0 else "withdrawal", trade_date=day, amount=abs(amount))


FORMATS = (CashFlows(),)
