"""Run nights through Airflow and watch them to their end."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from folio.errors import ServiceError
from folio.services.airflow import FINAL_STATES, AirflowClient

INGESTS = ("ingest_fund_navs", "ingest_market_prices", "ingest_fx_rates", "ingest_books")
CHAIN = ("build_marts", "generate_orders", "generate_recommendations", "publish_night")
MAILS = ("send_alerts", "send_monthly_reports")
NIGHT_DAGS = (*INGESTS, *CHAIN, *MAILS)
BACKFILL = "backfill_prices"
INTRADAY = "ingest_intraday"
CLOCK = "start_night"

POLL_SECONDS = 0.5

States = Mapping[str, str]
"""State of a night's run by Dag; a Dag without a run yet is absent."""


@dataclass(frozen=True)
class NightRun:
    """How a night went through Airflow."""

    night: str
    states: States
    seconds: float

    @property
    def failed(self) -> list[str]:
        """Dags whose run failed."""
        return [dag for dag, state in self.states.items() if state == "failed"]

    @property
    def is_complete(self) -> bool:
        """Whether the night went through to its mails."""
        return all(self.states.get(dag) == "success" for dag in NIGHT_DAGS)


def start_ingests(client: AirflowClient, night: str) -> list[str]:
    """Start the ingests of a night that have no run for it yet; gives their Dags.

    The operator of Airflow 3.3 that starts other Dags cannot give them a partition key; its API can.
    """
    waiting = [dag for dag in INGESTS if not any(client.runs(dag, night))]
    for dag in waiting:
        client.trigger(dag, partition_key=night)
    return waiting


def run_night(
    client: AirflowClient,
    night: str,
    watch: Callable[[States], None] = lambda states: None,
    seconds: float = 900,
) -> NightRun:
    """Start a night's ingests and wait until it has gone through, failed, or been skipped.

    Parameters
    ----------
    night : id such as 2013-02-28T0300Z, which becomes the partition key of every run.
    watch : told the states of the night's runs each time they change.

    Raises
    ------
    ServiceError
        The night has not ended in time.
    """
    began = time.monotonic()
    before = {run["dag_run_id"] for run in client.runs(partition_key=night)}
    for dag in INGESTS:
        client.trigger(dag, partition_key=night)
    states: dict[str, str] = {}
    while True:
        runs = [run for run in client.runs(partition_key=night) if run["dag_run_id"] not in before]
        now = {dag: run["state"] for dag in NIGHT_DAGS for run in reversed(runs) if run["dag_id"] == dag}
        if now != states:
            states = now
            watch(states)
        if _has_ended(client, runs, states):
            return NightRun(night, states, time.monotonic() - began)
        if time.monotonic() - began > seconds:
            raise ServiceError(
                f"Night {night} has not ended after {seconds:.0f} s: {states}. "
                f"See {client.url}; a red task says why in its note."
            )
        time.sleep(POLL_SECONDS)


def run_backfill(
    client: AirflowClient,
    source: str,
    first_day: str,
    last_day: str,
    watch: Callable[[int, int], None] = lambda done, of: None,
    seconds: float = 1800,
) -> None:
    """Take in a source's history through the backfill Dag; `watch` is told tasks done and in all.

    Raises
    ------
    ServiceError
        The run failed or has not ended in time.
    """
    run_id = client.trigger(BACKFILL, conf={"source": source, "first_day": first_day, "last_day": last_day})[
        "dag_run_id"
    ]
    deadline = time.monotonic() + seconds
    while True:
        run = next(run for run in client.runs(BACKFILL) if run["dag_run_id"] == run_id)
        spans = [t for t in client.task_instances(BACKFILL, run_id) if t["task_id"] == "take_in_months"]
        watch(sum(task["state"] == "success" for task in spans), len(spans))
        if run["state"] in FINAL_STATES:
            break
        if time.monotonic() > deadline:
            raise ServiceError(
                f"The backfill of {source} has not ended after {seconds:.0f} s; see {client.url}."
            )
        time.sleep(POLL_SECONDS)
    if run["state"] != "success":
        raise ServiceError(
            f"The backfill of {source} failed; see {client.url}/dags/{BACKFILL}/runs/{run_id}. "
            "Clear the red tasks there, or run it again: what is loaded is not fetched twice."
        )


def _has_ended(client: AirflowClient, runs: list[dict[str, str]], states: States) -> bool:
    if any(state not in FINAL_STATES for state in states.values()):
        return False
    if any(states.get(dag) == "failed" for dag in (*CHAIN, *MAILS)):
        return True
    if all(dag in states for dag in MAILS):
        return True
    if states.get("build_marts") == "success" and "generate_orders" not in states:
        run_id = next(run["dag_run_id"] for run in runs if run["dag_id"] == "build_marts")
        tasks = {task["task_id"]: task["state"] for task in client.task_instances("build_marts", run_id)}
        return tasks.get("check_identities") == "skipped"
    return False
