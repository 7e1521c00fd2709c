"""`folio replay`: one night per recorded NAV file, in time order, in a database of its own."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from folio.demo import indian_book, market, tour
from folio.errors import FolioError
from folio.jobs.nights import Night
from folio.services.conductor import NIGHT_DAGS
from folio.services.instance import Instance
from folio.settings import settings
from folio.sources.sandbox.recordings import recordings
from folio.store import warehouse

SEED = 229

LOADS = """
    select dataset, status, reason, rows_seen, rows_new, rows_changed, rows_same, rows_rejected
    from raw.loads where source = 'amfi' and night = %s order by attempt desc, dataset
"""
PUBLICATION = """
    select publication_id, rows_opened, rows_closed from history.publications
    where night = %s order by ordinal desc limit 1
"""
RESTATEMENTS = """
    select count(*) from marts.fct_restatements
    where figure = 'price_local' and new_publication_id = %s
"""


def replay(
    folder: Annotated[
        Path, typer.Argument(help="Folder of recorded NAVAll files.", exists=True, file_okay=False)
    ],
    name: Annotated[str, typer.Option(help="Name of the instance, and so of its databases.")] = "replay",
    only: Annotated[
        list[str] | None, typer.Option(help="Replay only files whose name contains this; may be repeated.")
    ] = None,
    keep_running: Annotated[bool, typer.Option(help="Leave Airflow and the API running afterwards.")] = False,
) -> None:
    """Run one night per recorded file and end with one line of JSON: loads, publications, restatements.

    A book of Indian fund accounts over schemes found in the files is made first, always the same. What a
    replay did before is kept: run again, it goes on where it stopped and changes nothing that is published.

    Example: `folio replay recorded/navall --only 2025-07-26 --only 2025-07-27`
    """
    console = Console(stderr=True)
    chosen = [
        (instant, path)
        for instant, path in recordings(folder)
        if not only or any(part in path.name for part in only)
    ]
    if not chosen:
        raise FolioError(
            f"No recorded NAVAll file in {folder} fits; files are named NAVAll_<instant>.txt[.gz]."
        )
    base = settings().model_copy(update={"instance": name})
    with console.status("Making the book ..."):
        indian_book.write(folder, base.drop.absolute(), SEED, [path for _, path in chosen])
    rates = _write_rates(base.state.absolute() / name / "rates")
    instance = Instance.with_sandbox(base, folder.absolute(), "--folder", str(rates)).up(
        lambda service, news: console.print(f"  {service:14} {news}", highlight=False)
    )
    instance.enter()
    try:
        with instance.client() as client:
            client.wait_for_dags(set(NIGHT_DAGS))
            client.unpause_all()
        nights = []
        for instant, path in chosen:
            night = Night.at(instant).id
            run = tour.watch_night(console, instance, night)
            nights.append({"file": path.name, **_outcome(night), "failed": run.failed})
    finally:
        if not keep_running:
            instance.down()
    typer.echo(json.dumps(_report(nights)))
    if any(night["failed"] for night in nights):
        raise typer.Exit(1)


def _write_rates(folder: Path) -> Path:
    """Put the ECB's rates, which the recordings lack, into a folder for the sandbox."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "eurofxref-hist.csv").write_bytes(market.ecb_history())
    return folder


def _outcome(night: str) -> dict[str, Any]:
    """What one night left: its NAV load, its publication if any, and how many NAVs that restated."""
    with warehouse.connect() as connection:
        loads: dict[str, Any] = {}
        for dataset, status, reason, *counts in connection.execute(LOADS, [night]):
            names = ("seen", "new", "changed", "same", "rejected")
            loads.setdefault(
                dataset, {"status": status, "reason": reason, **dict(zip(names, counts, strict=True))}
            )
        published = connection.execute(PUBLICATION, [night]).fetchone()
        restated = 0
        if published:
            row = connection.execute(RESTATEMENTS, [published[0]]).fetchone()
            restated = row[0] if row else 0
    return {
        "night": night,
        "load": loads.get("navs"),
        "publication": published
        and {"id": str(published[0]), "opened": published[1], "closed": published[2]},
        "restated_prices_of_holdings": restated,
    }


def _report(nights: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "nights": nights,
        "publications": sum(night["publication"] is not None for night in nights),
        "restatements": sum(night["restated_prices_of_holdings"] for night in nights),
    }
