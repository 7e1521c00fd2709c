"""Every Dag parses, explains itself, and hangs together with the others as one night."""

import ast
import os
from itertools import pairwise
from pathlib import Path

import pytest

from folio.jobs import backfill
from folio.services.conductor import BACKFILL, CHAIN, CLOCK, INGESTS, INTRADAY, MAILS, NIGHT_DAGS
from folio.settings import ROOT, settings

DAG_FILES = sorted((ROOT / "dags").glob("*.py"))


@pytest.fixture(scope="module")
def dags(tmp_path_factory):
    os.environ.setdefault("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
    os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(dag_folder=str(ROOT / "dags"), bundle_path=ROOT / "dags", bundle_name="folio")
    assert not bag.import_errors, bag.import_errors
    return bag.dags


def test_a_file_makes_one_dag_of_its_own_name(dags):
    assert set(dags) == {*NIGHT_DAGS, BACKFILL, CLOCK, INTRADAY} == {file.stem for file in DAG_FILES}
    for name, dag in dags.items():
        assert Path(dag.fileloc).stem == name


def test_every_dag_tells_its_purpose_and_what_to_do_when_it_is_red(dags):
    for name, dag in dags.items():
        first = (dag.doc_md or "").strip().splitlines()[0]
        assert first, name
        assert "Triage:" in dag.doc_md, name
        assert dag.tags, name


def test_ingests_take_their_night_at_run_time_and_the_rest_follow_by_partition(dags):
    for name in INGESTS:
        assert type(dags[name].timetable).__name__ == "PartitionedAtRuntime", name
    for name in (*CHAIN, *MAILS):
        assert type(dags[name].timetable).__name__ == "PartitionedAssetTimetable", name


def test_the_build_runs_its_stages_in_the_order_of_the_design(dags):
    build = dags["build_marts"]
    order = [
        *("open_night", "dbt_ledger", "match_lots", "dbt_values"),
        *("measure_returns", "measure_risk", "dbt_measures", "check_identities"),
    ]
    for earlier, later in pairwise(order):
        assert later in build.get_task(earlier).get_flat_relative_ids(upstream=False), (earlier, later)


def test_ingests_announce_even_when_nothing_could_be_taken_in(dags):
    for name in INGESTS:
        assert dags[name].get_task("announce").trigger_rule.value == "all_done"


def test_influxdb_is_written_beside_the_way_to_publication(dags):
    task = dags["build_marts"].get_task("write_history")
    assert task.upstream_task_ids == {"open_night"}
    assert task.downstream_task_ids == set()


def test_minute_prices_are_asked_for_only_where_instruments_are_chosen(dags, monkeypatch):
    from folio.orchestration.intraday import schedule

    assert schedule() is None
    assert dags[INTRADAY].schedule is None
    monkeypatch.setenv("FOLIO_INTRADAY_INSTRUMENTS", "AAPL, BTC")
    settings.cache_clear()
    assert settings().intraday == ("AAPL", "BTC")
    assert schedule() == "*/15 * * * *"
    monkeypatch.undo()
    settings.cache_clear()


def test_the_backfill_has_a_form_with_typed_fields(dags):
    fields = {
        name: dags[BACKFILL].params.get_param(name).schema for name in ("source", "first_day", "last_day")
    }
    assert fields["source"]["enum"] == list(backfill.SOURCES)
    assert fields["first_day"]["format"] == "date"


def test_nights_start_by_the_clock_only_where_a_schedule_is_set(dags, monkeypatch):
    from folio.orchestration import defaults

    assert not dags[CLOCK].timetable.can_be_scheduled
    assert not dags[CLOCK].catchup
    monkeypatch.setenv("FOLIO_NIGHT_SCHEDULE", "0 3 * * *")
    settings.cache_clear()
    try:
        assert defaults.night_schedule() == "0 3 * * *"
    finally:
        settings.cache_clear()


@pytest.mark.parametrize("file", DAG_FILES, ids=lambda file: file.stem)
def test_a_dag_file_imports_jobs_only_inside_its_tasks(file: Path):
    tree = ast.parse(file.read_text())
    modules = {
        node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert {(module or "").split(".")[0] for module in modules} <= {"typing", "airflow", "folio"}
    assert all(module.startswith("folio.orchestration") for module in modules if module.startswith("folio"))
