"""Take in minute prices of chosen instruments while their markets are open, and tell who listens.

Off until FOLIO_INTRADAY_INSTRUMENTS names some. Triage: a failed load is asked for again by the next run,
which asks for the whole day; see `folio loads list --status failed`. Nights do not wait for this Dag.
"""

from airflow.sdk import dag, task

from folio.orchestration.defaults import DEFAULT_ARGS, START
from folio.orchestration.intraday import schedule


@dag(
    schedule=schedule(),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=["stage:ingest", "intraday"],
    doc_md=__doc__,
)
def ingest_intraday() -> None:
    """One run every some minutes."""

    @task
    def take_in_minutes() -> list[str]:
        from folio.jobs import intraday

        return [str(load) for load in intraday.take_in_minutes()]

    take_in_minutes()


ingest_intraday()
