"""Fixtures every test may ask for: a real PostgreSQL server, a migrated database, the real inputs."""

import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from folio.settings import ROOT, settings
from folio.store import warehouse as warehouse_module
from folio.store.postgres import EmbeddedPostgres

SHARED = Path(os.environ.get("FOLIO_SHARED", ROOT.parent / "shared"))
FAST_AND_UNSAFE = {"fsync": "off", "full_page_writes": "off", "max_wal_size": "1GB"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say plainly which tests cannot run without the real inputs."""
    if SHARED.is_dir():
        return
    absent = pytest.mark.skip(reason=f"the real inputs are not at {SHARED} (set FOLIO_SHARED)")
    for item in items:
        if item.get_closest_marker("shared_data"):
            item.add_marker(absent)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of the real inputs."""
    return SHARED


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """One PostgreSQL server for the whole run, in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="folio-tests-"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder / "postgres", options=FAST_AND_UNSAFE)
    try:
        yield server.start()
    finally:
        server.remove()
        folder.rmdir()


@pytest.fixture(scope="session")
def migrated_template(postgres: EmbeddedPostgres) -> str:
    """Name of a migrated database that each test's own is copied from."""
    postgres.create_database("folio_template")
    warehouse_module.migrate(postgres.url("folio_template"))
    return "folio_template"


@pytest.fixture
def warehouse(
    postgres: EmbeddedPostgres, migrated_template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """URI of a fresh migrated database, which is also the one that `settings()` names in this test."""
    name = f"folio_{secrets.token_hex(6)}"
    postgres.create_database(name, template=migrated_template)
    monkeypatch.setenv("FOLIO_DSN", postgres.url(name))
    monkeypatch.setenv("FOLIO_STATE", str(tmp_path / "state"))
    settings.cache_clear()
    yield postgres.url(name)
    settings.cache_clear()
    postgres.drop_database(name)
