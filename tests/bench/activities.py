"""Benchmark: one account with many activities from its ledger to period results, whole and after one more.

Run by `make bench`. Lots, daily values and results of all periods are made in memory, exact in Decimal, as
cases and what-if ledgers have them; pandas makes units and values by day of the same book in floats, and no
lots, costs or results. Times are CPU seconds of this process; ratios can be trusted more.
"""

import gc
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, TypeVar

import numpy as np
import pandas
import typer
from rich.console import Console
from rich.table import Table

from folio.figures.ledger import Account, Booking, DatedNumbers, Day, Market, book_of, walk
from folio.figures.lots.events import LotEvent, LotHistory
from folio.figures.lots.matching import match_lots
from folio.figures.returns.periods import PeriodResult, period_results

SEED = 20_261_121
FIRST, YEARS = date(2015, 1, 1), 5
LAST = FIRST + timedelta(days=365 * YEARS)
ACCOUNT = Account("USD")
BEST_OF = 3
AIM_FULL, AIM_ONE_MORE = 2.0, 0.3
Result = TypeVar("Result")


@dataclass(frozen=True)
class Figures:
    """What is made of a ledger: lots by instrument, days, and results of all periods."""

    lots: dict[str, LotHistory]
    days: list[Day]
    results: list[PeriodResult]


def bench(
    activities: Annotated[int, typer.Option(envvar="BENCH_ACTIVITIES", min=100)] = 50_000,
    instruments: Annotated[int, typer.Option(min=1)] = 20,
) -> None:
    """Time a random account whole and after one more activity of its last day, beside pandas."""
    market = _market(instruments)
    bookings = _bookings(activities, market)
    one_more = Booking(LAST, "buy", Decimal(100), "S000", Decimal(1), currency="USD", fee=Decimal("0.5"))
    peer, value = _timed(lambda: _by_pandas(bookings, market))
    full, made = _timed(lambda: _figures(bookings, market))
    known = made.days[-1].value
    assert known is not None and abs(float(known) - value) < 0.01, (known, value)
    more, again = _timed(lambda: _figures([*bookings, one_more], market, made, one_more))
    whole = _figures([*bookings, one_more], market)
    assert (again.lots, again.days, repr(again.results)) == (whole.lots, whole.days, repr(whole.results))

    table = Table("way", "CPU s", "µs an activity", "of pandas", "aim")
    for way, seconds, aim in (
        ("pandas: units and values by day", peer, ""),
        ("ledger to period results", full, f"<= {AIM_FULL} s"),
        ("after one more activity", more, f"<= {AIM_ONE_MORE} s"),
    ):
        micro = f"{seconds / len(bookings) * 1e6:.1f}"
        table.add_row(way, f"{seconds:.2f}", micro, f"{seconds / peer:.1f}", aim)
    console = Console()
    console.print(f"{len(bookings):,} activities in {instruments} instruments over {YEARS} years")
    console.print(table)


def _figures(
    bookings: list[Booking],
    market: Market,
    before: Figures | None = None,
    changed: Booking | None = None,
) -> Figures:
    """Figures of a ledger; of one that differs by a booking from another, only what that may change."""
    touched = None if changed is None else changed.instrument
    by_instrument: dict[str, list[LotEvent]] = {}
    for number, booking in enumerate(bookings):
        name = booking.instrument
        if name is not None and touched in (None, name) and booking.kind in ("buy", "sell"):
            by_instrument.setdefault(name, []).append(_event(number, booking))
    lots = {name: match_lots(sorted(events, key=_order)) for name, events in by_instrument.items()}
    known = [day for day in before.days if day.day < changed.booked_on] if before and changed else []
    days = walk(bookings, market, ACCOUNT, LAST, known)
    return Figures(
        {**(before.lots if before else {}), **lots},
        days,
        period_results(book_of(days, market, ACCOUNT)),
    )


def _event(number: int, booking: Booking) -> LotEvent:
    if booking.kind == "buy":
        cost, costs = booking.amount, booking.amount + booking.fee
        return LotEvent(str(number), booking.booked_on, "open", booking.units, cost, costs)
    net = booking.amount - booking.fee
    return LotEvent(str(number), booking.booked_on, "close", booking.units, proceeds=net)


def _order(event: LotEvent) -> tuple[date, bool]:
    return event.event_date, event.kind == "close"


def _market(instruments: int) -> Market:
    """Daily closes to the cent; every second instrument is in euros, at a rate of its own each day."""
    chance = random.Random(SEED)
    days = [FIRST + timedelta(days=number) for number in range((LAST - FIRST).days + 1)]

    def walked(level: float, places: str) -> DatedNumbers:
        numbers = {}
        for day in days:
            level *= 1 + chance.gauss(0, 0.01)
            numbers[day] = Decimal(level).quantize(Decimal(places))
        return DatedNumbers(numbers)

    names = [f"S{number:03d}" for number in range(instruments)]
    return Market(
        prices={name: walked(100, "0.01") for name in names},
        currencies={name: "EUR" if place % 2 else "USD" for place, name in enumerate(names)},
        rates={("EUR", "USD"): walked(1.1, "0.0001")},
    )


def _bookings(activities: int, market: Market) -> list[Booking]:
    """Deposits, purchases, sales that never oversell, dividends and fees in order of day."""
    chance = random.Random(SEED)
    held: dict[str, int] = {}
    names, bookings = list(market.prices), []
    days = sorted(chance.randrange((LAST - FIRST).days) for _ in range(activities))
    for number in days:
        day, name = FIRST + timedelta(days=number), chance.choice(names)
        currency, price = market.currencies[name], market.prices[name].at(day) or Decimal(1)
        kind = chance.choices(["buy", "sell", "dividend", "deposit", "fee"], [50, 35, 8, 6, 1])[0]
        if kind == "sell" and held.get(name, 0) > 1:
            units = chance.randrange(1, held[name])
            held[name] -= units
        elif kind in ("buy", "sell"):
            kind, units = "buy", chance.randrange(1, 50)
            held[name] = held.get(name, 0) + units
        else:
            amount = Decimal(chance.randrange(100, 100_000)) / 100
            named = name if kind == "dividend" else None
            bookings.append(Booking(day, kind, amount, named, currency=currency if named else "USD"))
            continue
        amount, fee = units * price, Decimal(chance.randrange(500)) / 100
        bookings.append(Booking(day, kind, amount, name, Decimal(units), fee, currency=currency))
    return sorted(bookings, key=lambda booking: (booking.booked_on, booking.kind == "sell"))


def _by_pandas(bookings: Iterable[Booking], market: Market) -> float:
    """The last day's value of the account, from units and cash of every day."""
    days = pandas.date_range(FIRST, LAST)
    frame = pandas.DataFrame(
        [
            (b.booked_on, b.kind, b.instrument, float(b.units), float(b.amount), float(b.fee), b.currency)
            for b in bookings
        ],
        columns=["day", "kind", "instrument", "units", "amount", "fee", "currency"],
    )
    frame["day"] = pandas.to_datetime(frame.day)
    rates = pandas.Series({day: float(rate) for day, rate in market.rates["EUR", "USD"].by_day.items()})
    rates.index = pandas.to_datetime(rates.index)
    sign = frame.kind.map({"buy": 1, "sell": -1}).fillna(0)
    units = (
        (frame.units * sign)
        .groupby([frame.day, frame.instrument])
        .sum()
        .unstack(fill_value=0)
        .reindex(days, fill_value=0)
        .cumsum()
    )
    prices = pandas.DataFrame({n: [float(p) for p in s.by_day.values()] for n, s in market.prices.items()})
    prices.index = days
    euros = [name for name, currency in market.currencies.items() if currency == "EUR"]
    prices[euros] = prices[euros].mul(rates, axis=0)
    into = frame.kind.map({"buy": -1, "sell": 1, "dividend": 1, "deposit": 1, "fee": -1})
    moved = (into * frame.amount - frame.fee) * np.where(frame.currency == "EUR", frame.day.map(rates), 1)
    cash = moved.groupby(frame.day).sum().reindex(days, fill_value=0).cumsum()
    return float(((units * prices).sum(axis=1) + cash).iloc[-1])


def _timed(work: Callable[[], Result]) -> tuple[float, Result]:
    """CPU seconds of the best of three, and what came of it."""
    best, result = float("inf"), None
    for _ in range(BEST_OF):
        gc.collect()
        start = time.process_time()
        result = work()
        best = min(best, time.process_time() - start)
    assert result is not None
    return best, result


if __name__ == "__main__":
    typer.run(bench)
