"""Mail the report of the month that ended, to each investor once.

Triage: a mail server that is down leaves the report waiting in `delivery.outbox`; clear the task when it is
back.
"""

from typing import Any

from airflow.sdk import dag, task

from folio.orchestration.assets import PUBLISHED
from folio.orchestration.defaults import DEFAULT_ARGS, START, after, night_of


@dag(
    schedule=after(PUBLISHED),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=["stage:mail"],
    doc_md=__doc__,
)
def send_monthly_reports() -> None:
    """One run a night, after its publication."""

    @task
    def send_waiting_reports(dag_run: Any = None) -> str:
        from folio.jobs import mail

        return str(mail.send_monthly_reports(night_of(dag_run)))

    send_waiting_reports()


send_monthly_reports()
