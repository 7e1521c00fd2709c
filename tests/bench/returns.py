"""Benchmark: 100,000 money-weighted returns of 60 flows, beside pyxirr in the same process.

Run by `make bench`. Best of several rounds; ratios can be trusted more than times. Every rate is checked
against the one its ledger was made with, and some against pyxirr's.
"""

import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from folio.figures.arrays import FloatArray, IntArray
from folio.figures.returns.cashflows import DAYS_PER_YEAR, xirr_many

AIM = 0.1
CHECKED_TO = 1e-9
SEED = 20260101
LONGEST = 3650


def bench(
    ledgers: Annotated[int, typer.Option(envvar="BENCH_LEDGERS", min=1)] = 100_000,
    flows: Annotated[int, typer.Option(min=2)] = 60,
    rounds: Annotated[int, typer.Option(envvar="BENCH_ROUNDS", min=1)] = 3,
    peers: Annotated[int, typer.Option(help="Ledgers the peer solves; its time is scaled.", min=1)] = 10_000,
) -> None:
    """Time the rates of many ledgers and print them beside the peer's and the aim."""
    console = Console()
    days, amounts, made_with = _ledgers(ledgers, flows)
    times, lengths = days / DAYS_PER_YEAR, np.full(ledgers, flows)
    rates, counts = xirr_many(times, amounts, lengths)
    off = float(np.abs(np.log1p(rates) - np.log1p(made_with)).max())
    assert off <= CHECKED_TO, f"a rate is {off} away from what its ledger was made with"
    assert (counts == 1).all()
    table = Table("way", "s", "CPU s", "of the peer's CPU", title=f"{ledgers:,} rates of {flows} flows")
    wall, cpu = _best(lambda: xirr_many(times, amounts, lengths), rounds)
    peer = _peer(days, amounts, rates, min(peers, ledgers), rounds)
    table.add_row(f"folio (aim {AIM} s)", f"{wall:.3f}", f"{cpu:.3f}", f"{cpu / peer[1]:.2f}" if peer else "")
    if peer:
        table.add_row("pyxirr", f"{peer[0]:.3f}", f"{peer[1]:.3f}", "1.00")
    else:
        console.print("left out: pyxirr is not installed")
    console.print(table)


def _ledgers(count: int, flows: int) -> tuple[IntArray, FloatArray, FloatArray]:
    """Days, amounts and rates: payments in, every seventh one out, and what they grow to at the rate."""
    random = np.random.default_rng(SEED)
    days = np.sort(random.integers(0, LONGEST, (count, flows)), axis=1)
    days = days - days[:, :1]
    amounts = -random.uniform(50.0, 150.0, (count, flows))
    amounts[:, ::7] *= -0.3
    amounts[:, 0] = -1000.0
    made_with = np.expm1(random.normal(0.06, 0.05, count))
    growth = np.exp(np.log1p(made_with)[:, None] * (days[:, -1:] - days[:, :-1]) / DAYS_PER_YEAR)
    amounts[:, -1] = -(amounts[:, :-1] * growth).sum(axis=1)
    return days, amounts, made_with


def _peer(
    days: IntArray, amounts: FloatArray, rates: FloatArray, count: int, rounds: int
) -> tuple[float, float] | None:
    """Wall and CPU seconds pyxirr would take for all; None where it is not installed."""
    if find_spec("pyxirr") is None:
        return None
    import pyxirr

    dates = np.datetime64("2010-01-01") + days[:count]
    found = np.array([pyxirr.xirr(row, paid) for row, paid in zip(dates, amounts, strict=False)])
    assert np.allclose(found, rates[:count], rtol=0.0, atol=1e-8)

    def solve() -> None:
        for row, paid in zip(dates, amounts, strict=False):
            pyxirr.xirr(row, paid)

    wall, cpu = _best(solve, rounds)
    return wall * len(amounts) / count, cpu * len(amounts) / count


def _best(run: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Least wall and least CPU seconds of several rounds."""
    taken = []
    for _ in range(rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        run()
        taken.append((time.perf_counter() - wall, time.process_time() - cpu))
    return min(wall for wall, _ in taken), min(cpu for _, cpu in taken)


if __name__ == "__main__":
    typer.run(bench)
