"""`folio prices load` lands a file of traded prices once, and says plainly what it does not take."""

import json
from pathlib import Path

from typer.testing import CliRunner

from folio.cli import app


def test_a_file_is_taken_in_once(warehouse: str, tmp_path: Path) -> None:
    file = tmp_path / "aapl.csv"
    file.write_text("19980102 00:00,136300,162500,135000,162500,6315000\n")
    asked = ["prices", "load", str(file), "--collection", "lean", "--ticker", "AAPL"]
    asked += ["--layout", "lean equity", "--json"]
    runner = CliRunner()
    first, again = runner.invoke(app, asked), runner.invoke(app, asked)
    assert (first.exit_code, again.exit_code) == (0, 0)
    said = json.loads(first.output)
    assert (said["status"], said["rows_new"], said["known_basis"]) == ("loaded", 1, "assumed")
    assert json.loads(again.output)["repeated"] is True


def test_a_file_that_is_refused_ends_with_status_1_and_the_reason(warehouse: str, tmp_path: Path) -> None:
    file = tmp_path / "closes.csv"
    file.write_text("Date,AAPL\n2020-01-01,1\n")
    refused = CliRunner().invoke(app, ["prices", "load", str(file), "--collection", "mine"])
    assert refused.exit_code == 1
    assert "closes only" in refused.output


def test_an_unknown_layout_is_named_with_those_there_are(warehouse: str, tmp_path: Path) -> None:
    file = tmp_path / "bars.csv"
    file.write_text("x\n")
    asked = ["prices", "load", str(file), "--collection", "mine", "--layout", "lean"]
    refused = CliRunner().invoke(app, asked, env={"COLUMNS": "200"})
    assert refused.exit_code == 2
    assert "lean equity, lean crypto" in " ".join(refused.output.split())
