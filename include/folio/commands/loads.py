"""`folio loads`: what was taken in, why something was not, and the release of held batches."""

import json
from typing import Annotated, Any
from uuid import UUID

import psycopg
import typer
from psycopg.rows import dict_row
from rich.console import Console
from rich.table import Table

from folio.errors import LoadError
from folio.store import warehouse

app = typer.Typer(no_args_is_help=True, help="See loads and rejected lines, and release held batches.")

AsJson = Annotated[bool, typer.Option("--json", help="JSON, for programs.")]
SHORT_ID = 13
"""Characters of an id in lists: enough to tell loads apart, and taken by `show` and `accept`."""

COLOURS = {"loaded": "green", "held": "yellow", "failed": "red", "running": "cyan", "superseded": "dim"}


@app.command("list")
def list_loads(
    source: Annotated[str | None, typer.Option(help="Only this source, such as amfi.")] = None,
    status: Annotated[str | None, typer.Option(help="Only running, loaded, held or failed ones.")] = None,
    night: Annotated[str | None, typer.Option(help="Only those of this night.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many of the newest.")] = 30,
    as_json: AsJson = False,
) -> None:
    """List loads, the newest first.

    Example: `folio loads list --status held`
    """
    conditions = {"source": source, "status": status, "night": night}
    wanted = {name: value for name, value in conditions.items() if value is not None}
    with warehouse.connect() as connection:
        found = _rows(
            connection,
            "select * from raw.loads where true"
            + "".join(f" and {name} = %({name})s" for name in wanted)
            + " order by started_at desc, load_id limit %(limit)s",
            {**wanted, "limit": limit},
        )
    if as_json:
        typer.echo(json.dumps(found, default=str, indent=2))
        return
    table = Table()
    for name, keeps_width in (
        ("load", True),
        ("what", False),
        ("status", True),
        ("rows", False),
        ("reason", False),
    ):
        table.add_column(name, no_wrap=keeps_width, overflow="fold")
    for load in found:
        seen, *parts = (load[f"rows_{count}"] for count in ("seen", "new", "changed", "same", "rejected"))
        table.add_row(
            str(load["load_id"])[:SHORT_ID],
            f"{load['source']}/{load['dataset']} {load['slot']}"
            + (f" (attempt {load['attempt']})" if load["attempt"] > 1 else ""),
            f"[{COLOURS[load['status']]}]{load['status']}[/]",
            f"{seen} = {' + '.join(map(str, parts))}" if load["status"] == "loaded" else "",
            load["reason"] or "",
        )
    screen = Console()
    screen.print(table if found else "No load is of that kind.")
    if found:
        screen.print(
            "rows: seen = new + changed + same + rejected; more by `folio loads show LOAD`", style="dim"
        )


@app.command("show")
def show_load(
    load: Annotated[str, typer.Argument(help="Id of the load, or its first characters.")],
    rejected: Annotated[int, typer.Option(min=0, help="How many rejected lines to show.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show one load: what was asked, what came, what the checks said, which lines were rejected.

    Example: `folio loads show 3f6c21aa`
    """
    with warehouse.connect() as connection:
        found = _find(connection, load)
        lines = _rows(
            connection,
            "select line, reason, content from raw.rejected_rows where load_id = %(load_id)s"
            " order by line, reason limit %(limit)s",
            {"load_id": found["load_id"], "limit": rejected},
        )
        checks = _rows(
            connection,
            "select check_name, severity, status, observed, expected from ops.check_results"
            " where suite = 'batch' and subject = %(subject)s order by check_name",
            {"subject": f"{found['source']}/{found['dataset']} {found['slot']}"},
        )
    if as_json:
        typer.echo(json.dumps({**found, "checks": checks, "rejected": lines}, default=str, indent=2))
        return
    screen = Console()
    for name, value in found.items():
        screen.print(f"{name:>16}  {'' if value is None else value}", markup=False, highlight=False)
    _print(screen, "Checks of the batch", checks)
    _print(screen, f"Rejected lines ({found['rows_rejected']} in all)", lines)


@app.command("accept")
def accept_load(
    load: Annotated[str, typer.Argument(help="Id of the held load, or its first characters.")],
    as_json: AsJson = False,
) -> None:
    """Land a held batch in spite of what its checks found; look at it with `show` first.

    Example: `folio loads accept 3f6c21aa`
    """
    from folio.jobs import ingest

    with warehouse.connect() as connection:
        wanted = _find(connection, load)["load_id"]
    landed = ingest.accept(wanted)
    if as_json:
        typer.echo(json.dumps([one.summary() for one in landed], indent=2))
        return
    for one in landed:
        typer.echo(str(one))


def _find(connection: psycopg.Connection[Any], start: str) -> dict[str, Any]:
    """The load whose id begins with some characters; LoadError where none or several do."""
    found = _rows(
        connection,
        "select * from raw.loads where load_id::text like %(start)s order by load_id limit 2",
        {
            "start": "".join(character for character in start.lower() if character in "0123456789abcdef-")
            + "%"
        },
    )
    if not start.strip() or len(found) != 1:
        several = "several loads have" if found else "no load has"
        raise LoadError(f"{several} an id that begins with {start!r}; see `folio loads list`")
    assert isinstance(found[0]["load_id"], UUID)
    return found[0]


def _rows(
    connection: psycopg.Connection[Any], query: str, parameters: dict[str, Any]
) -> list[dict[str, Any]]:
    """Rows of a query as dictionaries."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, parameters).fetchall()


def _print(screen: Console, title: str, rows: list[dict[str, Any]]) -> None:
    """Rows as a table under a title; nothing where there are none."""
    if not rows:
        return
    table = Table(*rows[0], title=title, title_justify="left")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    screen.print(table)
