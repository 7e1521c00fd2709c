"""An instance keeps its description and ports, settles its processes, and starts and stops whole."""

import json
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from folio.errors import ServiceError
from folio.services import airflow
from folio.services.instance import AIRFLOW_SERVICES, Instance
from folio.settings import Settings, settings
from folio.store import postgres

CHAIN = '''
"""Two ingests whose Assets one Dag joins by partition."""
import pendulum
from airflow.sdk import Asset, PartitionedAssetTimetable, PartitionedAtRuntime, dag, task

FIRST, SECOND = Asset("first"), Asset("second")
START = pendulum.datetime(2020, 1, 1, tz="UTC")


def ingest(name, asset):
    @dag(dag_id=name, schedule=PartitionedAtRuntime(), start_date=START)
    def made():
        @task
        def fetch(dag_run=None):
            assert "down" not in dag_run.partition_key

        @task(outlets=[asset], trigger_rule="all_done", pool="asset_events")
        def emit():
            pass

        fetch() >> emit()

    made()


ingest("ingest_first", FIRST)
ingest("ingest_second", SECOND)


@dag(schedule=PartitionedAssetTimetable(assets=FIRST & SECOND), start_date=START)
def build():
    @task
    def tell(dag_run=None):
        from folio.settings import settings

        print("night", dag_run.partition_key, "of", settings().instance)

    tell()


build()
'''


@pytest.fixture
def base() -> Iterator[Settings]:
    folder = Path(tempfile.mkdtemp(prefix="folio-"))
    folder.chmod(0o755)
    made = Settings(instance="trial", state=folder / "state", _env_file=None)
    yield made
    for described in made.state.glob("*/instance.json"):
        Instance.load(made.model_copy(update={"instance": described.parent.name})).down()
    postgres.embedded(made).remove()
    shutil.rmtree(folder)


@pytest.fixture
def own_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in list(os.environ):
        if name.startswith("FOLIO_"):
            monkeypatch.delenv(name)
    before = dict(os.environ)
    settings.cache_clear()
    yield
    for name in set(os.environ) - set(before):
        del os.environ[name]
    settings.cache_clear()


def test_a_small_instance_comes_up_is_found_again_and_goes_down(base):
    news: list[tuple[str, str]] = []
    started = Instance(base, ("postgres", "mail")).up(lambda service, said: news.append((service, said)))
    assert {("postgres", "ready"), ("mail", "ready")} <= set(news)
    assert {service.name: service.state for service in started.status()} == {
        "postgres": "healthy",
        "mail": "healthy",
    }
    with psycopg.connect(postgres.folio_dsn(base)) as connection:
        assert connection.execute("select count(*) from raw.loads").fetchone() == (0,)

    pids = {service.name: service.pid for service in started.status()}
    again = Instance.load(base).up()
    assert {service.name: service.pid for service in again.status()} == pids
    assert again.settings.smtp_port == started.settings.smtp_port

    again.down()
    assert {service.state for service in again.status()} == {"stopped"}
    assert Instance.load(base).up().settings.smtp_port == started.settings.smtp_port


def test_postgres_stays_while_another_instance_runs(base):
    Instance(base, ("postgres", "mail")).up()
    other = Instance(base.model_copy(update={"instance": "other"}), ("postgres", "mail")).up()
    Instance.load(base).down()
    assert postgres.embedded(base).is_ready()
    other.down()
    assert postgres.embedded(base).pid is None


def test_a_taken_port_is_left_to_its_owner(base):
    with socket.socket() as owner:
        owner.bind(("127.0.0.1", 0))
        owner.listen()
        taken = owner.getsockname()[1]
        wanting = base.model_copy(update={"smtp_port": taken})
        started = Instance(wanting, ("postgres", "mail")).up()
        assert started.settings.smtp_port != taken


def test_a_service_that_cannot_start_is_named_with_its_log(base, tmp_path):
    nothing = Instance(base, ("postgres", "sandbox"), tmp_path, ("--no-such-argument",))
    with pytest.raises(ServiceError, match=r"sandbox ended as it started.*\n.*sandbox"):
        nothing.up()


def test_with_a_sandbox_all_processes_take_it_for_the_providers(base, own_environment, tmp_path):
    instance = Instance.with_sandbox(base, tmp_path)
    instance._ports.update(sandbox=4001, mail=4002, api_server=4003, api=4004)
    instance.save()
    entered = Instance.load(base).enter()
    assert entered.amfi_url == entered.polygon_url == entered.ecb_url == "http://127.0.0.1:4001"
    assert entered.recorded is True
    assert entered.polygon_key == SecretStr("sandbox")
    assert (entered.smtp_host, entered.smtp_port) == ("127.0.0.1", 4002)
    assert (entered.airflow_url, entered.api_url) == ("http://127.0.0.1:4003", "http://127.0.0.1:4004")
    assert (entered.instance, entered.state) == (base.instance, base.state)


def test_without_a_sandbox_providers_are_those_of_the_settings(base):
    assert "FOLIO_AMFI_URL" not in Instance(base).environment()
    assert Instance(base).settings.recorded is False


def test_a_sandbox_without_its_folder_is_refused(base):
    with pytest.raises(ServiceError, match="folder"):
        Instance(base, ("sandbox",)).up()
    with pytest.raises(ServiceError, match="No such service: redis"):
        Instance(base, ("redis",)).up()


def test_secrets_of_airflow_are_made_once_and_kept_private(tmp_path):
    first, second = (
        airflow.environment(tmp_path, dags=tmp_path, database="postgresql+psycopg2://x/y", port=1)
        for _ in range(2)
    )
    assert first == second
    assert len(first["AIRFLOW__API_AUTH__JWT_SECRET"]) >= 64
    assert {path.stat().st_mode & 0o077 for path in tmp_path.iterdir()} == {0}


def test_a_silent_airflow_is_a_clear_error():
    client = airflow.AirflowClient(f"http://127.0.0.1:{postgres.free_port()}")
    with client, pytest.raises(ServiceError, match="does not answer"):
        client.dags()


@pytest.mark.end_to_end
def test_airflow_carries_a_partition_from_its_ingests_to_the_dag_that_joins_them(base, tmp_path):
    (tmp_path / "chain.py").write_text(CHAIN)
    instance = Instance(base, ("postgres", *AIRFLOW_SERVICES), dags=tmp_path).up()
    with instance.client() as client:
        client.wait_for_dags({"ingest_first", "ingest_second", "build"})
        client.unpause_all()
        for night in ("2013-02-28T0300Z", "down-2013-03-01T0300Z"):
            for dag in ("ingest_first", "ingest_second"):
                client.trigger(dag, partition_key=night)
            run = client.wait("build", partition_key=night, seconds=90)
            assert run["state"] == "success"
            assert f"night {night} of trial" in client.task_log("build", run["dag_run_id"], "tell")
            assert {task["state"] for task in client.task_instances("build", run["dag_run_id"])} == {
                "success"
            }

        with pytest.raises(ServiceError, match="404"):
            client.trigger("no_such_dag")

        scheduler = next(process for process in instance.processes() if process.name == "scheduler")
        killed = scheduler.pid
        os.kill(killed, signal.SIGKILL)
        instance.up()
        assert scheduler.pid not in (None, killed)
        client.trigger("build", partition_key="by hand", run_id="again")
        assert client.wait("build", run_id="again", seconds=90)["state"] == "success"

        (tmp_path / "broken.py").write_text("from airflow.sdk import dag\nimport no_such_module\n")
        with pytest.raises(ServiceError, match="no_such_module"):
            client.wait_for_dags({"broken"}, seconds=90)
    instance.down()
    assert {service.state for service in instance.status()} == {"stopped"}
    kept = json.loads((instance.folder / "ports.json").read_text())
    assert set(kept) == {"api_server"}
