"""Airflow on one machine: its environment, its four processes' needs, and a small client of its REST API."""

import base64
import importlib.metadata
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import psycopg
import requests

from folio.errors import ServiceError
from folio.services.processes import Health

FINAL_STATES = frozenset({"success", "failed"})
POLL_SECONDS = 0.5
PAGE = 100
NOTE_LENGTH = 1000

EVENT_POOL = "asset_events"
"""Pool of one slot for the tasks whose Assets one Dag joins.

Airflow 3.3 guards the joining of partitions per Asset only: events of two Assets registered at the same
instant make two half-filled partitions, and the Dag that waits for both never starts.
"""

Run = dict[str, Any]
"""A Dag run as the REST API gives it: dag_id, dag_run_id, state, partition_key, conf, ..."""


def environment(home: Path, *, dags: Path, database: str, port: int, parallelism: int = 4) -> dict[str, str]:
    """Environment variables of every Airflow process and task.

    `database` is a SQLAlchemy URI (postgresql+psycopg2). Heartbeats and idle sleeps are shortened: an idle
    second a task is most of a night's time on a small machine, and a killed scheduler's tasks are found
    in seconds.
    """
    url = f"http://127.0.0.1:{port}"
    sections: dict[str, dict[str, object]] = {
        "CORE": {
            "DAGS_FOLDER": dags,
            "LOAD_EXAMPLES": False,
            "EXECUTOR": "folio.orchestration.executor.WarmLocalExecutor",
            "PARALLELISM": parallelism,
            "DAGS_ARE_PAUSED_AT_CREATION": False,
            "SIMPLE_AUTH_MANAGER_ALL_ADMINS": True,  # the server listens on loopback only
            "EXECUTION_API_SERVER_URL": f"{url}/execution/",
            "FERNET_KEY": _secret(home / "fernet_key", _fernet_key),
        },
        "DATABASE": {
            "SQL_ALCHEMY_CONN": database,
            "SQL_ALCHEMY_CONN_ASYNC": database.replace("+psycopg2", "+asyncpg", 1),
        },
        "API": {
            "HOST": "127.0.0.1",
            "PORT": port,
            "BASE_URL": url,
            "WORKERS": 1,
            "SECRET_KEY": _secret(home / "secret_key", _long_secret),
        },
        "API_AUTH": {"JWT_SECRET": _secret(home / "jwt_secret", _long_secret)},
        "SCHEDULER": {
            "SCHEDULER_IDLE_SLEEP_TIME": 0.25,
            "SCHEDULER_HEARTBEAT_SEC": 2,
            "SCHEDULER_HEALTH_CHECK_THRESHOLD": 15,
            "ORPHANED_TASKS_CHECK_INTERVAL": 10,
            "TASK_INSTANCE_HEARTBEAT_SEC": 5,
            "TASK_INSTANCE_HEARTBEAT_TIMEOUT": 30,
            "TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": 5,
            "ENABLE_HEALTH_CHECK": False,
        },
        "DAG_PROCESSOR": {"REFRESH_INTERVAL": 10, "PARSING_PROCESSES": 1},
        "WORKERS": {"MIN_HEARTBEAT_INTERVAL": 1},
        "USAGE_DATA_COLLECTION": {"ENABLED": False},
        "LOGGING": {"BASE_LOG_FOLDER": home / "logs"},
    }
    variables = {
        f"AIRFLOW__{section}__{key}": str(value)
        for section, keys in sections.items()
        for key, value in keys.items()
    }
    return {"AIRFLOW_HOME": str(home), **variables}


COMMANDS: Mapping[str, tuple[str, ...]] = {
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag_processor": ("dag-processor",),
    "api_server": ("api-server",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
"""Airflow's processes and the arguments of `airflow` that start them."""


def command(*arguments: str) -> tuple[str, ...]:
    """An `airflow` command line in this environment's Python."""
    return (sys.executable, "-m", "airflow", *arguments)


def migrate(home: Path, database: str, variables: Mapping[str, str]) -> bool:
    """Bring Airflow's own database up to date, unless this version has done so; tells whether it ran.

    Takes some seconds when it runs. ServiceError with what Airflow said when it fails.
    """
    version = importlib.metadata.version("apache-airflow")
    marker = home / "migrated"
    with psycopg.connect(database.replace("+psycopg2", "", 1)) as connection:
        row = connection.execute("select to_regclass('alembic_version') is not null").fetchone()
    if row == (True,) and marker.exists() and marker.read_text() == version:
        return False
    done = subprocess.run(
        command("db", "migrate"),
        env=dict(variables),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-20:])
        raise ServiceError(f"Airflow could not make its database; it said:\n{tail}")
    marker.write_text(version)
    return True


def health_of(service: str, url: str) -> Health:
    """Health of one of Airflow's processes, as its API tells it: a heartbeat since the process started."""

    def check(started_at: float) -> str | None:
        try:
            answer = _get(f"{url}/api/v2/monitor/health")
        except requests.RequestException as error:
            return f"the Airflow API does not answer ({type(error).__name__})"
        if not answer.ok:
            return f"the Airflow API answers {answer.status_code}"
        if service == "api_server":
            return None
        told = answer.json().get(service) or {}
        beat = told.get(f"latest_{service}_heartbeat")
        if told.get("status") != "healthy" or beat is None:
            return "no heartbeat yet"
        return (
            None if datetime.fromisoformat(beat).timestamp() >= started_at else "no heartbeat since its start"
        )

    return check


class AirflowClient:
    """What Folio asks of Airflow's REST API.

    Parameters
    ----------
    url : str
        Base URL, such as http://127.0.0.1:8080.
    user, password : str, optional
        Without them the server must treat everybody as an administrator (local, loopback only).
    """

    def __init__(self, url: str, user: str | None = None, password: str | None = None) -> None:
        self.url = url.rstrip("/")
        self._login = {"username": user, "password": password} if user else None
        self._session = requests.Session()
        self._session.trust_env = False  # never through a proxy
        self._authorised = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def trigger(
        self,
        dag_id: str,
        conf: Mapping[str, Any] | None = None,
        partition_key: str | None = None,
        run_id: str | None = None,
    ) -> Run:
        """Start a run; a partitioned Dag needs its key. ServiceError says what Airflow refused."""
        body: dict[str, Any] = {"logical_date": None, "conf": dict(conf or {})}
        if partition_key is not None:
            body["partition_key"] = partition_key
        if run_id is not None:
            body["dag_run_id"] = run_id
        run: Run = self._call("POST", f"/dags/{dag_id}/dagRuns", json=body)
        return run

    def runs(self, dag_id: str = "~", partition_key: str | None = None, **filters: Any) -> list[Run]:
        """Runs of a Dag (`~`: of all), newest first; `filters` are query parameters such as `state`."""
        if partition_key is not None:
            filters["partition_key_prefix_pattern"] = partition_key
        found = self._pages(f"/dags/{dag_id}/dagRuns", "dag_runs", order_by="-run_after", **filters)
        return [run for run in found if partition_key is None or run["partition_key"] == partition_key]

    def wait(
        self,
        dag_id: str,
        *,
        run_id: str | None = None,
        partition_key: str | None = None,
        seconds: float = 600,
    ) -> Run:
        """Wait until a run ends, given by its id or its partition (which need not exist yet).

        Returns the run, failed ones too. ServiceError when it has not ended in time.
        """
        deadline = time.monotonic() + seconds
        run: Run | None = None
        while True:
            if run_id is not None:
                run = self._call("GET", f"/dags/{dag_id}/dagRuns/{run_id}")
            else:
                run = next(iter(self.runs(dag_id, partition_key)), None)
            if run and run["state"] in FINAL_STATES:
                return run
            if time.monotonic() > deadline:
                state = run["state"] if run else "not started"
                raise ServiceError(
                    f"{dag_id} of {run_id or partition_key} is {state} after {seconds:.0f} s; "
                    f"see {self.url}/dags/{dag_id}."
                )
            time.sleep(POLL_SECONDS)

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Task instances of a run: task_id, map_index, state, try_number, start_date, end_date, ..."""
        return list(self._pages(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances", "task_instances"))

    def task_log(self, dag_id: str, run_id: str, task_id: str, attempt: int = 1, map_index: int = -1) -> str:
        """What a task logged, one event a line."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{attempt}"
        told = self._call("GET", path, params={"map_index": map_index, "full_content": True})
        return "\n".join(line["event"] if isinstance(line, dict) else str(line) for line in told["content"])

    def clear(self, dag_id: str, run_id: str, *, only_failed: bool = True) -> None:
        """Run the failed tasks of a run again, and what follows them."""
        body = {
            "dry_run": False,
            "dag_run_id": run_id,
            "only_failed": only_failed,
            "include_downstream": True,
        }
        self._call("POST", f"/dags/{dag_id}/clearTaskInstances", json=body)

    def note(self, dag_id: str, run_id: str, task_id: str, text: str, map_index: int = -1) -> None:
        """Leave a note on a task, which the grid shows beside it; at most 1,000 characters."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}"
        if map_index >= 0:
            path += f"/{map_index}"
        self._call("PATCH", path, params={"update_mask": "note"}, json={"note": text[:NOTE_LENGTH]})

    def dags(self) -> list[dict[str, Any]]:
        """Dags that Airflow has parsed: dag_id, is_paused, has_import_errors, tags, ..."""
        return list(self._pages("/dags", "dags"))

    def ensure_pool(self, name: str, slots: int, description: str) -> None:
        """Make a pool, or give the one there is that many slots."""
        body = {"slots": slots, "description": description, "include_deferred": False}
        if any(pool["name"] == name for pool in self._pages("/pools", "pools")):
            self._call("PATCH", f"/pools/{name}", json={"pool": name, **body})
        else:
            self._call("POST", "/pools", json={"name": name, **body})

    def unpause_all(self) -> None:
        """Let every Dag be scheduled."""
        for dag in self.dags():
            if dag["is_paused"]:
                self._call("PATCH", f"/dags/{dag['dag_id']}", json={"is_paused": False})

    def import_errors(self) -> dict[str, str]:
        """Files that could not be parsed as Dags, with the traceback."""
        return {
            error["filename"]: error["stack_trace"] for error in self._pages("/importErrors", "import_errors")
        }

    def wait_for_dags(self, expected: set[str], seconds: float = 120) -> None:
        """Wait until Dags are parsed; ServiceError with the import errors, or naming the missing."""
        deadline = time.monotonic() + seconds
        while missing := expected - {dag["dag_id"] for dag in self.dags()}:
            if errors := self.import_errors():
                shown = "\n".join(f"{file}:\n{trace}" for file, trace in errors.items())
                raise ServiceError(f"Airflow cannot read these Dag files:\n{shown}")
            if time.monotonic() > deadline:
                raise ServiceError(
                    f"Airflow has not found these Dags after {seconds:.0f} s: {sorted(missing)}."
                )
            time.sleep(POLL_SECONDS)

    def _pages(self, path: str, items: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        offset = 0
        while True:
            page = self._call("GET", path, params={**parameters, "limit": PAGE, "offset": offset})
            yield from page[items]
            offset += len(page[items])
            if not page[items] or offset >= page["total_entries"]:
                return

    def _call(self, method: str, path: str, **arguments: Any) -> Any:
        try:
            if not self._authorised:
                self._authorise()
            answer = self._session.request(method, f"{self.url}/api/v2{path}", timeout=60, **arguments)
            if answer.status_code == requests.codes.unauthorized:  # the token has expired
                self._authorise()
                answer = self._session.request(method, f"{self.url}/api/v2{path}", timeout=60, **arguments)
        except requests.RequestException as error:
            raise ServiceError(f"Airflow at {self.url} does not answer: {error}") from error
        if not answer.ok:
            raise ServiceError(f"Airflow refused {method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json() if answer.content else None

    def _authorise(self) -> None:
        method, body = ("POST", self._login) if self._login else ("GET", None)
        answer = self._session.request(method, f"{self.url}/auth/token", json=body, timeout=30)
        if not answer.ok:
            raise ServiceError(
                f"Airflow at {self.url} gave no token: {answer.status_code} {answer.text[:200]}"
            )
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        self._authorised = True


def _get(url: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=5)


def _secret(path: Path, make: Callable[[], str]) -> str:
    """A secret kept in a file that only its owner reads; made at its first use."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(make())
    return path.read_text()


def _long_secret() -> str:
    return secrets.token_hex(48)


def _fernet_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
