"""Killed in the middle of writing and started again, a night leaves the tables of an undisturbed one.

Three kills in one night, each proven to be mid-write: a lock that the test holds stops a statement in a
transaction that has written already (`pg_stat_activity` shows it waiting with a transaction id).
"""

import os
import signal
import time
from contextlib import contextmanager
from dataclasses import dataclass

import psutil
import psycopg
import pytest

from folio.services.conductor import INGESTS, NIGHT_DAGS

DEADLINE_SECONDS = 400


@dataclass(frozen=True)
class Waiting:
    """A backend that is stopped in the middle of a transaction that has written."""

    pid: int
    client_port: int
    query: str


def until(condition, what):
    """Value of a condition once it has one; fails when the deadline passes first."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        os.sched_yield()
        psutil.cpu_percent(interval=0.2)  # measures, and so waits, a fifth of a second
    raise AssertionError(f"{what} did not come within {DEADLINE_SECONDS} s")


@contextmanager
def held(dsn, relation):
    """Let nobody else write to a relation meanwhile; reading goes on."""
    with psycopg.connect(dsn) as connection:
        connection.execute(f"lock table {relation} in exclusive mode")
        yield


def stopped_writer(dsn, relation):
    """The backend that waits for the relation having written before, once there is one."""

    def find():
        with psycopg.connect(dsn, autocommit=True) as watch:
            row = watch.execute(
                "select activity.pid, client_port, query from pg_stat_activity as activity "
                "join pg_locks as locks on locks.pid = activity.pid and not locks.granted "
                "where wait_event_type = 'Lock' and backend_xid is not null "
                "and locks.relation = to_regclass(%s) limit 1",
                [relation],
            ).fetchone()
        return row and Waiting(*row)

    return until(find, f"a writer that waits for {relation}")


def owner_of(port):
    """Process at the other end of a connection."""
    for connection in psutil.net_connections("tcp"):
        if connection.laddr.port == port and connection.pid not in (None, os.getpid()):
            return psutil.Process(connection.pid)
    raise AssertionError(f"nobody owns port {port}")


def kill_group(process):
    """SIGKILL a process and all that came of it."""
    family = [process, *process.children(recursive=True)]
    for member in family:
        member.kill()
    psutil.wait_procs(family, timeout=30)


@pytest.mark.end_to_end
@pytest.mark.timeout(1500)
def test_a_night_killed_at_three_points_leaves_the_tables_of_an_undisturbed_one(
    demo, postgres, running, relations_of
):
    night = demo.nights[2]
    with running(nights_done=2) as (instance, dsn), instance.client() as client:
        with held(dsn, "computed.position_intervals"):
            for dag in INGESTS:
                client.trigger(dag, partition_key=night)
            writer = stopped_writer(dsn, "computed.position_intervals")
            task = owner_of(writer.client_port)
            assert "computed" in writer.query
            task.send_signal(signal.SIGKILL)
            task.wait(30)

        with held(dsn, "build.fct_holdings"):
            stopped_writer(dsn, "build.fct_holdings")
            scheduler = next(process for process in instance.processes() if process.name == "scheduler")
            kill_group(psutil.Process(scheduler.pid))
        instance.up()

        with pytest.raises(psycopg.OperationalError), held(dsn, "history.fct_transactions"):
            stopped_writer(dsn, "history.fct_transactions")
            kill_group(psutil.Process(postgres.pid))
        postgres.start()

        def finished():
            if any(process.pid is None for process in instance.processes()):
                instance.up()  # what ended because its database was away
            states = {dag: [run["state"] for run in client.runs(dag, night)] for dag in NIGHT_DAGS}
            failed = [dag for dag, found in states.items() if "failed" in found]
            for dag in failed:
                for run in client.runs(dag, night):
                    client.clear(dag, run["dag_run_id"])
            return all("success" in found for found in states.values()) and not failed

        until(finished, "the end of the night")
        ours, theirs = relations_of(dsn), relations_of(demo.server.url(demo.database(3)))
    assert {name for name in theirs if theirs[name] != ours.get(name)} == set()
