"""`folio run`: one night in this process, without Airflow."""

from typing import Annotated

import typer
from rich.console import Console


def run(
    night: Annotated[str, typer.Argument(help="Night, an instant such as 2013-02-28T0300Z.")],
    quiet: Annotated[bool, typer.Option(help="Say nothing unless a step fails.")] = False,
) -> None:
    """Run every step of a night here, against the configured warehouse and sources.

    Example: `folio run 2013-02-28T0300Z`
    """
    from folio.jobs import pipeline

    console = Console(quiet=quiet)
    steps = pipeline.run_night(
        night, lambda step: console.print(f"{step.name:24} {step.seconds:8.2f} s", highlight=False)
    )
    console.print(f"{'in all':24} {sum(step.seconds for step in steps):8.2f} s", highlight=False)
