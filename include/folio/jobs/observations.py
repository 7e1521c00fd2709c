"""Recorded observations: take in a file that says of each value when it was first seen."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from folio.jobs.ingest import PARSERS
from folio.settings import settings
from folio.sources import landing
from folio.sources.landing import Ask, Load
from folio.sources.observations import ObservationFile, parse_navs
from folio.store import warehouse


def load_navs(path: Path, seen: Callable[[int], None] = lambda rows: None) -> Load:
    """Take in a Parquet file of NAV observations; what is loaded under this name and content is left alone.

    `seen` is told of rows as they are read. Gives the load as it ended, failed with its reason where the
    file is none.
    """
    file = ObservationFile(path)
    with warehouse.connect() as connection:
        return landing.take_in(
            connection,
            Ask("amfi", "observations", file.slot, None, path.name),
            file.fetch,
            partial(parse_navs, seen=seen),
            folder=settings().payload_folder,
            others=PARSERS,
        )


def rows_in(path: Path) -> int | None:
    """Rows in a file of observations; None where it is none."""
    return ObservationFile(path).rows
