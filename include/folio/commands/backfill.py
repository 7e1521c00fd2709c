"""`folio backfill`: take in the history of a source for a range of days."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

import typer
from rich.progress import track


class Source(StrEnum):
    """Sources that have a history to ask for."""

    AMFI = "amfi"
    POLYGON = "polygon"
    ECB = "ecb"
    MFAPI = "mfapi"
    YAHOO = "yahoo"
    ALPHAVANTAGE = "alphavantage"
    COINGECKO = "coingecko"
    KRAKEN = "kraken"
    BINANCE = "binance"
    COINBASE = "coinbase"


def backfill(
    source: Annotated[Source, typer.Argument(help="Whose history.")],
    first_day: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], help="First day.")],
    last_day: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], help="Last day, included.")],
) -> None:
    """Take in a source's history month by month; what is loaded is not fetched again, nothing is doubled.

    Example: `folio backfill ecb 2009-01-01 2013-02-26`
    """
    from folio.jobs import backfill as jobs

    first, last = _day(first_day), _day(last_day)
    counts: dict[str, int] = {}
    for month in track(jobs.months(source.value, first, last), description=f"{source.value}"):
        for load in jobs.backfill_month(source.value, month, first, last):
            counts[load.status] = counts.get(load.status, 0) + 1
    typer.echo(
        ", ".join(f"{count} {status}" for status, count in sorted(counts.items())) or "nothing to load"
    )
    if counts.get("failed") or counts.get("held"):
        typer.echo("See `folio loads list` for the reasons; run this again to try the failed ones once more.")
        raise typer.Exit(1)


def _day(moment: datetime) -> str:
    return date.isoformat(moment.date())
