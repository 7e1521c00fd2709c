"""Rebuild as of an instant: the figures that the facts known then give, in a scratch database."""

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from psycopg import sql

from folio.jobs import nights, pipeline
from folio.jobs.nights import Night
from folio.jobs.pipeline import Step
from folio.settings import settings
from folio.store import asof, warehouse


@dataclass(frozen=True)
class Rebuild:
    """What a rebuild made: its database, the day its figures are about, and rows of each mart in `build`."""

    database: str
    night: str
    valuation_date: str
    known_at: datetime
    rows: dict[str, int]


def rebuild(at: datetime, watch: Callable[[Step], None] = lambda step: None) -> Rebuild:
    """Build all figures from the facts known at an instant, cut to the minute, into a scratch database.

    At the instant of a night they are those of the night: it may have counted what came while it ran. The
    warehouse is only read. Orders, recommendations and alerts are decisions of their night and not remade.
    """
    night = Night.at(at)
    with warehouse.connect() as connection:
        row = connection.execute("select known_at from ops.nights where night = %s", (night.id,)).fetchone()
    known_at = row[0] if row else night.instant
    began = time.perf_counter()
    target = asof.create(night.instant, known_at)
    watch(Step("copy what was known", time.perf_counter() - began))
    database = urlsplit(target).path.lstrip("/")
    with _working_in(target, f"asof_{night.instant:%Y%m%dt%H%Mz}"):
        nights.open_night(night.id)
        for name, call in pipeline.figures(night.id):
            began = time.perf_counter()
            call()
            watch(Step(name, time.perf_counter() - began))
        rows = _rows()
    return Rebuild(database, night.id, night.valuation_date.isoformat(), known_at, rows)


def drop(at: datetime) -> bool:
    """Drop the scratch database of an instant; False where there is none."""
    return asof.drop(Night.at(at).instant)


def _rows() -> dict[str, int]:
    """Rows of every mart that was built."""
    with warehouse.connect() as connection:
        names = connection.execute(
            "select table_name from information_schema.tables where table_schema = 'build'"
            " and (table_name like 'fct\\_%' or table_name like 'dim\\_%') order by 1"
        ).fetchall()
        counts = {}
        for (name,) in names:
            query = sql.SQL("select count(*) from {}").format(sql.Identifier("build", name))
            row = connection.execute(query).fetchone()
            counts[name] = row[0] if row else 0
        return counts


@contextlib.contextmanager
def _working_in(dsn: str, name: str) -> Iterator[None]:
    """Let the jobs of this process work on another database, with dbt's files in a folder of their own."""
    wanted = {"FOLIO_DSN": dsn, "FOLIO_INSTANCE": name, "FOLIO_STATE": str(settings().state.absolute())}
    before = {variable: os.environ.get(variable) for variable in wanted}
    os.environ.update(wanted)
    settings.cache_clear()
    folder = settings().state / "dbt" / settings().instance
    try:
        yield
    finally:
        for variable, value in before.items():
            if value is None:
                os.environ.pop(variable, None)
            else:
                os.environ[variable] = value
        settings.cache_clear()
        shutil.rmtree(folder, ignore_errors=True)
