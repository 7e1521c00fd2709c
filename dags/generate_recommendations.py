"""Write the ranked recommendations of each account from computed facts.

Triage: a language model that fails, or whose text does not pass the checks, is replaced by the
deterministic writer and `fct_recommendations.writer` says so. A red task is a fault in the facts.
"""

from typing import Any

from airflow.sdk import dag, task

from folio.orchestration.assets import ADVICE, ORDERS
from folio.orchestration.defaults import DEFAULT_ARGS, START, after, night_of


@dag(
    schedule=after(ORDERS),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=["stage:decisions"],
    doc_md=__doc__,
)
def generate_recommendations() -> None:
    """One run a night, after the orders."""

    @task(outlets=[ADVICE])
    def write_recommendations(dag_run: Any = None) -> None:
        from folio.jobs import advice

        advice.write(night_of(dag_run))

    write_recommendations()


generate_recommendations()
