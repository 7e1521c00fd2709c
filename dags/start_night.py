"""Start a night by the clock: its four ingests, each with the night as partition key.

Runs at `FOLIO_NIGHT_SCHEDULE`; without that setting only when started by hand, for the minute it is started.

Triage: a red task could not reach Airflow's API. Clear it: an ingest that has a run for the night already is
not started twice.
"""

from typing import Any

from airflow.sdk import dag, task

from folio.orchestration.defaults import DEFAULT_ARGS, START, night_schedule


@dag(
    schedule=night_schedule(),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=["stage:ingest", "clock"],
    doc_md=__doc__,
)
def start_night() -> None:
    """One run a night; what it starts goes on by itself."""

    @task
    def start_ingests(dag_run: Any = None) -> list[str]:
        from folio.jobs.nights import Night
        from folio.services.airflow import AirflowClient
        from folio.services.conductor import start_ingests
        from folio.settings import settings

        with AirflowClient(settings().airflow_url) as client:
            return start_ingests(client, Night.at(dag_run.run_after).id)

    start_ingests()


start_night()
