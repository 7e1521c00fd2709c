"""The commands that docs/clocks.md shows: those on versions run; a rebuild, which builds a night, is read."""

import re
import shlex
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
import typer.main
from typer.testing import CliRunner

from folio.cli import app
from folio.settings import ROOT

BLOCK = re.compile(r"```\n(folio .*?)```", re.DOTALL)
SHOWN = [
    shlex.split(line, comments=True)[1:]
    for block in BLOCK.findall((ROOT / "docs" / "clocks.md").read_text())
    for line in block.splitlines()
]


@pytest.fixture
def observed(warehouse: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log of observations that the page names, taken in from the working folder."""
    monkeypatch.chdir(tmp_path)
    table = pyarrow.table(
        {
            "scheme_code": [119551],
            "nav_date": [date(2025, 7, 25)],
            "nav": ["104.5"],
            "first_seen": [datetime(2025, 7, 26, 3, tzinfo=UTC)],
        }
    )
    pyarrow.parquet.write_table(table, "nav_observations.parquet")
    (load,) = (words for words in SHOWN if words[0] == "observations")
    assert CliRunner().invoke(app, load).exit_code == 0


def test_what_the_page_asks_of_known_versions_is_answered(observed: None) -> None:
    asked = [words for words in SHOWN if words[0] == "known"]
    assert len(asked) == 2
    for words in asked:
        answer = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
        assert (answer.exit_code, "104.5" in answer.output) == (0, True), (words, answer.output)


def test_every_other_command_is_one_with_these_arguments() -> None:
    group = typer.main.get_command(app)
    read = [words for words in SHOWN if words[0] not in ("known", "observations")]
    assert {words[0] for words in read} == {"rebuild"}
    for words in read:
        command = group.commands[words[0]]  # type: ignore[attr-defined]
        command.make_context(words[0], words[1:])
