"""`folio quality`: what checks found, and the pages of what was expected of each batch."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from folio.errors import FolioError
from folio.settings import settings
from folio.store import warehouse

app = typer.Typer(help="What checks found, and the pages of what was expected.", no_args_is_help=True)

COLUMNS = ("night", "suite", "check_name", "subject", "severity", "status", "observed", "expected", "note")


@app.command("list")
def list_findings(
    night: Annotated[str | None, typer.Option(help="Of this night only, such as 2013-03-01T0000Z.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Also the checks that passed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array, for programs.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many of the newest nights' results.")] = 50,
) -> None:
    """List what checks found, the newest night first.

    Example: `folio quality list --night 2013-03-01T0000Z`
    """
    with warehouse.connect() as connection:
        rows = connection.execute(
            """
            select night, suite, check_name, subject, severity, status, observed, expected, note
            from ops.check_results
            where (%(every)s or status <> 'passed') and (%(night)s::text is null or night = %(night)s)
            order by night desc, suite, subject, check_name
            limit %(limit)s
            """,
            {"every": every, "night": night, "limit": limit},
        ).fetchall()
    if as_json:
        typer.echo(json.dumps([dict(zip(COLUMNS, row, strict=True)) for row in rows], indent=2))
        return
    table = Table("night", "subject", "check", "status", "observed", "expected", "note")
    for found in rows:
        one = dict(zip(COLUMNS, found, strict=True))
        table.add_row(
            *(one[name] or "" for name in ("night", "subject")),
            f"{one['suite']}: {one['check_name']}",
            *(one[name] or "" for name in ("status", "observed", "expected", "note")),
        )
    Console().print(table if rows else "No check found anything.", markup=False)


@app.command("docs")
def build_docs() -> None:
    """Build the pages of what was expected of each batch and what was seen; print the one to open.

    Example: `folio quality docs`
    """
    from folio.quality import docs  # its library takes seconds to import

    folder = settings().quality_folder
    if not (folder / "uncommitted" / "validations").is_dir():
        raise FolioError("No batch was checked by Great Expectations yet: run a night first.")
    typer.echo(docs.build(folder))
