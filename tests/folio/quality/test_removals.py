"""A file that was cut short is told apart from schemes that its source removed."""

import gzip
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from folio.quality import docs, expectations
from folio.quality.removals import Snapshots, removal
from folio.sources import landing
from folio.sources.connectors import amfi
from folio.sources.landing import Ask, Load
from folio.sources.payloads import Payload
from folio.store import warehouse as warehouse_module

BEFORE = [str(code) for code in range(100)]


def test_what_went_here_and_there_was_removed() -> None:
    seen = removal(BEFORE, set(BEFORE[::2]))
    assert (len(seen.gone), seen.at_end, seen.is_cut) == (50, 1, False)
    assert str(seen) == "50 of 100 gone, 1 of them the end of the last file: 1, 3, 5, 7, 9, ..."


def test_what_went_from_the_end_was_cut() -> None:
    assert removal(BEFORE, set(BEFORE[:80])).is_cut
    assert not removal(BEFORE, set(BEFORE[:95])).is_cut
    assert not removal(BEFORE, set(BEFORE)).is_cut


class Files:
    """Lands NAV files as the night's ingest does, under the plain checks unless told otherwise."""

    def __init__(self, connection: Any, folder: Path) -> None:
        self.connection, self.folder = connection, folder

    def land(self, day: int, body: bytes, engine: expectations.Engine = "plain") -> Load:
        snapshots = Snapshots(self.folder, amfi.parse_navs)
        return landing.take_in(
            self.connection,
            Ask("amfi", "navs", f"2025-07-{day}", "n", ""),
            lambda: Payload(body, datetime(2025, 7, day, 3, 30, tzinfo=UTC)),
            amfi.parse_navs,
            folder=self.folder,
            check=expectations.checking(engine, snapshots, self.folder / "quality"),
        )


@pytest.fixture
def files(warehouse: str, tmp_path: Path) -> Any:
    with warehouse_module.connect(warehouse) as connection:
        yield Files(connection, tmp_path)


def recorded(shared: Path, name: str) -> bytes:
    return gzip.decompress((shared / "data" / "amfi" / "navall_raw" / f"NAVAll_{name}.txt.gz").read_bytes())


def without(body: bytes, codes: set[bytes]) -> bytes:
    return b"\n".join(line for line in body.split(b"\n") if line.split(b";")[0] not in codes)


@pytest.mark.shared_data
def test_a_real_file_cut_near_its_end_is_held_and_one_that_lost_as_many_schemes_is_not(
    files: Files, shared: Path
) -> None:
    first, second = recorded(shared, "2025-07-17T0311"), recorded(shared, "2025-07-18T0313")
    assert files.land(17, first).status == "loaded"
    lines = second.split(b"\n")
    codes = [line.split(b";")[0] for line in lines if line[:1].isdigit()]
    held = files.land(18, b"\n".join(lines[: len(lines) - 400]))
    assert held.status == "held"
    assert (held.reason or "").startswith("file not cut short: ")
    dropped = files.land(19, without(second, set(codes[::90])))
    assert dropped.status == "loaded"
    (seen,) = files.connection.execute(
        "select observed from ops.check_results where check_name = %s and subject like %s",
        ["file not cut short", "%-19"],
    ).fetchone()
    assert int(seen.split()[0]) > 150


@pytest.mark.shared_data
def test_pages_of_what_was_expected_can_be_built_and_opened(files: Files, shared: Path) -> None:
    body = recorded(shared, "2025-07-17T0311")
    assert files.land(17, body, "great_expectations").status == "loaded"
    page = docs.build(files.folder / "quality")
    assert "2025-07-17" in page.read_text()
    assert any(path.suffix == ".html" for path in (page.parent / "validations").rglob("*"))
