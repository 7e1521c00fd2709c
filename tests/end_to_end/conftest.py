"""A real Airflow, mail catcher and API over a copy of the demo's database, with the demo's sandbox."""

import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from folio.services.conductor import NIGHT_DAGS
from folio.services.instance import Instance
from folio.settings import settings


@pytest.fixture
def running(
    demo, postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[int], AbstractContextManager[tuple[Instance, str]]]:
    """A function that starts all services over the demo after so many nights; gives instance and URI."""

    @contextmanager
    def start(nights_done: int) -> Iterator[tuple[Instance, str]]:
        shutil.copytree(demo.state, tmp_path / "state")
        airflow_database = f"airflow_{secrets.token_hex(4)}"
        postgres.create_database(airflow_database)
        with demo.copy(nights_done) as dsn:
            monkeypatch.setenv("FOLIO_STATE", str(tmp_path / "state"))
            monkeypatch.setenv(
                "FOLIO_AIRFLOW_DSN",
                postgres.url(airflow_database).replace("postgresql:", "postgresql+psycopg2:", 1),
            )
            settings.cache_clear()
            instance = Instance(settings()).up()
            try:
                with instance.client() as client:
                    client.wait_for_dags(set(NIGHT_DAGS))
                    client.unpause_all()
                yield instance, dsn
            finally:
                instance.down()
        postgres.drop_database(airflow_database)

    return start
