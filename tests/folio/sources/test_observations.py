"""Files of recorded observations: each row in its own time, none lost, no NAV kept as none."""

import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from folio.errors import PayloadError
from folio.jobs import observations as jobs
from folio.sources import observations
from folio.sources.landing import TextBlocks
from folio.store import warehouse as warehouse_module

SEEN = datetime(2025, 7, 16, 15, tzinfo=UTC)
GOOD = {"scheme_code": 1, "nav_date": date(2025, 7, 15), "nav": "10.5", "first_seen": SEEN, "revision": 0}

SCHEMA = pa.schema(
    [
        ("scheme_code", pa.int32()),
        ("nav_date", pa.date32()),
        ("nav", pa.string()),
        ("first_seen", pa.timestamp("ms", "UTC")),
        ("revision", pa.int8()),
    ]
)


def write(path: Path, *rows: dict[str, Any]) -> Path:
    pq.write_table(pa.Table.from_pylist([{**GOOD, **row} for row in rows], SCHEMA), path)
    return path


def test_each_row_is_a_version_from_when_it_was_first_seen(warehouse: str, tmp_path: Path) -> None:
    later = datetime(2025, 7, 20, 3, 21, tzinfo=UTC)
    path = write(
        tmp_path / "log.parquet", {}, {"nav": "10.6", "first_seen": later, "revision": 1},
        {"scheme_code": 2, "nav": "0.0000"}, {"scheme_code": 3, "nav": "N.A."},
    )  # fmt: skip
    seen: list[int] = []
    load = jobs.load_navs(path, seen.append)
    assert (load.status, load.rows_seen, load.rows_new, load.rows_changed) == ("loaded", 4, 3, 1)
    assert (load.observed_at, sum(seen), jobs.rows_in(path)) == (later, 4, 4)
    with warehouse_module.connect() as connection:
        rows = connection.execute(
            "select scheme_code, nav::text, observed_at, known_basis, line from raw.amfi_navs order by line"
        ).fetchall()
    assert rows == [
        (1, "10.5000000000", SEEN, "observed", 1),
        (1, "10.6000000000", later, "observed", 2),
        (2, None, SEEN, "observed", 3),
        (3, None, SEEN, "observed", 4),
    ]
    assert jobs.load_navs(path).repeated


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"nav": "ten"}, "NAV is no number: 'ten'"),
        ({"nav": "-1.5"}, "NAV is no number: '-1.5'"),
        ({"nav": None}, "no nav"),
        ({"scheme_code": None}, "no scheme_code"),
        ({"scheme_code": 0}, "scheme code is none: 0"),
        ({"nav_date": date(2025, 8, 1)}, "date 2025-08-01 lies ahead of 2025-07-16T15:00Z, when it was seen"),
    ],
)
def test_a_row_that_is_no_observation_is_rejected_with_its_reason(
    tmp_path: Path, load_at: Callable[..., Any], row: dict[str, Any], reason: str
) -> None:
    path = write(tmp_path / "log.parquet", {}, row, {"scheme_code": 2})
    batch = observations.parse_navs(path.read_bytes(), load_at(2025, 7, 16, 15))
    assert isinstance(batch.rows, TextBlocks)
    lines = [block.columns[3] for block in batch.rows.blocks]
    assert lines == [["1", "3"]]
    [rejected] = batch.rejected
    assert (rejected.line, rejected.reason) == (2, reason)


def test_what_is_no_file_of_observations_is_a_failed_load_that_keeps_it(
    warehouse: str, tmp_path: Path
) -> None:
    (tmp_path / "text.parquet").write_bytes(b"scheme_code,nav\n")
    pq.write_table(pa.table({"scheme_code": [1], "nav": ["10"]}), tmp_path / "other.parquet")
    text = jobs.load_navs(tmp_path / "text.parquet")
    other = jobs.load_navs(tmp_path / "other.parquet")
    absent = jobs.load_navs(tmp_path / "absent.parquet") if (tmp_path / "absent.parquet").exists() else None
    assert absent is None
    assert (text.status, text.payload_bytes) == ("failed", 16)
    assert "no Parquet file" in (text.reason or "")
    assert (other.status, other.reason) == (
        "failed",
        "no column nav_date, first_seen of the type that NAV observations have",
    )
    assert jobs.rows_in(tmp_path / "text.parquet") is None


def test_a_damaged_file_fails_with_the_row_after_which_it_is(
    tmp_path: Path, load_at: Callable[..., Any]
) -> None:
    path = write(
        tmp_path / "log.parquet",
        *[{"scheme_code": n, "nav": str(uuid.uuid4().int % 10**9)} for n in range(1, 5000)],
    )
    body = bytearray(path.read_bytes())
    body[4:2000] = bytes(1996)
    batch = observations.parse_navs(bytes(body), load_at(2025, 7, 16, 15))
    assert isinstance(batch.rows, TextBlocks)
    with pytest.raises(PayloadError, match="damaged after row 0"):
        list(batch.rows.blocks)
