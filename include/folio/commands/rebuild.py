"""`folio rebuild`: all figures as the facts known at an instant give them, beside the warehouse."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console


def rebuild(
    at: Annotated[str, typer.Argument(help="Instant, such as 2013-02-28T03:00Z, a night's id, or a day.")],
    drop: Annotated[bool, typer.Option(help="Drop what an earlier rebuild of this instant made.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON, for programs.")] = False,
) -> None:
    """Build every figure from raw alone exactly as known at an instant, into a scratch database.

    Its schema `build` has the marts; the warehouse is only read. Orders, recommendations and alerts are
    decisions of their night and are not made again.

    Example: `folio rebuild 2013-02-28T03:00Z`
    """
    from folio.jobs import rebuild as jobs
    from folio.jobs.instants import instant_of

    instant = instant_of(at)
    if drop:
        gone = jobs.drop(instant)
        typer.echo("dropped" if gone else "there is no rebuild of that instant")
        return
    screen = Console(stderr=True)
    made = jobs.rebuild(
        instant, lambda step: screen.print(f"  {step.name:22} {step.seconds:6.1f} s", highlight=False)
    )
    if as_json:
        typer.echo(json.dumps(asdict(made), default=str, indent=2))
        return
    typer.echo(f"database {made.database}, schema build: {made.valuation_date} as known at {made.known_at}")
    for name, rows in made.rows.items():
        typer.echo(f"  {name:28} {rows:>9} rows")
