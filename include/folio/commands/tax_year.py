"""`folio tax-year`: realised gains of an investor's tax year as the form that declares them."""

from pathlib import Path
from typing import Annotated

import psycopg
import typer

from folio.errors import FolioError
from folio.jobs.tax_year import as_csv, lines
from folio.store import warehouse


def tax_year(
    investor: Annotated[str, typer.Argument(help="Key of the investor in the books.")],
    year: Annotated[str, typer.Argument(help="2024-25 for India (April to March), 2024 for the US.")],
    out: Annotated[Path | None, typer.Option(help="File to write; else the screen.")] = None,
) -> None:
    """Export realised gains as CSV in the columns of Schedule 112A or Form 8949, each line with its lot.

    Example: `folio tax-year I07 2012`
    """
    with warehouse.connect() as connection:
        try:
            found = lines(connection, investor, year)
        except psycopg.errors.UndefinedTable:
            raise FolioError("No night has been built yet: `folio run NIGHT` builds one.") from None
    if not found:
        raise FolioError(f"{investor} realised no gain in {year} that this year's forms declare.")
    text = as_csv(found)
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text)
