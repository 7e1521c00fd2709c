"""The command line is complete, speaks plainly of errors, and tells the state of an instance."""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from folio import cli
from folio.services.instance import Instance
from folio.settings import Settings, settings
from folio.store import postgres


@pytest.fixture(autouse=True)
def state(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """State folder of this test; the environment is put back, for commands settle it for their services."""
    folder = Path(tempfile.mkdtemp(prefix="folio-"))
    folder.chmod(0o755)
    for name in list(os.environ):
        if name.startswith("FOLIO_"):
            monkeypatch.delenv(name)
    before = dict(os.environ)
    os.environ["FOLIO_STATE"] = str(folder / "state")
    settings.cache_clear()
    yield folder / "state"
    os.environ.clear()
    os.environ.update(before)
    settings.cache_clear()
    postgres.EmbeddedPostgres(folder / "state" / "postgres").remove()
    shutil.rmtree(folder)


def run(*arguments: str) -> str:
    result = CliRunner().invoke(cli.app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def fail(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    monkeypatch.setattr(sys, "argv", ["folio", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    return capsys.readouterr().err


def every_command() -> list[list[str]]:
    group = typer.main.get_command(cli.app)
    found = []
    for name, command in group.commands.items():
        inner = getattr(command, "commands", {})
        found += [[name, *rest] for rest in ([[each] for each in inner] or [[]])]
    return found


@pytest.mark.parametrize("command", every_command(), ids=" ".join)
def test_every_command_has_help_with_an_example(command):
    assert "Example: " in run(*command, "--help")


def test_the_help_shows_where_to_start():
    assert "folio demo" in run("--help")


def test_status_before_anything_was_started_is_told_plainly():
    told = json.loads(run("status", "--json"))
    assert {service["state"] for service in told["services"]} == {"stopped"}
    assert "folio up" in told["database_error"]
    assert told["last_publication"] is None
    assert "folio up" in run("status")


def test_status_of_a_running_instance_gives_addresses_and_counts(state):
    Instance(Settings(_env_file=None), ("postgres", "mail")).save()
    assert "healthy" in run("up")
    told = json.loads(run("status", "--json"))
    services = {service["name"]: service for service in told["services"]}
    assert services["mail"]["state"] == services["postgres"]["state"] == "healthy"
    assert services["mail"]["url"].startswith("smtp://127.0.0.1:")
    assert told["instance"] == "demo"
    assert told["state"] == str(state)
    assert told["loads"] == {}
    assert set(told["marts"].values()) <= {0}
    assert told["database_error"] is None
    assert "nothing is published yet" in run("status")
    run("down")
    assert {service["state"] for service in json.loads(run("status", "--json"))["services"]} == {"stopped"}


def test_purging_stops_every_instance_and_empties_the_state_folder(state):
    Instance(Settings(instance="one", _env_file=None), ("postgres", "mail")).save()
    run("--instance", "one", "up")
    run("down", "--all", "--purge")
    assert list(state.iterdir()) == []


def test_purging_one_instance_is_refused():
    assert CliRunner().invoke(cli.app, ["down", "--purge"]).exit_code == 2


def test_an_instance_may_be_named(state):
    assert json.loads(run("--instance", "replay", "status", "--json"))["instance"] == "replay"


def test_an_error_of_folio_is_one_message_without_a_traceback(state, monkeypatch, capsys):
    folder = state / "demo"
    folder.mkdir(parents=True)
    described = {"services": ["redis"], "sandbox_folder": None, "sandbox_arguments": [], "dags": "dags"}
    (folder / "instance.json").write_text(json.dumps(described))
    said = fail(monkeypatch, capsys, "up")
    assert said.startswith("error: No such service: redis")
    assert "Traceback" not in said


def test_a_database_that_does_not_answer_is_told_with_what_to_do(monkeypatch, capsys):
    monkeypatch.setenv("FOLIO_DSN", f"postgresql://nobody:none@127.0.0.1:{postgres.free_port()}/none")
    said = fail(monkeypatch, capsys, "publications")
    assert said.startswith("error: The database does not answer; `folio up` starts it.")
    assert "Traceback" not in said
