"""What every Dag has alike: retries, schedule, the night's key, and the note that a stopped task gets."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import PartitionedAssetTimetable
from airflow.sdk.definitions.asset import BaseAsset
from airflow.sdk.definitions.partition_mappers.identity import IdentityMapper
from airflow.sdk.exceptions import AirflowSkipException

from folio.errors import FolioError
from folio.services.airflow import EVENT_POOL, AirflowClient

log = logging.getLogger(__name__)

START = pendulum.datetime(2009, 1, 1, tz="UTC")


def leave_note(context: dict[str, Any]) -> None:
    """Write why a task stopped on the task itself, where whoever opens the grid sees it."""
    from folio.settings import settings

    task = context["ti"]
    try:
        with AirflowClient(settings().airflow_url) as client:
            client.note(task.dag_id, task.run_id, task.task_id, str(context["exception"]), task.map_index)
    except FolioError as error:  # the task's own error stays the news
        log.warning("No note could be left on the task: %s", error)


DEFAULT_ARGS: dict[str, Any] = {
    "owner": "folio",
    "retries": 1,
    "retry_delay": timedelta(seconds=10),
    "execution_timeout": timedelta(hours=2),
    "on_failure_callback": leave_note,
}


def after(assets: BaseAsset) -> PartitionedAssetTimetable:
    """Schedule of a Dag that runs for a night once all of `assets` have come for that night."""
    return PartitionedAssetTimetable(assets=assets, default_partition_mapper=IdentityMapper())


def night_schedule() -> str | None:
    """When nights start by the clock, as a cron expression in UTC; None: they are started by hand."""
    from folio.settings import settings

    return settings().night_schedule


def night_of(dag_run: Any) -> str:
    """Night that a run is for; a run started by hand without one is told how to give it."""
    from folio.jobs.nights import Night

    return Night.parse(dag_run.partition_key or "").id


def skip_unless(condition: bool, reason: str) -> None:
    """End the task as skipped, with the reason in its log, unless the condition holds."""
    if not condition:
        raise AirflowSkipException(reason)


def dbt_stage(stage: str, **task_arguments: Any) -> Any:
    """Task that runs the models and tests of one dbt stage for the run's night."""
    from airflow.sdk import task

    @task(task_id=f"dbt_{stage}", **task_arguments)
    def run_stage(dag_run: Any = None) -> str:
        from folio.jobs import transformation

        return str(transformation.run_stage(night_of(dag_run), stage))

    return run_stage()


def ingest_task(job_name: str, asset: BaseAsset, *others: str) -> Callable[[], Any]:
    """Tasks of an ingest Dag: take in what each source has, then say that the night's share has come.

    A job is a function of `folio.jobs.ingest`, or named with its module as in `share_prices.yahoo_bars`.
    The asset is emitted even when nothing could be taken in: the night goes on with carried values,
    and `raw.loads` says what failed.
    """
    from airflow.sdk import task

    def take_in_by(job: str) -> Any:
        module, _, function = job.rpartition(".")

        @task(task_id=f"take_in_{function}")
        def take_in(dag_run: Any = None) -> list[str]:
            from importlib import import_module

            jobs = import_module(f"folio.jobs.{module or 'ingest'}")
            return [str(load) for load in getattr(jobs, function)(night_of(dag_run))]

        return take_in()

    @task(task_id="announce", outlets=[asset], trigger_rule="all_done", pool=EVENT_POOL)
    def announce(dag_run: Any = None) -> str:
        return night_of(dag_run)

    def wire() -> None:
        [take_in_by(job) for job in (job_name, *others)] >> announce()

    return wire
