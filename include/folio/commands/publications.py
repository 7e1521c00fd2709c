"""`folio publications`: the nights that readers were shown, the newest first."""

import dataclasses
import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from folio.store import publish, warehouse


def publications(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array, for programs.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many of the newest.")] = 50,
) -> None:
    """List publications, the newest first.

    Example: `folio publications --json --limit 1`
    """
    with warehouse.connect() as connection:
        found = publish.publications(connection, limit=limit)
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(each) for each in found], default=str, indent=2))
        return
    table = Table("#", "night", "about", "opened", "closed", "publication")
    for each in found:
        table.add_row(
            str(each.ordinal),
            each.night,
            str(each.valuation_date),
            str(each.rows_opened),
            str(each.rows_closed),
            str(each.publication_id)[:8],
        )
    Console().print(table if found else "Nothing is published yet: try `make demo`.")
