"""Commands on book files: see what would load before it is dropped."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from folio.books.known import Known
from folio.books.reading import read
from folio.books.recognise import (
    FORMATS,
    all_columns,
    header_of,
    recognise,
    required_columns,
    text_of,
)
from folio.books.resolve import known_at, with_reading
from folio.errors import PayloadError

app = typer.Typer(no_args_is_help=True, help="Clients' books: check files before they are dropped.")


@app.callback()
def books() -> None:
    """Clients' books: check files before they are dropped."""


@app.command()
def check(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A book CSV file.")
    ],
    database: Annotated[
        bool, typer.Option("--database", help="Also count as known what the warehouse knows now.")
    ] = False,
) -> None:
    """Show what of a book file would load and what would be rejected, with line, column and reason.

    Reference files in the same folder count as landed before it. Ends with status 1 where a line or the whole
    file would be rejected.

    Example: folio books check drop/2013-02-28T0000Z_transactions.csv
    """
    screen = Console()
    known = _known_in_warehouse() if database else Known()
    try:
        reading = read(file.read_bytes(), _with_folder(known, file))
    except PayloadError as wrong:
        screen.print(f"[bold]{file.name}[/bold]: {wrong}", highlight=False)
        raise typer.Exit(1) from None
    screen.print(
        f"[bold]{file.name}[/bold]: {reading.row.dataset}, {len(reading.accepted)} rows would load, "
        f"{len(reading.rejected)} would be rejected",
        highlight=False,
    )
    if reading.rejected:
        table = Table("line", "reason", "content")
        for rejected in reading.rejected:
            table.add_row(str(rejected.line), rejected.reason, rejected.content)
        screen.print(table, markup=False)
        raise typer.Exit(1)


@app.command()
def template(
    kind: Annotated[str, typer.Argument(help="Kind of book file, such as transactions.")],
) -> None:
    """Print the header of a kind of book file; columns that may be left out are said on the error stream.

    Example: folio books template transactions > drop/transactions.csv
    """
    kinds = {row.dataset: row for row in FORMATS}
    if kind not in kinds:
        raise typer.BadParameter(f"known kinds are {', '.join(kinds)}")
    row = kinds[kind]
    typer.echo(",".join(row.model_fields))
    optional = sorted(all_columns(row) - required_columns(row))
    typer.echo(f"optional: {', '.join(optional) or 'none'} (docs/books.md)", err=True)


def _known_in_warehouse() -> Known:
    from datetime import UTC, datetime

    from folio.store import warehouse

    with warehouse.connect() as connection:
        return known_at(connection, datetime.now(UTC))


def _with_folder(known: Known, file: Path) -> Known:
    """What the reference files beside a file add, in the order in which they would land."""
    for row in FORMATS[:-1]:
        for beside in sorted(file.parent.glob("*.csv")):
            if beside == file or beside.name.startswith("."):
                continue
            try:
                body = beside.read_bytes()
                if recognise(header_of(text_of(body))) is not row:
                    continue
                known = with_reading(known, read(body, known))
            except PayloadError:
                continue  # not a book file, so it introduces nothing
    return known
