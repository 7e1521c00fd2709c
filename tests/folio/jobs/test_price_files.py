"""Price history files land once, as history whose first sight is assumed."""

from pathlib import Path

import pytest

from folio.errors import LoadError
from folio.jobs import price_files
from folio.store import warehouse as warehouse_module


def test_a_file_lands_once_and_its_bars_are_assumed_known_the_night_after(
    warehouse: str, tmp_path: Path
) -> None:
    file = tmp_path / "aapl.csv"
    file.write_text("19980102 00:00,136300,162500,135000,162500,6315000\n19980105 00:00,1,1,1,x,1\n")
    load = price_files.take_in(file, "lean", "AAPL", "lean equity")
    assert (load.status, load.rows_new, load.rows_rejected) == ("loaded", 1, 1)
    assert price_files.take_in(file, "lean", "AAPL", "lean equity").repeated
    with warehouse_module.connect(warehouse) as connection:
        rows = connection.execute(
            "select ticker, close::float, observed_at::text, known_basis from raw.file_daily_bars"
        ).fetchall()
    assert rows == [("AAPL", 16.25, "1998-01-03 03:00:00+00", "assumed")]


def test_a_file_that_says_no_basis_fails_with_the_reason(warehouse: str, tmp_path: Path) -> None:
    file = tmp_path / "wide.csv"
    file.write_text("Date,AAPL\n2020-01-01,1\n")
    load = price_files.take_in(file, "mine", "AAPL")
    assert load.status == "failed"
    assert "closes only" in str(load.reason)
    with pytest.raises(LoadError, match="cannot be opened"):
        price_files.take_in(tmp_path / "none.csv", "mine")
