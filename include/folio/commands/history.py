"""`folio history`: write price history to InfluxDB, write all of it again, and compare it with Postgres."""

from typing import Annotated

import typer

from folio.jobs import history as jobs

app = typer.Typer(no_args_is_help=True, help="Price history in InfluxDB: write, reload, check.")


@app.command("write")
def write() -> None:
    """Write what has landed and is not in InfluxDB yet; a run that was stopped goes on where it was.

    Example: `folio history write`
    """
    typer.echo(str(jobs.write()))


@app.command("reload")
def reload() -> None:
    """Delete the price history in InfluxDB and write all of it again from raw.

    Meanwhile the API reads history from Postgres. Example: `folio history reload`
    """
    typer.echo(str(jobs.reload()))


@app.command("check")
def check(
    mend: Annotated[
        bool, typer.Option(help="Delete what raw has not and write what differs again from raw.")
    ] = False,
) -> None:
    """Compare counts and sums by code and month with Postgres; ends with 1 where they differ.

    Example: `folio history check --mend`
    """
    found = jobs.compare(mend=mend)
    for one in found:
        typer.echo(str(one))
    if not found:
        typer.echo("InfluxDB holds what raw holds.")
    elif mend:
        typer.echo(f"{len(found)} months of a code were mended.")
    else:
        raise typer.Exit(1)
