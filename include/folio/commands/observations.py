"""`folio observations`: take in files that say of each value when it was first seen."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

app = typer.Typer(no_args_is_help=True, help="Take in recorded observations, each in its own time.")


@app.callback()
def group() -> None:
    """Take in recorded observations, each in its own time."""


@app.command("load")
def load(
    file: Annotated[Path, typer.Argument(help="Parquet file of NAV observations.", dir_okay=False)],
    as_json: Annotated[bool, typer.Option("--json", help="JSON, for programs.")] = False,
) -> None:
    """Take in NAVs with the instant at which each was first seen: every row a version known from then on.

    Columns: scheme_code, nav_date, nav (as published), first_seen; others are left aside. Loading a file
    again changes nothing, and NAV files of the same time land before or after it with the same answers.

    Example: `folio observations load nav_observations.parquet`
    """
    from folio.jobs import observations as jobs

    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("rows"),
        TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as progress:
        total = jobs.rows_in(file)
        task = progress.add_task(file.name, total=total)

        rows_seen = 0

        def seen(rows: int) -> None:
            nonlocal rows_seen
            rows_seen += rows  # more than there are, where other loads of their time were there first
            comparing = total is not None and rows_seen >= total
            progress.update(
                task,
                completed=rows_seen if total is None else min(rows_seen, total),
                description=f"{file.name}: comparing with what is known" if comparing else file.name,
            )

        taken = jobs.load_navs(file, seen)
    typer.echo(json.dumps(taken.summary(), indent=2) if as_json else str(taken))
    if taken.status != "loaded":
        raise typer.Exit(1)
