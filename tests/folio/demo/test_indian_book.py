"""Books for a replay: over schemes that recorded files restate, priced as those files say."""

import csv
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from folio.demo import indian_book
from folio.errors import FolioError
from folio.sources.sandbox.recordings import recordings

HEADER = "Scheme Code;ISIN Div Payout/ ISIN Growth;ISIN Div Reinvestment;Scheme Name;Net Asset Value;Date"
SECTION = "Open Ended Schemes(Debt Scheme - Liquid Fund)"


def record(folder: Path, instant: str, day: str, *, raised: range = range(0)) -> None:
    """A made-up NAV file of 120 schemes in four houses; schemes in `raised` have another NAV."""
    lines = [HEADER, "", SECTION]
    for number in range(120):
        if number % 30 == 0:
            lines += ["", f"House {number // 30} Mutual Fund", ""]
        nav = Decimal(100 + number) + (Decimal("0.0001") if number in raised else 0)
        lines.append(f"{100000 + number};INF{number:03d}A01010;-;Scheme {number};{nav};{day}")
    (folder / f"NAVAll_{instant}.txt").write_text("\n".join(lines) + "\n")


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    folder = tmp_path / "recorded"
    folder.mkdir()
    record(folder, "2025-07-26T0308", "25-Jul-2025")
    record(folder, "2025-07-27T0322", "25-Jul-2025", raised=range(60))
    (folder / "NAVAll_2025-08-10T0244.txt").write_text("<html>404</html>")
    record(folder, "2025-08-26T0300", "25-Aug-2025", raised=range(60))
    return folder


def rows(drop: Path, kind: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for path in sorted(drop.glob(f"*_{kind}.csv")):
        with path.open(newline="") as file:
            found += list(csv.DictReader(file))
    return found


def check_book(folder: Path, drop: Path, files: Sequence[Path] | None = None) -> None:
    """Units never below zero, prices as recorded, switches keep their money, counts as promised."""
    published = defaultdict(set)
    first: datetime | None = None
    for instant, path in recordings(folder):
        if (files is None or path in files) and (snapshot := indian_book.read_snapshot(path, instant)):
            first = first or instant
            for code, (day, nav) in snapshot.navs.items():
                published[f"amfi:{code}", day.isoformat()].add(nav)
    assert first is not None
    assert len(rows(drop, "investors")) == 12
    assert len(rows(drop, "accounts")) == 20
    assert len(rows(drop, "instruments")) == 80
    units: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    pairs: defaultdict[str, list[Decimal]] = defaultdict(list)
    for row in rows(drop, "transactions"):
        assert Decimal(row["price"]) in published[row["instrument"], row["trade_date"]]
        inward = row["kind"] in {"buy", "switch_in"}
        units[row["account_key"], row["instrument"]] += Decimal(row["units"]) * (1 if inward else -1)
        assert units[row["account_key"], row["instrument"]] >= 0
        if row["pair_key"]:
            money, tax = Decimal(row["amount"]), Decimal(row["tax"])
            pairs[row["pair_key"]].append(money + tax if inward else -(money - tax))
    assert all(len(legs) == 2 and sum(legs) == 0 for legs in pairs.values())
    weights: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in rows(drop, "targets"):
        weights[row["portfolio_key"]] += Decimal(row["weight"])
    assert set(weights.values()) == {Decimal(1)}
    assert {key.partition("_")[0] for key in (p.name for p in drop.iterdir())} >= {f"{first:%Y-%m-%dT%H%MZ}"}


def test_most_of_the_restated_schemes_are_held_before_they_are_restated(
    recorded: Path, tmp_path: Path
) -> None:
    indian_book.write(recorded, tmp_path / "drop")
    check_book(recorded, tmp_path / "drop")
    with (tmp_path / "drop" / "2025-07-26T0308Z_transactions.csv").open(newline="") as file:
        bought = {int(row["instrument"].removeprefix("amfi:")) for row in csv.DictReader(file)}
    assert len(bought & set(range(100000, 100060))) >= 40
    assert (tmp_path / "drop" / "2025-08-26T0300Z_transactions.csv").exists()


def test_the_same_recordings_and_seed_give_the_same_bytes(recorded: Path, tmp_path: Path) -> None:
    there = indian_book.write(recorded, tmp_path / "a")
    again = indian_book.write(recorded, tmp_path / "b")
    assert [p.read_bytes() for p in there] == [p.read_bytes() for p in again]


def test_a_folder_without_a_readable_recording_is_refused(tmp_path: Path) -> None:
    (tmp_path / "NAVAll_2025-08-10T0244.txt").write_text("<html>404</html>")
    with pytest.raises(FolioError, match="can be read"):
        indian_book.write(tmp_path, tmp_path / "drop")


@pytest.mark.shared_data
def test_the_real_july_files_give_a_book_over_at_least_forty_restated_schemes(
    shared: Path, tmp_path: Path
) -> None:
    folder = shared / "data" / "amfi" / "navall_raw"
    files = [path for _, path in recordings(folder) if "2025-07-26" in path.name or "07-27" in path.name]
    indian_book.write(folder, tmp_path / "drop", files=files)
    check_book(folder, tmp_path / "drop", files)
    earlier, later = (
        snapshot
        for instant, path in recordings(folder)
        if path in files and (snapshot := indian_book.read_snapshot(path, instant))
    )
    [changed] = indian_book.restated([earlier, later])
    assert len(changed) == 229
    held = {int(row["instrument"].removeprefix("amfi:")) for row in rows(tmp_path / "drop", "transactions")}
    assert len(held & set(changed)) >= 40
