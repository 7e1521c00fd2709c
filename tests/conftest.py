"""Fixtures every test may ask for: a real PostgreSQL server, a migrated database, the real inputs."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import coverage
import hypothesis
import psycopg
import pytest

from folio.settings import ROOT, settings
from folio.store import warehouse as warehouse_module
from folio.store.influx import Influx
from folio.store.postgres import EmbeddedPostgres
from tests import influx_engine
from tests.influx_engine import InfluxEngine

SHARED = Path(os.environ.get("FOLIO_SHARED", ROOT.parent / "shared"))
WORKING_DATABASE = "folio_working"
"""What a test writes to: one name for all, since dbt parses its whole project anew for another one."""

FAST_AND_UNSAFE = {"fsync": "off", "full_page_writes": "off", "max_wal_size": "1GB"}


WHOLE_NIGHTS = frozenset({"end_to_end", "nights", "dbt"})
"""Folders of the tests that take longest."""

hypothesis.settings.register_profile("folio", deadline=None)  # a busy machine is no wrong answer
hypothesis.settings.load_profile("folio")


@pytest.hookimpl(tryfirst=True)  # before workers read the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep a file on one worker, and what needs the demo too; say plainly what lacks the real inputs.

    The demo takes minutes to make, and its tests are near half of the suite's time: they begin first, beside
    the other tests of whole nights.
    """
    items.sort(key=lambda item: (not _needs_demo(item), not _is_of_whole_nights(item)))
    for item in items:
        item.add_marker(pytest.mark.xdist_group("demo" if _needs_demo(item) else str(item.path)))
    if SHARED.is_dir():
        return
    absent = pytest.mark.skip(reason=f"the real inputs are not at {SHARED} (set FOLIO_SHARED)")
    for item in items:
        if item.get_closest_marker("shared_data"):
            item.add_marker(absent)


def _needs_demo(item: pytest.Item) -> bool:
    return "demo" in getattr(item, "fixturenames", ())


def _is_of_whole_nights(item: pytest.Item) -> bool:
    return _needs_demo(item) or not WHOLE_NIGHTS.isdisjoint(item.path.parts)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let coverage rest in tests of whole nights: it doubles their time, and others count those lines."""
    counting = coverage.Coverage.current() if _is_of_whole_nights(item) else None
    if counting is not None:
        counting.stop()
    try:
        return (yield)
    finally:
        if counting is not None:
            counting.start()


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Have lines shown at the end of the run, also where workers ran the tests."""
    return lambda text: record_property("told", text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what tests had to tell."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, text in getattr(report, "user_properties", ()):
                if name == "told":
                    terminalreporter.section(report.nodeid.rpartition("::")[2])
                    terminalreporter.write_line(text)


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
def parsed_project(postgres: EmbeddedPostgres) -> Iterator[Path]:
    """Folder in which all tests of this server keep what dbt has parsed."""
    folder = Path(tempfile.mkdtemp(prefix="folio-dbt-"))
    yield folder
    shutil.rmtree(folder)


def state_with(parsed_project: Path, state: Path) -> Path:
    """A new state folder in which dbt finds what it has parsed for other tests."""
    state.mkdir(parents=True)
    (state / "dbt").symlink_to(parsed_project, target_is_directory=True)
    return state


@contextmanager
def working_database(server: EmbeddedPostgres, template: str) -> Iterator[str]:
    """Name of a copy of a database to write to, dropped at the end."""
    name = WORKING_DATABASE
    if not server.create_database(name, template=template):  # another test of this worker is not done with it
        name += f"_{secrets.token_hex(4)}"
        server.create_database(name, template=template)
    yield name
    server.drop_database(name)


@pytest.fixture(scope="session")
def migrated_template(postgres: EmbeddedPostgres) -> str:
    """Name of a migrated database that each test's own is copied from."""
    postgres.create_database("folio_template")
    warehouse_module.migrate(postgres.url("folio_template"))
    return "folio_template"


@pytest.fixture(scope="session")
def open_warehouse(
    postgres: EmbeddedPostgres, migrated_template: str, parsed_project: Path
) -> Callable[[], AbstractContextManager[str]]:
    """A function that makes a fresh migrated database, which `settings()` names meanwhile; gives its URI."""

    @contextmanager
    def opened() -> Iterator[str]:
        home = Path(tempfile.mkdtemp(prefix="folio-tests-state-"))
        with working_database(postgres, migrated_template) as name, pytest.MonkeyPatch.context() as patch:
            patch.setenv("FOLIO_DSN", postgres.url(name))
            patch.setenv("FOLIO_STATE", str(state_with(parsed_project, home / "state")))
            settings.cache_clear()
            yield postgres.url(name)
        settings.cache_clear()
        shutil.rmtree(home)

    return opened


@pytest.fixture
def warehouse(open_warehouse: Callable[[], AbstractContextManager[str]]) -> Iterator[str]:
    """URI of a fresh migrated database, which is also the one that `settings()` names in this test."""
    with open_warehouse() as dsn:
        yield dsn


@dataclass(frozen=True)
class Demo:
    """The demo in databases of its own: as it stood after its history and after each of its nights."""

    server: EmbeddedPostgres
    state: Path
    sandbox_url: str
    nights: tuple[str, ...]

    def database(self, nights_done: int) -> str:
        """Name of the database after so many nights; nobody writes to it."""
        return f"folio_demo_{nights_done}"

    def environment(self, database: str) -> dict[str, str]:
        """Settings under which the demo's jobs run on a database."""
        return {
            "FOLIO_DSN": self.server.url(database),
            "FOLIO_STATE": str(self.state),
            "FOLIO_INSTANCE": "demo",
            "FOLIO_RECORDED": "true",
            "FOLIO_AMFI_URL": self.sandbox_url,
            "FOLIO_POLYGON_URL": self.sandbox_url,
            "FOLIO_ECB_URL": self.sandbox_url,
            "FOLIO_POLYGON_KEY": "sandbox",
            "GX_ANALYTICS_ENABLED": "false",
        }

    @contextmanager
    def copy(self, nights_done: int) -> Iterator[str]:
        """URI of a copy to write to, which `settings()` names meanwhile."""
        with working_database(self.server, self.database(nights_done)) as name:
            with pytest.MonkeyPatch.context() as patch:
                for variable, value in self.environment(name).items():
                    patch.setenv(variable, value)
                settings.cache_clear()
                yield self.server.url(name)
            settings.cache_clear()


@pytest.fixture(scope="session")
def demo(postgres: EmbeddedPostgres, migrated_template: str, parsed_project: Path) -> Iterator[Demo]:
    """The demo's history and three nights, run in this process against its sandbox, once a test run."""
    from folio.delivery.mail.catcher import Catcher
    from folio.demo import book, market, tour
    from folio.jobs import backfill, pipeline
    from folio.sources.sandbox import Sandbox

    home = Path(tempfile.mkdtemp(prefix="folio-demo-"))
    state = state_with(parsed_project, home / "state")
    market.write(state / "market")
    book.write(state / "market", state / "drop" / "demo", tour.SEED)
    with Sandbox(state / "market") as sandbox:
        made = Demo(postgres, state, sandbox.url, tour.NIGHTS)
        with (
            working_database(postgres, migrated_template) as work,
            Catcher(state / "mail") as catcher,
            pytest.MonkeyPatch.context() as patch,
        ):
            for variable, value in made.environment(work).items():
                patch.setenv(variable, value)
            patch.setenv("FOLIO_SMTP_PORT", str(catcher.port))
            settings.cache_clear()
            for source, first_day in tour.HISTORY:
                for month in backfill.months(source, first_day, tour.HISTORY_ENDS):
                    backfill.backfill_month(source, month, first_day, tour.HISTORY_ENDS)
            postgres.create_database(made.database(0), template=work)
            for done, night in enumerate(tour.NIGHTS, start=1):
                pipeline.run_night(night)
                postgres.create_database(made.database(done), template=work)
        settings.cache_clear()
        yield made
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def demo_nights(demo: Demo) -> str:
    """URI of the demo's database after its last night; read only."""
    return demo.server.url(demo.database(len(demo.nights)))


@dataclass(frozen=True)
class InfluxServer:
    """Where an InfluxDB answers, and to whom."""

    url: str
    token: str
    org: str


@pytest.fixture
def own_influx_engine(tmp_path: Path) -> Iterator[InfluxEngine]:
    """An InfluxDB of this test's own, which it may kill.

    The first to ask for one gets two Debian packages from the system's package archive (6 MB, kept in
    `.folio/influx-engine`): here alone, and before any test runs, does the suite use the network.
    """
    yield from _engine(tmp_path / "influx")


@pytest.fixture(scope="session")
def influx_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    """The InfluxDB that FOLIO_TEST_INFLUX_URL, _TOKEN and _ORG name, such as a 2.7; else one of our own."""
    if url := os.environ.get("FOLIO_TEST_INFLUX_URL"):
        token, org = (os.environ.get(f"FOLIO_TEST_INFLUX_{name}", "") for name in ("TOKEN", "ORG"))
        yield InfluxServer(url, token, org)
        return
    for engine in _engine(tmp_path_factory.mktemp("influx")):
        yield InfluxServer(engine.url, engine.token, "folio")


def _engine(folder: Path) -> Iterator[InfluxEngine]:
    engine = InfluxEngine(folder)
    try:
        influx_engine.unpack()
        engine.start()
    except influx_engine.NoEngine as reason:
        pytest.skip(f"no InfluxDB can be had here: {reason}")
    yield engine
    engine.stop()


@pytest.fixture
def influx(influx_server: InfluxServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Influx]:
    """An empty bucket of a real InfluxDB, which `settings()` names in this test."""
    bucket = f"folio_{secrets.token_hex(6)}"
    for name, value in {**vars(influx_server), "bucket": bucket}.items():
        monkeypatch.setenv(f"FOLIO_INFLUX_{name.upper()}", value)
    settings.cache_clear()
    made = Influx.of(settings())
    assert made is not None
    made.provision()
    yield made
    made.remove()
    made.close()
    settings.cache_clear()


AUDIT = {"started_at", "finished_at", "published_at", "created_at", "sent_at", "seconds", "at", "latency_ms"}
"""Columns that say when work was done and not what came of it."""

PROGRESS = {"ops.stage_builds", "ops.stage_results"}
"""Relations that say what work was done; they may differ where all that was made is the same."""


def fingerprint(dsn: str) -> dict[str, str]:
    """Hash of the rows of every relation of Folio's schemas by relation, without audit times and progress."""
    with psycopg.connect(dsn, options="-c timezone=UTC") as connection:
        relations: dict[str, list[str]] = {}
        for relation, column in connection.execute(
            "select format('%I.%I', table_schema, table_name), column_name from information_schema.columns "
            "join information_schema.tables using (table_schema, table_name) "
            "where table_schema in ('raw', 'ops', 'computed', 'build', 'history', 'delivery', 'access') "
            "and table_type = 'BASE TABLE' order by 1, 2"
        ):
            if column not in AUDIT and relation not in PROGRESS:
                relations.setdefault(relation, []).append(f"t.{column}")
        hashes = {}
        for relation, columns in relations.items():
            found = connection.execute(
                f"select md5(coalesce(string_agg(h, '' order by h), '')) "
                f"from (select md5(row({', '.join(columns)})::text) as h from {relation} as t) as rows"  # type: ignore[arg-type]
            ).fetchone()
            assert found is not None
            hashes[relation] = found[0]
    return hashes


@pytest.fixture(scope="session")
def relations_of() -> Callable[[str], dict[str, str]]:
    """The function `fingerprint`, for tests that compare whole databases."""
    return fingerprint
