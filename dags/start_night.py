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
        from folio.orchestration import clock

        return clock.start_night_at(dag_run.run_after)

    start_ingests()


start_night()
