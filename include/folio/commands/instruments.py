"""Commands on instruments: which names and instruments somebody should look at."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from folio.books.review import to_review
from folio.store import warehouse

app = typer.Typer(no_args_is_help=True, help="Instruments: what the books name and nobody has described.")


@app.callback()
def instruments() -> None:
    """Instruments: what the books name and nobody has described."""


@app.command()
def review(as_json: Annotated[bool, typer.Option("--json", help="JSON, for programs.")] = False) -> None:
    """List names that rows wait for, instruments made of what a source said, and names of spam tokens.

    An unknown name is settled by an instrument_aliases file (with the instrument, or as spam), an introduced
    instrument by an instruments file that describes it.

    Example: folio instruments review
    """
    with warehouse.connect() as connection:
        found = to_review(connection)
    if as_json:
        typer.echo(json.dumps([vars(one) for one in found], indent=2))
        return
    table = Table("state", "name", "rows waiting", "remark")
    for one in found:
        table.add_row(one.state, one.name, str(one.rows_waiting or ""), one.remark)
    Console().print(table if found else "Nothing to review.", markup=False)
