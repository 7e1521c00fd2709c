"""`folio known`: what a source had said of a key up to an instant, and where that came from."""

import json
from dataclasses import asdict
from datetime import datetime
from itertools import groupby
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from folio.store import warehouse

SHORT_ID = 13
"""Characters of a load's id, as `folio loads show` takes them."""


def known(
    at: Annotated[str, typer.Argument(help="Instant such as 2025-07-27T00:00Z, or a day for its end.")],
    source: Annotated[str, typer.Argument(help="Source of the facts, as in `folio loads list`.")],
    key: Annotated[str, typer.Argument(help="The source's name of it: a scheme code, ticker, currency.")],
    day: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only facts about this day.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most rows of each table, the newest days first.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="JSON, for programs.")] = False,
) -> None:
    """Show what was known of a key at an instant: value, when it was observed, and its load and line.

    Example: `folio known 2025-07-27T00:00Z amfi 119551 --day 2025-07-25`
    """
    from folio.jobs.instants import instant_of
    from folio.sources.known import known_versions

    instant = instant_of(at)
    with warehouse.connect() as connection:
        found = known_versions(connection, instant, source, key, day=day.date() if day else None, limit=limit)
    if as_json:
        typer.echo(json.dumps([asdict(version) for version in found], default=str, indent=2))
        return
    screen = Console()
    if not found:
        screen.print(f"Nothing was known of {source} {key} at {instant:%Y-%m-%dT%H:%MZ}.", highlight=False)
    for name, versions in groupby(found, key=lambda version: version.table):
        table = Table(title=f"raw.{name} as known at {instant:%Y-%m-%dT%H:%MZ}", title_justify="left")
        for heading in ("about", "value", "observed at", "basis", "replaced", "load", "line"):
            table.add_column(heading, overflow="fold")
        for version in versions:
            table.add_row(
                " ".join(map(str, version.key.values())),
                "; ".join(
                    f"{column} {'none' if value is None else value}"
                    for column, value in version.values.items()
                ),
                f"{version.observed_at:%Y-%m-%dT%H:%MZ}",
                version.known_basis,
                str(version.replaced),
                str(version.load_id)[:SHORT_ID],
                str(version.line),
            )
        screen.print(table)
    if found:
        screen.print(
            "Where it came from: `folio loads show LOAD`; replaced: versions before it.", style="dim"
        )
