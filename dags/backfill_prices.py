"""Take in the history of prices, NAVs or rates for a range of months; safe to run again, nothing is doubled.

Triage: each mapped task is some months of one source; clear the red ones. What is loaded already is not
fetched again.
"""

from typing import Any

from airflow.sdk import Param, dag, task

from folio.orchestration.defaults import DEFAULT_ARGS, START

SOURCES = (
    *("amfi", "polygon", "ecb", "mfapi", "yahoo", "alphavantage"),
    *("coingecko", "kraken", "binance", "coinbase"),
)
"""As `folio.jobs.backfill.SOURCES`, which is not imported at every parse."""


@dag(
    schedule=None,
    start_date=START,
    catchup=False,
    max_active_runs=1,
    max_active_tasks=2,
    default_args=DEFAULT_ARGS,
    tags=["stage:ingest", "backfill"],
    doc_md=__doc__,
    params={
        "source": Param("amfi", type="string", enum=[*SOURCES], title="Source"),
        "first_day": Param("2009-01-01", type="string", format="date", title="First day"),
        "last_day": Param("2009-01-31", type="string", format="date", title="Last day, included"),
    },
)
def backfill_prices() -> None:
    """One run a range, started from the form or by `folio backfill`."""

    @task
    def spans(params: dict[str, Any] | None = None) -> list[list[str]]:
        from folio.jobs import backfill

        asked = params or {}
        return backfill.spans(asked["source"], asked["first_day"], asked["last_day"])

    @task
    def take_in_months(months: list[str], params: dict[str, Any] | None = None) -> str:
        from folio.jobs import backfill

        asked = params or {}
        loads = backfill.backfill_months(asked["source"], months, asked["first_day"], asked["last_day"])
        return f"{len(loads)} loads"

    take_in_months.expand(months=spans())


backfill_prices()
