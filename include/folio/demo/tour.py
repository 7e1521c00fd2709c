"""The demo: a market and a book made up from real prices, history taken in, three nights run, all told."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from folio.demo import book, market
from folio.errors import ServiceError
from folio.jobs.keys import create_key
from folio.services.conductor import BACKFILL, NIGHT_DAGS, NightRun, States, run_backfill, run_night
from folio.services.instance import Instance
from folio.settings import settings
from folio.store import warehouse

NIGHTS = ("2013-02-28T0300Z", "2013-03-01T0300Z", "2013-03-02T0300Z")
HISTORY = (("ecb", "2008-12-01"), ("polygon", "2008-12-01"), ("amfi", "2009-01-01"))
HISTORY_ENDS = "2013-02-26"
SEED = 2013

COUNTED = """
    select relname from pg_class join pg_namespace on pg_namespace.oid = relnamespace
    where nspname = 'marts' and relkind = 'v' order by relname
"""


@dataclass(frozen=True)
class Summary:
    """What the demo left behind; `rows` by mart."""

    airflow_url: str
    api_url: str
    mail_folder: Path
    key: str
    portfolio_id: str
    publications: int
    loads: dict[str, int]
    rows: dict[str, int]
    mails: dict[str, int]


def run(console: Console) -> Summary:
    """Make the demo's input, start its services, take in history, run its nights, and print what came of it.

    Safe to run again: what is loaded is not fetched twice and an unchanged night publishes nothing.
    """
    base = settings()
    folder = base.state.absolute() / base.instance / "market"
    with console.status("Making the demo market and book ..."):
        market.write(folder)
        book.write(folder, base.drop.absolute(), SEED)
    instance = Instance.with_sandbox(base, folder).up(
        lambda service, news: console.print(f"  {service:14} {news}", highlight=False)
    )
    instance.enter()
    with instance.client() as client:
        client.wait_for_dags({*NIGHT_DAGS, BACKFILL})
        client.unpause_all()
        for source, first_day in HISTORY:
            with _bar(console) as bar:
                run_backfill(client, source, first_day, HISTORY_ENDS, _tasks(bar, f"history of {source}"))
        for night in NIGHTS:
            require(watch_night(console, instance, night))
    summary = summarise(instance)
    tell(console, summary)
    return summary


def watch_night(console: Console, instance: Instance, night: str) -> NightRun:
    """Run one night through Airflow, showing how many of its Dags are done."""
    with _bar(console) as bar, instance.client() as client:
        line = bar.add_task(f"night {night}", total=len(NIGHT_DAGS))

        def watch(states: States) -> None:
            running = [dag for dag, state in states.items() if state == "running"]
            done = sum(state in ("success", "failed") for state in states.values())
            bar.update(line, completed=done, description=f"night {night} {', '.join(running)}")

        night_run = run_night(client, night, watch)
        bar.update(line, description=f"night {night}")
    return night_run


def require(night_run: NightRun) -> None:
    """Raise ServiceError for a night in which a run failed, naming where to look."""
    if night_run.failed:
        raise ServiceError(
            f"Night {night_run.night}: {', '.join(night_run.failed)} failed. "
            f"Open {settings().airflow_url}: the red task has a note that says why."
        )


def summarise(instance: Instance) -> Summary:
    """Counts of everything the nights made, and a new API key to look at it."""
    stamp = datetime.now(UTC).isoformat(timespec="seconds")
    with warehouse.connect() as connection:
        key = create_key(connection, f"demo, made {stamp}", "analyst")
        marts = [name for (name,) in connection.execute(COUNTED)]
        connection.execute("set local role folio_bi")
        rows = {name: _count(connection, f"select count(*) from marts.{name}") for name in marts}
        connection.execute("reset role")
        portfolio = connection.execute(
            "select portfolio_id from build.dim_portfolios order by portfolio_code limit 1"
        ).fetchone()
        loads = dict(
            connection.execute("select status, count(*) from raw.loads group by 1 order by 1").fetchall()
        )
        mails = dict(
            connection.execute(
                "select kind || ' ' || status, count(*) from delivery.outbox group by 1 order by 1"
            ).fetchall()
        )
        publications = _count(connection, "select count(*) from history.publications")
    if portfolio is None:
        raise ServiceError(
            "The nights ended without a portfolio: see the book's loads by `folio loads list`."
        )
    return Summary(
        airflow_url=instance.settings.airflow_url,
        api_url=instance.settings.api_url,
        mail_folder=instance.settings.mail_folder,
        key=key,
        portfolio_id=str(portfolio[0]),
        publications=publications,
        loads=loads,
        rows=rows,
        mails=mails,
    )


def tell(console: Console, summary: Summary) -> None:
    """Print the summary, ending with one line to copy."""
    table = Table("mart", "rows", title="What readers see", title_justify="left")
    table.columns[1].justify = "right"
    for name, count in summary.rows.items():
        table.add_row(name, f"{count:,}")
    console.print(table)
    console.print(f"publications  {summary.publications}")
    console.print(
        "loads         " + ", ".join(f"{count} {status}" for status, count in summary.loads.items())
    )
    console.print(
        "mails         " + (", ".join(f"{n} {kind}" for kind, n in summary.mails.items()) or "none")
    )
    console.print(f"              kept as .eml files in {summary.mail_folder}", soft_wrap=True)
    console.print(f"Airflow UI    {summary.airflow_url}   (no login: loopback only)")
    console.print(f"API           {summary.api_url}/docs")
    console.print("\nTry:")
    console.print(
        f'curl -H "X-API-Key: {summary.key}" '
        f"{summary.api_url}/api/v1/portfolios/{summary.portfolio_id}/holdings",
        soft_wrap=True,
        highlight=False,
    )
    console.print("\n`make down` stops everything; `make demo` again changes nothing.")


def _count(connection: psycopg.Connection[Any], query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def _tasks(bar: Progress, title: str) -> Callable[[int, int], None]:
    """A line of the progress display, told tasks done and in all."""
    line = bar.add_task(title, total=None)

    def watch(done: int, of: int) -> None:
        bar.update(line, completed=done, total=of or None)

    return watch


def _bar(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )
