"""Benchmark: daily values of many accounts, made whole, for one more day, and after a corrected price.

Run by `make bench`. What comes before them (loads, ledger, lots, positions) is made and not timed. Plain SQL
adds up the same positions, prices and cash for the same days in the same server, in turn; every total must be
the same to the last decimal. CPU seconds are the server's. All is in a temporary folder, which it removes.
"""

import sys
import time
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated
from uuid import uuid4

import psycopg
import typer
from rich.console import Console
from rich.table import Table

from folio.jobs import calendars, ingest, lots, nights, transformation
from folio.jobs.nights import Night
from folio.store.postgres import EmbeddedPostgres
from tests.bench.night import DATABASE, FIRST_NIGHT, NEXT_NIGHT, WIDTH, cpu_seconds, prepared

MODELS = ("int_account_currency_values_daily", "int_account_values_daily")
"""Totals by currency, where positions meet prices, and what they are worth in two currencies."""

AIM_ACCOUNTS = 10_000
FULL_SECONDS, CHANGE_SECONDS = 30, 1
CORRECTED = timedelta(days=7)
"""How long before the night the price is of that is corrected."""

FIRST_DAY = "select first_day from ops.stage_builds where stage = 'values'"
PEER = """
    create table peer as
    select account_id, local_currency, valuation_date, cast(sum(value_local) as numeric(28, 8)) as value_local
    from (
        select positions.account_id, prices.local_currency, prices.valuation_date,
               positions.units * prices.price_local as value_local
        from build.fct_positions as positions
        join build.int_prices_carried as prices on prices.instrument_id = positions.instrument_id
            and prices.valuation_date >= positions.valid_from
            and prices.valuation_date < coalesce(positions.valid_to, 'infinity')
        where prices.valuation_date >= '{first_day}'
        union all
        select balances.account_id, balances.account_currency, dates.date_day, balances.balance_account
        from build.fct_cash_balances as balances
        join build.dim_dates as dates on dates.date_day >= balances.valid_from
            and dates.date_day < coalesce(balances.valid_to, 'infinity')
        cross join ops.night
        where dates.date_day between '{first_day}' and night.valuation_date
    ) as parts
    group by 1, 2, 3
"""
DIFFERENCES = """
    select count(*) from peer full join (
        select * from build.int_account_currency_values_daily where valuation_date >= '{first_day}'
    ) as built using (account_id, local_currency, valuation_date)
    where built.known_value_local is distinct from peer.value_local
"""
LOAD = """
    insert into raw.loads (load_id, source, dataset, slot, attempt, request, status, payload_sha256,
                           observed_at, finished_at)
    values (%s, 'polygon', 'daily_bars', 'corrected', 1, '', 'loaded', '0', %s, clock_timestamp())
"""
CORRECTION = """
    insert into raw.polygon_daily_bars (session_date, ticker, close, observed_at, known_basis, load_id, line)
    select session_date, ticker, close * 1.01, %s, 'observed', %s, 1
    from raw.polygon_daily_bars where session_date <= %s order by session_date desc, ticker limit 1
"""


@dataclass(frozen=True)
class Timed:
    """One build of daily values: from which day on, and seconds of Folio's models and of the peer."""

    name: str
    first_day: date | None
    by_currency: float
    by_account: float
    cpu: float
    peer: float
    peer_cpu: float


def bench(
    accounts: Annotated[int, typer.Option(envvar="BENCH_VALUE_ACCOUNTS", min=1)] = 1_000,
    instruments: Annotated[int, typer.Option(envvar="BENCH_INSTRUMENTS", min=1)] = 10,
    years: Annotated[int, typer.Option(envvar="BENCH_YEARS", min=1)] = 5,
) -> None:
    """Time three builds of daily values beside plain SQL, and print them with the aims."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    with prepared(console, accounts, instruments, years) as server:
        timed = []
        for name, night, is_corrected in (
            ("all days", FIRST_NIGHT, False),
            ("one more day", NEXT_NIGHT, False),
            ("a corrected price", NEXT_NIGHT, True),
        ):
            with console.status(f"{name} ..."):
                if is_corrected:
                    _correct(server, night)
                _make(night)
                timed.append(_time(server, name, is_whole=not timed))
        _tell(console, timed, accounts)


def _make(night: str) -> None:
    """Everything of a night up to its daily values."""
    for source in ("market_prices", "fx_rates", "books"):
        getattr(ingest, source)(night)
    nights.open_night(night)
    calendars.keep(night)
    transformation.run_stage(night, "ledger")
    for batch in nights.account_batches(night):
        lots.match(night, batch)
    transformation.run_stage(night, "values")


def _correct(server: EmbeddedPostgres, night: str) -> None:
    """Let one close of a week before a night be known as another one, a minute before it."""
    this, load = Night.parse(night), uuid4()
    observed = this.instant - timedelta(minutes=1)
    with psycopg.connect(server.url(DATABASE)) as connection:
        connection.execute(LOAD, [load, observed])
        connection.execute(CORRECTION, [observed, load, this.valuation_date - CORRECTED])


def _time(server: EmbeddedPostgres, name: str, *, is_whole: bool) -> Timed:
    """Make the daily values of the stage just built once more, and let the peer add up the same days."""
    before = cpu_seconds(server.pid)
    nodes = transformation.invoke("run", "--select", *MODELS, *(["--full-refresh"] if is_whole else []))
    cpu = cpu_seconds(server.pid) - before
    seconds = {node.node: node.seconds for node in nodes if node.status in transformation.GOOD}
    if set(seconds) != set(MODELS):
        raise SystemExit(f"daily values could not be made: {nodes}")
    with psycopg.connect(server.url(DATABASE)) as connection:
        row = connection.execute(FIRST_DAY).fetchone()
        first_day = row[0] if row else None
        words = {"first_day": first_day or "-infinity"}
        before, began = cpu_seconds(server.pid), time.perf_counter()
        connection.execute(PEER.format(**words))  # type: ignore[arg-type]
        peer, peer_cpu = time.perf_counter() - began, cpu_seconds(server.pid) - before
        different = connection.execute(DIFFERENCES.format(**words)).fetchone()  # type: ignore[arg-type]
        if different != (0,):
            raise SystemExit(f"{name}: totals differ from those of plain SQL: {different}")
        connection.execute("drop table peer")
    by_currency, by_account = (seconds[model] for model in MODELS)
    return Timed(name, first_day, by_currency, by_account, cpu, peer, peer_cpu)


def _tell(console: Console, timed: list[Timed], accounts: int) -> None:
    table = Table("daily values of", "from", title="Daily values", title_justify="left")
    for heading in ("by currency s", "by account s", "CPU s", "plain SQL s", "CPU s", "CPU ratio", "aim s"):
        table.add_column(heading, justify="right")
    for each in timed:
        table.add_row(
            each.name,
            f"{each.first_day or 'the first'}",
            *(f"{number:.2f}" for number in (each.by_currency, each.by_account, each.cpu)),
            *(f"{number:.2f}" for number in (each.peer, each.peer_cpu)),
            f"{each.cpu / each.peer_cpu:.2f}" if each.peer_cpu else "-",
            f"{CHANGE_SECONDS if each.first_day else FULL_SECONDS}",
        )
    console.print(table)
    if accounts != AIM_ACCOUNTS:
        console.print(f"The aims are for {AIM_ACCOUNTS:,} accounts; this run had {accounts:,}.")


if __name__ == "__main__":
    typer.run(bench)
