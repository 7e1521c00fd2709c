"""`folio down`: stop the services of an instance; what they keep stays."""

import shutil
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from folio.services.instance import Instance
from folio.settings import settings
from folio.store import postgres


def down(
    everything: Annotated[
        bool, typer.Option("--all", help="Stop every instance of the state folder.")
    ] = False,
    purge: Annotated[
        bool, typer.Option(help="With --all: also delete the databases and all else in the state folder.")
    ] = False,
) -> None:
    """Stop the instance's services within bounded time; Postgres too when no other instance uses it.

    Example: `folio down`, `folio down --all --purge`
    """
    if purge and not everything:
        raise typer.BadParameter("--purge deletes what all instances share: it needs --all.")
    console = Console(stderr=True)
    base = settings()
    names = (
        sorted(path.parent.name for path in base.state.glob("*/instance.json"))
        if everything
        else [base.instance]
    )
    for name in names:
        Instance.load(base.model_copy(update={"instance": name})).down(
            lambda service, news, name=name: console.print(f"  {name}: {service:14} {news}", highlight=False)  # type: ignore[misc]
        )
    if purge:
        postgres.embedded(base).remove()
        for path in base.state.iterdir() if base.state.is_dir() else ():
            _delete(path)
        console.print(f"  {base.state} is empty now", highlight=False)


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
