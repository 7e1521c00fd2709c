"""`folio gaps`: sessions without a price or rate, by source."""

import dataclasses
import json
from typing import Annotated

import psycopg
import typer
from rich.console import Console
from rich.table import Table

from folio.errors import FolioError
from folio.jobs.gaps import find
from folio.jobs.ingest import RETRY_DAYS
from folio.store import warehouse


def gaps(
    days: Annotated[int, typer.Option(min=1, help="Days before the valuation date to look at.")] = RETRY_DAYS,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array, for programs.")] = False,
) -> None:
    """List sessions on which something held has no price of its own, by source.

    Nights ask again for days of the last month; `folio backfill SOURCE` fetches older ones.

    Example: `folio gaps --days 90`
    """
    with warehouse.connect() as connection:
        try:
            found = find(connection, days)
        except psycopg.errors.UndefinedTable:
            raise FolioError("No night has been built yet: `folio run NIGHT` builds one.") from None
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(gap) for gap in found], indent=2, default=str))
        return
    table = Table("source", "calendar", "day", "without a price", "overdue")
    for gap in found:
        table.add_row(
            gap.source, gap.calendar, str(gap.day), gap.subject, "yes" if gap.is_overdue else "may be late"
        )
    Console().print(table if found else "No session is without its price.", markup=False)
