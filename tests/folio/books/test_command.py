"""`folio books check`: what would load, without a database."""

from pathlib import Path

from typer.testing import CliRunner

from folio.commands.books import app
from folio.demo import book, market

RUNNER = CliRunner()


def test_a_good_file_beside_its_reference_files_is_accepted(tmp_path: Path) -> None:
    market.write(tmp_path / "market")
    book.write(tmp_path / "market", tmp_path / "drop")
    first = tmp_path / "drop" / f"{book.FIRST_FILE}_transactions.csv"
    checked = RUNNER.invoke(app, ["check", str(first)], env={"COLUMNS": "300"})
    assert checked.exit_code == 0, checked.output
    assert "0 would be rejected" in checked.output


def test_bad_lines_are_shown_with_reason_and_fail_the_command(tmp_path: Path) -> None:
    market.write(tmp_path / "market")
    book.write(tmp_path / "market", tmp_path / "drop")
    faulty = tmp_path / "drop" / f"{book.FAULTY_INCREMENT}_transactions.csv"
    checked = RUNNER.invoke(app, ["check", str(faulty)], env={"COLUMNS": "300"})
    assert checked.exit_code == 1
    assert "2 would be rejected" in checked.output
    assert "column trade_date: '2013-02-30' is not a day of the calendar" in checked.output
    assert "unknown ticker alias 'ZZZZ'" in checked.output


def test_a_file_of_no_known_kind_is_named_and_fails_the_command(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("colour\nred\n")
    checked = RUNNER.invoke(app, ["check", str(tmp_path / "x.csv")])
    assert checked.exit_code == 1
    assert "not the header of a book file" in checked.output
