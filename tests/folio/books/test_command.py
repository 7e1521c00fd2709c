"""`folio books check`: what would load, without a database."""

import json
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


def test_an_export_is_shown_with_kinds_units_and_the_names_that_are_not_known(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(
        "Security / ISIN,Transaction Type,Quantity,Share Price,Total Trade Value,Trade Date/Time,"
        "Settlement Date\n"
        "World / ISIN IE00BK5BQT80,Buy,2.5,£110.00,£275.00,23/12/24 15:18:12,27/12/24\n"
        "World / ISIN IE00BK5BQT80,Sell,1,£120.00,£120.00,24/12/24 15:18:12,30/12/24\n"
    )
    checked = RUNNER.invoke(
        app, ["check", str(tmp_path / "export.csv"), "--account", "A1"], env={"COLUMNS": "300"}
    )
    assert checked.exit_code == 0, checked.output
    for said in (
        "InvestEngine, 2 events of 2 records, 0 would be rejected, 0 lines hold no event",
        "from 2024-12-23 to 2024-12-24",
        "1.5",
        "2 records would wait for the name of an instrument: isin:IE00BK5BQT80",
    ):
        assert said in checked.output


def test_lines_of_an_export_that_cannot_be_booked_fail_the_command(tmp_path: Path) -> None:
    header = "tradeCreatedAt,symbol,side,price,size,funds,fee,feeCurrency\n"
    (tmp_path / "x.csv").write_text(f"{header}2022-04-28 12:36:00,XTZ-EUR,lend,1,1,1,0,EUR\n")
    checked = RUNNER.invoke(app, ["check", str(tmp_path / "x.csv")], env={"COLUMNS": "300"})
    assert checked.exit_code == 1
    assert "unknown kind 'lend'" in checked.output


def test_stated_units_are_shown_with_what_they_differ_by_and_balances_that_cannot_be_read(
    tmp_path: Path,
) -> None:
    funds = [
        {"scheme": name, "amfi": code, "open": opened, "close": close, "transactions": [bought]}
        for name, code, opened, close in (
            ("One", 200001, "0", "10"),
            ("Two", 200002, "5", "17"),
            ("Three", 200003, "0", "many"),
        )
        for bought in [{"type": "PURCHASE", "date": "2024-01-10", "units": "10", "amount": "100"}]
    ]
    said = {"statement_period": {"to": "31-Jan-2024"}, "folios": [{"folio": "7", "schemes": funds}]}
    (tmp_path / "statement.json").write_text(json.dumps(said))
    shown = RUNNER.invoke(app, ["check", str(tmp_path / "statement.json")], env={"COLUMNS": "300"}).output
    assert "agrees" in shown
    assert "differs by -7; opens with 5; not all are listed, first by 2024-01-31" in shown
    assert "column close" in shown
