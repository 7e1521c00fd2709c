"""`folio prices`: take in files of price history."""

import json
from pathlib import Path
from typing import Annotated, cast, get_args

import typer

from folio.sources.price_files import Declared

app = typer.Typer(no_args_is_help=True, help="Take in files of daily prices as they were traded.")


@app.callback()
def group() -> None:
    """Take in files of daily prices as they were traded."""


@app.command("load")
def load(
    file: Annotated[Path, typer.Argument(help="File of daily bars.", exists=True, dir_okay=False)],
    collection: Annotated[
        str, typer.Option(help="Name of where the file came from; a part of the key of its bars.")
    ],
    ticker: Annotated[
        str | None, typer.Option(help="Whose bars they are, where the file does not say.")
    ] = None,
    layout: Annotated[
        str | None,
        typer.Option(help=f"Layout of a file without a header: {' or '.join(get_args(Declared))}."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON, for programs.")] = False,
) -> None:
    """Take in the bars of a price history file; one that was taken in before is left alone.

    They count, in dollars, for the instruments that an alias of scheme `ticker` names. Only prices as they
    were traded land: a file of adjusted prices is refused, with the reason, as is one whose layout, dates or
    basis can be read in two ways. Ends with status 1 where the file did not land.

    Example: `folio prices load aapl.csv --collection vendor --ticker AAPL`
    """
    from folio.jobs import price_files

    if layout is not None and layout not in get_args(Declared):
        raise typer.BadParameter(
            f"{layout!r} is none of {', '.join(get_args(Declared))}", param_hint="--layout"
        )
    taken = price_files.take_in(file, collection, ticker, cast("Declared | None", layout))
    typer.echo(json.dumps(taken.summary(), indent=2) if as_json else str(taken))
    if taken.status != "loaded":
        raise typer.Exit(1)
