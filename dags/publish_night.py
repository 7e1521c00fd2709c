"""Publish the whole night in one transaction: holdings, figures, orders, recommendations and alerts together.

Triage: until the last task is green readers keep the last publication. A night older than the last
publication is refused. An unchanged night publishes nothing, and says so in the task's log.
"""

from typing import Any

from airflow.sdk import chain, dag, task

from folio.orchestration.assets import ADVICE, PUBLISHED
from folio.orchestration.defaults import DEFAULT_ARGS, START, after, dbt_stage, night_of


@dag(
    schedule=after(ADVICE),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=["stage:publish"],
    doc_md=__doc__,
)
def publish_night() -> None:
    """One run a night, the last before mail."""

    @task
    def evaluate_alerts(dag_run: Any = None) -> None:
        from folio.jobs import alerts

        alerts.evaluate(night_of(dag_run))

    @task(outlets=[PUBLISHED])
    def publish(dag_run: Any = None) -> str:
        from folio.jobs import publish

        return str(publish.publish(night_of(dag_run)))

    chain(evaluate_alerts(), dbt_stage("decisions"), publish())


publish_night()
