"""Benchmark: transactions of many positions matched into lots by each method, beside pandas and a plain loop.

Run by `make bench`. Every way gets the same book in memory and runs in turn in one process, which is timed in
CPU seconds; ratios can be trusted more than times. The peers do less: floats or whole units, FIFO only, no
lots kept, no intervals, no remainders.
"""

import random
import time
from collections import deque
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Annotated, TypeVar

import numpy as np
import pandas
import typer
from rich.console import Console
from rich.table import Table

from folio.figures.lots.events import LotEvent, LotRules, Method
from folio.figures.lots.matching import match_ledger

METHODS: tuple[Method, ...] = (
    *("fifo", "fifo_by_entry", "lifo", "hifo", "average", "tax_minimising", "section_104", "acb"),
)
SEED = 20_261_121
BATCH = 1_000
"""Positions matched at a time."""
FIRST = date(2015, 1, 1)
Result = TypeVar("Result")
Row = tuple[int, int, int, int]
"""Position, day, units (below zero for a sale), cents."""


def bench(
    transactions: Annotated[int, typer.Option(envvar="BENCH_TRANSACTIONS", min=100)] = 1_000_000,
    positions: Annotated[int, typer.Option(help="(account, instrument) pairs.", min=1)] = 50_000,
) -> None:
    """Time the matching of a random book by each method and print it beside its peers."""
    book = _book(transactions, positions)
    loop_seconds, loop_gain = _timed(lambda: _by_loop(book))
    pandas_seconds, pandas_gain = _timed(lambda: _by_pandas(book))
    table = Table("method", "CPU s", "µs a transaction", "of a plain loop", "of pandas")
    table.add_row("plain loop, fifo", f"{loop_seconds:.2f}", _micro(loop_seconds, book), "1.0", "")
    table.add_row("pandas, fifo", f"{pandas_seconds:.2f}", _micro(pandas_seconds, book), "", "1.0")
    for method in METHODS:
        seconds, gain = _by_folio(book, method)
        if method == "fifo":
            assert int(gain * 100) == loop_gain == round(pandas_gain), (gain, loop_gain, pandas_gain)
        table.add_row(
            method,
            f"{seconds:.2f}",
            _micro(seconds, book),
            f"{seconds / loop_seconds:.1f}",
            f"{seconds / pandas_seconds:.1f}",
        )
    console = Console()
    console.print(f"{len(book):,} transactions of {positions:,} positions")
    console.print(table)


def _book(transactions: int, positions: int) -> list[Row]:
    """Purchases and sales that never oversell, position by position in order of day; prices in cents."""
    chance = random.Random(SEED)
    book: list[Row] = []
    for position in range(positions):
        held, day = 0, 0
        for _ in range(max(1, transactions // positions)):
            day += chance.randrange(1, 60)
            price = chance.randrange(1_000, 5_000)
            bought = held == 0 or chance.random() < 0.6
            units = chance.randrange(1, 100) if bought else -chance.randrange(1, held + 1)
            held += units
            book.append((position, day, units, abs(units) * price))
    return book


def _by_folio(book: list[Row], method: Method) -> tuple[float, Decimal]:
    """CPU seconds of matching, and the gain, some positions at a time as the nightly batches are."""
    rules = LotRules(tax_on=lambda acquired, sold, gain: gain * ((sold - acquired).days <= 365))
    seconds, gain = 0.0, Decimal(0)
    by_position = [list(rows) for _, rows in groupby(book, key=lambda row: row[0])]
    for start in range(0, len(by_position), BATCH):
        events = _events([row for rows in by_position[start : start + BATCH] for row in rows])
        spent, ledger = _timed(
            lambda events=events: match_ledger(  # type: ignore[misc]
                events, dict.fromkeys(events, method), rules=dict.fromkeys(events, rules)
            )
        )
        seconds += spent
        gain += sum(match.gain for history in ledger.histories.values() for match in history.matches)
    return seconds, gain


def _events(book: list[Row]) -> dict[int, list[LotEvent]]:
    events: dict[int, list[LotEvent]] = {}
    for number, (position, day, units, cents) in enumerate(book):
        when, amount = FIRST + timedelta(days=day), Decimal(cents) / 100
        events.setdefault(position, []).append(
            LotEvent(str(number), when, "open", Decimal(units), amount, amount)
            if units > 0
            else LotEvent(str(number), when, "close", Decimal(-units), proceeds=amount)
        )
    return events


def _by_loop(book: list[Row]) -> int:
    """FIFO over whole units and whole cents a unit: the gain in cents."""
    gain, queue, current = 0, deque[list[int]](), -1
    for position, _, units, cents in book:
        if position != current:
            queue, current = deque(), position
        if units > 0:
            queue.append([units, cents // units])
            continue
        gain, left = gain + cents, -units
        while left:
            lot = queue[0]
            taken = min(left, lot[0])
            gain -= taken * lot[1]
            lot[0] -= taken
            left -= taken
            if not lot[0]:
                queue.popleft()
    return gain


def _by_pandas(book: list[Row]) -> float:
    """FIFO by cumulated units: cost up to what is sold, from the cumulated cost of purchases."""
    frame = pandas.DataFrame(book, columns=["position", "day", "units", "cents"])
    bought, sold = frame[frame.units > 0], frame[frame.units < 0]
    totals = -sold.groupby("position").units.sum()
    proceeds = float(sold.cents.sum())
    cost = 0.0
    for position, group in bought.groupby("position"):
        if position in totals.index:
            units = np.concatenate([[0], group.units.cumsum().to_numpy()])
            cents = np.concatenate([[0], group.cents.cumsum().to_numpy()])
            cost += float(np.interp(totals[position], units, cents))
    return proceeds - cost


def _timed(work: Callable[[], Result]) -> tuple[float, Result]:
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def _micro(seconds: float, book: list[Row]) -> str:
    return f"{seconds / len(book) * 1e6:.2f}"


if __name__ == "__main__":
    typer.run(bench)
