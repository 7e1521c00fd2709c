"""`folio demo`: the whole pipeline on demo data, from nothing to an API answer."""

import typer
from rich.console import Console


def demo() -> None:
    """Make demo data, start everything, run three nights, and show what came of it and where to look.

    Takes some minutes the first time; run again, it changes nothing. `folio down` stops the services.

    Example: `folio demo`
    """
    from folio.demo import tour  # brings numeric libraries with it

    tour.run(Console())
    raise typer.Exit
