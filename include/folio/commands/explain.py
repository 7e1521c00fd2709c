"""`folio explain`: from a figure that readers see back to the lines it stands on."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import psycopg
import typer
from rich.console import Console
from rich.tree import Tree

from folio.errors import FolioError
from folio.jobs.explain import FIGURES, Source, Step
from folio.jobs.explain import explain as way_back
from folio.settings import settings
from folio.store import warehouse

SHOWN = 8
"""Inputs of a step that the screen shows, the last ones, unless all are asked for."""

SHORT = 13
"""Digits of a load's id and of a hash."""


def explain(
    portfolio: Annotated[str, typer.Argument(help="Key of the portfolio in the books.")],
    figure: Annotated[
        str,
        typer.Argument(
            help=f"One of {', '.join(FIGURES)}; after a colon the instrument's key (units:KEY, cost:KEY, "
            "price:KEY, realised_gain:KEY) or the period (twr:1Y, xirr:ITD)."
        ),
    ],
    day: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], metavar="DATE", help="Day it is about.")],
    everything: Annotated[bool, typer.Option("--all", help="Show every input, not the last ones.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The whole way as JSON, for programs.")] = False,
) -> None:
    """Print a figure's way back: mart cell, inputs, lots, bookings, raw rows, file, line, load, hash.

    Example: `folio explain P07A value 2013-02-28`
    """
    with warehouse.connect() as connection:
        try:
            step = way_back(connection, portfolio, figure, day.date(), folder=settings().payload_folder)
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            raise FolioError("Nothing is published yet: `folio run NIGHT` publishes a night.") from None
    if as_json:
        typer.echo(json.dumps(asdict(step), default=str, indent=2))
        return
    tree = Tree(_words(step), highlight=False)
    _grow(tree, step, None if everything else SHOWN)
    Console(markup=False, highlight=False, soft_wrap=True).print(tree)


def _grow(tree: Tree, step: Step, most: int | None) -> None:
    shown = step.inputs if most is None else step.inputs[-most:]
    if hidden := len(step.inputs) - len(shown):
        tree.add(f"{hidden} earlier ones: --all shows them")
    for one in shown:
        _grow(tree.add(_words(one)), one, most)
    if step.source:
        tree.add(_said(step.source))


def _words(step: Step) -> str:
    lines = [f"{step.what}: {step.figure}", *([step.cell] if step.cell else [])]
    if step.problem:
        lines.append(step.problem)
    return "\n".join(lines)


def _said(source: Source) -> str:
    row = ", ".join(f"{name} {value}" for name, value in source.row.items() if value is not None)
    return "\n".join(
        (
            f"{source.table}: {row}",
            f"{source.file}, line {source.line}: {source.text or 'the payload is not in the store'}",
            f"load {str(source.load_id)[:SHORT]}, observed {source.observed_at:%Y-%m-%dT%H:%MZ}, "
            f"sha256 {source.payload_sha256[:SHORT]}",
        )
    )
