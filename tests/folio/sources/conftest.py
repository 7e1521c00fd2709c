"""Loads for parsers, demo data for sandboxes, and settings that point at one."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from folio.settings import Settings
from folio.sources.landing import Load

DEMO = {
    "schemes.csv": "scheme_code,isin,scheme_name,category,fund_house\n"
    "900001,INF000A01011,Demo Growth Fund,Equity Scheme - Flexi Cap Fund,Folio Demo\n"
    "900002,INF000A01029,Demo Bond Fund,Debt Scheme - Gilt Fund,Folio Demo\n",
    "navs.csv": "scheme_code,nav_date,nav\n"
    "900001,2013-02-26,101.2500\n900001,2013-02-27,101.5\n900002,2013-02-26,55.1234\n900002,2013-02-27,55.13\n",
    "prices.csv": "ticker,session_date,open,high,low,close,volume\n"
    "AAPL,2013-02-26,443.82,451.54,437.66,448.97,17870800\nIBM,2013-02-26,198.63,199.62,198.0,199.14,2720000\n"
    "AAPL,2013-02-27,448.43,452.44,440.65,444.57,20976800\n",
    "splits.csv": "ticker,execution_date,split_from,split_to\n"
    "AAPL,2005-02-28,1,2\nIBM,1999-05-27,1,2\nMSFT,2003-02-18,1,2\n",
    "fx.csv": "Date,USD,INR,CYP,\n2013-02-27,1.3097,70.6510,N/A,\n2013-02-26,1.3077,70.7860,N/A,\n"
    "2007-12-31,1.4721,N/A,0.585274,\n",
}


@pytest.fixture
def demo_folder(tmp_path: Path) -> Path:
    """Folder of demo data."""
    folder = tmp_path / "demo"
    folder.mkdir()
    for name, text in DEMO.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def load_at() -> Callable[..., Load]:
    """Makes a running load observed at an instant (year, month, day, hour)."""

    def make(*instant: int, source: str = "amfi", dataset: str = "navs", slot: str = "slot") -> Load:
        return Load(
            load_id=uuid.uuid5(uuid.NAMESPACE_DNS, slot),
            source=source,
            dataset=dataset,
            slot=slot,
            attempt=1,
            night=None,
            request="",
            status="running",
            payload_sha256=None,
            payload_bytes=None,
            observed_at=datetime(*instant, tzinfo=UTC),  # type: ignore[misc,arg-type]
            known_basis="observed",
            rows_seen=0,
            rows_new=0,
            rows_changed=0,
            rows_same=0,
            rows_rejected=0,
            reason=None,
        )

    return make


@pytest.fixture
def quick() -> Settings:
    """Settings of sessions that wait for nothing: no pause between attempts, recorded mode."""
    return Settings(
        recorded=True,
        http_attempts=3,
        http_backoff_seconds=0,
        http_timeout_seconds=5,
        max_payload_bytes=1_000_000,
        _env_file=None,
    )
