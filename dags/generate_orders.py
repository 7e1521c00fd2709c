"""Propose the orders that bring portfolios back inside their bands.

Triage: a tax unit without a price, or without a certified plan, gets a plan with status and reason and no
orders. A red task is a fault of the solver or of the data it read: its note says which tax unit.
"""

from typing import Any

from airflow.sdk import dag, task

from folio.orchestration.assets import BUILT, ORDERS
from folio.orchestration.defaults import DEFAULT_ARGS, START, after, night_of


@dag(
    schedule=after(BUILT),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=["stage:decisions"],
    doc_md=__doc__,
)
def generate_orders() -> None:
    """One run a night, after the gates."""

    @task(outlets=[ORDERS])
    def plan_orders(dag_run: Any = None) -> None:
        from folio.jobs import orders

        orders.plan(night_of(dag_run))

    plan_orders()


generate_orders()
